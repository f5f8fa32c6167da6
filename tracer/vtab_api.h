/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * vtab_api.h - included before all else in each source of the loadable extension: turns every call of SQLite into one through the table of
 * functions that the loading program hands over, so that the extension works in programs that carry an SQLite of their own.
 */
#ifndef EGPU_TRACER_VTAB_API_H
#define EGPU_TRACER_VTAB_API_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

#endif
