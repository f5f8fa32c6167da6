-- SPDX-License-Identifier: MIT OR GPL-2.0-only
-- The .egt file, format 1.0; each table and column is explained in trace(5).
-- application_id is "EGPT"; user_version is 100 * major + minor.
BEGIN;
PRAGMA application_id = 0x45475054;
PRAGMA user_version = 100;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity TEXT);
CREATE TABLE string(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE account(what TEXT PRIMARY KEY, count INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
CREATE TABLE chunk(
	id INTEGER PRIMARY KEY,
	first_seq INTEGER NOT NULL,
	events INTEGER NOT NULL,
	t_min_ns INTEGER NOT NULL,
	t_max_ns INTEGER NOT NULL,
	kind_events TEXT NOT NULL,
	codec INTEGER NOT NULL,
	raw_bytes INTEGER NOT NULL,
	checksum INTEGER NOT NULL,
	data BLOB NOT NULL
);
COMMIT;
