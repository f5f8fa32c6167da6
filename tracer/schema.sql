-- SPDX-License-Identifier: MIT OR GPL-2.0-only
-- The .egt file, format 1.1; each table and column is explained in trace(5).
-- application_id is "EGPT"; user_version is 100 * major + minor.
BEGIN;
PRAGMA application_id = 0x45475054;
PRAGMA user_version = 103;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE device(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity TEXT, checksum INTEGER NOT NULL);
CREATE TABLE string(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, checksum INTEGER NOT NULL);
CREATE TABLE account(what TEXT PRIMARY KEY, count INTEGER NOT NULL, note TEXT, checksum INTEGER NOT NULL) WITHOUT ROWID;
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
	data BLOB NOT NULL,
	head_checksum INTEGER NOT NULL
);
CREATE TABLE checkpoint(
	id INTEGER PRIMARY KEY,
	parts INTEGER NOT NULL,
	until_ns INTEGER NOT NULL,
	first_seq INTEGER NOT NULL,
	events INTEGER NOT NULL,
	t_min_ns INTEGER NOT NULL,
	t_max_ns INTEGER NOT NULL,
	kind_events TEXT NOT NULL,
	codec INTEGER NOT NULL,
	raw_bytes INTEGER NOT NULL,
	checksum INTEGER NOT NULL,
	data BLOB NOT NULL,
	head_checksum INTEGER NOT NULL
);
COMMIT;
