/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "tracer/vtab.h"

/* sqlite3_vtab_in() and sqlite3_vtab_rhs_value() came with it */
#define SQLITE_VERSION_MIN 3038000

/* the name that SQLite makes of the file's, egpu_trace.so */
__attribute__((visibility("default"))) int sqlite3_egputrace_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

int sqlite3_egputrace_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
	SQLITE_EXTENSION_INIT2(api);
	if (sqlite3_libversion_number() < SQLITE_VERSION_MIN) {
		*error = sqlite3_mprintf("egpu_trace needs SQLite 3.38 or newer, this is %s", sqlite3_libversion());
		return SQLITE_ERROR;
	}
	return vtab_register(db, NULL, error);
}
