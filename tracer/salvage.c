/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <endian.h>

#include "tracer/sql.h"
#include "tracer/store.h"

/* SQLite's file format, https://www.sqlite.org/fileformat2.html, with the two page sizes that traces have */
#define TABLE_LEAF 0x0d
#define INDEX_LEAF 0x0a
#define PAGE_HEAD_BYTES 8u
#define COLUMNS_MAX 11
#define READ_SHARE 4u /* overflow pages are read at most so many times the size of the file, however many rows name the same ones */

static const char schema[] =
#include "tracer/schema.sql.inc"
	;

/* tables by the kind of their pages and the number of columns; the first is NULL where it is the row's id */
static const struct {
	uint8_t page;
	int columns;
	const char *insert;
} tables[] = {
	{ TABLE_LEAF, 11, "INSERT OR IGNORE INTO chunk SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 "
			  "WHERE typeof(?10) = 'blob' AND ?11 IS row_crc(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)" },
	{ TABLE_LEAF, 4, "INSERT OR IGNORE INTO device SELECT ?1, ?2, ?3, ?4 WHERE ?4 IS row_crc(?1, ?2, ?3)" },
	{ TABLE_LEAF, 3, "INSERT OR IGNORE INTO string SELECT ?1, ?2, ?3 WHERE ?3 IS row_crc(?1, ?2)" },
	{ INDEX_LEAF, 3, "INSERT OR IGNORE INTO meta SELECT ?1, ?2, ?3 WHERE ?3 IS row_crc(?1, ?2)" },
	{ INDEX_LEAF, 4, "INSERT OR IGNORE INTO account SELECT ?1, ?2, ?3, ?4 WHERE ?4 IS row_crc(?1, ?2, ?3)" },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct salvage {
	int fd;
	size_t page_bytes;
	uint64_t pages, budget; /* overflow pages that may still be read */
	sqlite3 *db;
	sqlite3_stmt *stmt[TABLES];
	uint8_t page[STORE_PAGE_BYTES];
	uint8_t *row; /* SQL_ROW_BYTES_MAX */
};

/* ---- one row ---- */

/* Return: bytes taken, 0 if it does not end in @n */
static size_t take_varint(const uint8_t *p, size_t n, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n && i < 9; i++) {
		if (i == 8) {
			*out = *out << 8 | p[i];
			return 9;
		}
		*out = *out << 7 | (p[i] & 0x7f);
		if (!(p[i] & 0x80))
			return i + 1;
	}
	return 0;
}

static bool read_page(const struct salvage *s, uint64_t number, uint8_t *out)
{
	return number >= 1 && number <= s->pages &&
	       pread(s->fd, out, s->page_bytes, (off_t)((number - 1) * s->page_bytes)) == (ssize_t)s->page_bytes;
}

static bool read_overflow(struct salvage *s, uint32_t number, size_t at, size_t bytes)
{
	uint8_t page[STORE_PAGE_BYTES];
	uint32_t next;

	while (at < bytes) {
		size_t part = bytes - at < s->page_bytes - 4 ? bytes - at : s->page_bytes - 4;

		if (s->budget == 0 || !read_page(s, number, page))
			return false;
		s->budget--;
		memcpy(s->row + at, page + 4, part);
		memcpy(&next, page, 4);
		number = be32toh(next);
		at += part;
	}
	return true;
}

/* the cell's record into s->row. Return: its bytes; 0 if it has none */
static size_t read_record(struct salvage *s, size_t at, int64_t *id)
{
	bool table = s->page[0] == TABLE_LEAF;
	size_t least = (s->page_bytes - 12) * 32 / 255 - 23, most = table ? s->page_bytes - 35 : (s->page_bytes - 12) * 64 / 255 - 23, local, n;
	uint64_t bytes, row_id = 0;
	uint32_t overflow;

	n = take_varint(s->page + at, s->page_bytes - at, &bytes);
	if (!n || bytes == 0 || bytes > SQL_ROW_BYTES_MAX)
		return 0;
	at += n;
	n = table ? take_varint(s->page + at, s->page_bytes - at, &row_id) : 0;
	if (table && !n)
		return 0;
	at += n;
	*id = (int64_t)row_id;
	local = least + (bytes - least) % (s->page_bytes - 4);
	local = bytes <= most ? bytes : local <= most ? local : least;
	if (at + local + (local < bytes ? 4 : 0) > s->page_bytes)
		return 0;
	memcpy(s->row, s->page + at, local);
	if (local == bytes)
		return bytes;
	memcpy(&overflow, s->page + at + local, 4);
	return read_overflow(s, be32toh(overflow), local, bytes) ? bytes : 0;
}

/* ---- from record to table ---- */

static size_t bytes_of(uint64_t type)
{
	static const uint8_t fixed[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0 };

	return type < 12 ? fixed[type] : (size_t)(type - 12) / 2;
}

static int bind(sqlite3_stmt *stmt, int at, uint64_t type, const uint8_t *data)
{
	size_t n = bytes_of(type);
	int64_t value;

	if (type == 0 || type == 7 || type == 10 || type == 11)
		return sqlite3_bind_null(stmt, at);
	if (type >= 12)
		return type % 2 ? sqlite3_bind_text(stmt, at, (const char *)data, (int)n, SQLITE_STATIC)
				: sqlite3_bind_blob(stmt, at, data, (int)n, SQLITE_STATIC);
	value = type == 9 ? 1 : n && data[0] & 0x80 ? -1 : 0;
	for (size_t i = 0; i < n; i++)
		value = (int64_t)((uint64_t)value << 8 | data[i]);
	return sqlite3_bind_int64(stmt, at, value);
}

/* Return: the number of columns, 0 if this is no record of at most COLUMNS_MAX */
static int take_types(const uint8_t *row, size_t bytes, uint64_t *type, size_t *head_bytes)
{
	uint64_t head;
	size_t at = take_varint(row, bytes, &head), all;
	int n = 0;

	if (!at || head > bytes)
		return 0;
	for (all = head; at < head && n < COLUMNS_MAX; n++) {
		size_t taken = take_varint(row + at, head - at, &type[n]);

		if (!taken || type[n] > 2 * (uint64_t)SQL_ROW_BYTES_MAX + 13)
			return 0;
		at += taken;
		all += bytes_of(type[n]);
	}
	*head_bytes = head;
	return at == head && all == bytes ? n : 0;
}

/* a row that belongs to no table, or whose checksum is wrong, goes nowhere */
static int put_record(struct salvage *s, size_t bytes, int64_t id)
{
	uint64_t type[COLUMNS_MAX];
	size_t at = 0;
	int code = SQLITE_OK, n = take_types(s->row, bytes, type, &at);
	sqlite3_stmt *stmt = NULL;

	for (size_t i = 0; i < TABLES; i++) {
		if (tables[i].page == s->page[0] && tables[i].columns == n)
			stmt = s->stmt[i];
	}
	if (!stmt)
		return 0;
	for (int i = 0; i < n && code == SQLITE_OK; i++) {
		code = i == 0 && s->page[0] == TABLE_LEAF ? sqlite3_bind_int64(stmt, 1, id) : bind(stmt, i + 1, type[i], s->row + at);
		at += bytes_of(type[i]);
	}
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	/* what a constraint of its table refuses was no row of it */
	return (code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH ? 0 : sql_error(s->db, code);
}

/* ---- all pages ---- */

/* a page of small ones that holds rows; of what is no page hardly anything looks like it */
static bool is_small_leaf(const uint8_t *page)
{
	size_t cells = (size_t)page[3] << 8 | page[4], content = (size_t)page[5] << 8 | page[6];
	size_t first = (size_t)page[PAGE_HEAD_BYTES] << 8 | page[PAGE_HEAD_BYTES + 1];

	return (page[0] == TABLE_LEAF || page[0] == INDEX_LEAF) && cells && PAGE_HEAD_BYTES + 2 * cells <= content && content <= first &&
	       first < STORE_PAGE_BYTES_PACKED;
}

/* the header that says how large pages are may be what is damaged: they are small if some begin where no large one does */
static size_t find_page_bytes(int fd, uint64_t file_bytes)
{
	uint8_t large[STORE_PAGE_BYTES];
	unsigned int leaves = 0;

	for (uint64_t at = 0; at + sizeof(large) <= file_bytes && pread(fd, large, sizeof(large), (off_t)at) == sizeof(large); at += sizeof(large)) {
		for (size_t small = STORE_PAGE_BYTES_PACKED; small < sizeof(large); small += STORE_PAGE_BYTES_PACKED)
			leaves += is_small_leaf(large + small);
	}
	return leaves > 1 ? STORE_PAGE_BYTES_PACKED : STORE_PAGE_BYTES;
}

static int put_page(struct salvage *s)
{
	size_t cells = (size_t)s->page[3] << 8 | s->page[4];
	int err = 0;

	if ((s->page[0] != TABLE_LEAF && s->page[0] != INDEX_LEAF) || PAGE_HEAD_BYTES + 2 * cells > s->page_bytes)
		return 0;
	for (size_t i = 0; !err && i < cells; i++) {
		const uint8_t *p = s->page + PAGE_HEAD_BYTES + 2 * i;
		size_t at = (size_t)p[0] << 8 | p[1], bytes;
		int64_t id;

		bytes = at >= PAGE_HEAD_BYTES && at < s->page_bytes ? read_record(s, at, &id) : 0;
		if (bytes)
			err = put_record(s, bytes, id);
	}
	return err;
}

static int put_all(struct salvage *s)
{
	int err = sql_exec(s->db, "BEGIN");

	/* the first page holds the schema only; one that cannot be read is passed by */
	for (uint64_t number = 2; !err && number <= s->pages; number++)
		err = read_page(s, number, s->page) ? put_page(s) : 0;
	return err ? err : sql_exec(s->db, "COMMIT");
}

static int open_both(struct salvage *s, const char *in, const char *out)
{
	struct stat st;
	int err;

	s->fd = open(in, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return -errno;
	s->page_bytes = find_page_bytes(s->fd, (uint64_t)st.st_size);
	s->pages = (uint64_t)st.st_size / s->page_bytes;
	s->budget = READ_SHARE * s->pages;
	s->row = malloc(SQL_ROW_BYTES_MAX);
	if (!s->row)
		return -ENOMEM;
	err = sql_open(out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s->db);
	if (!err)
		err = sql_exec(s->db, "PRAGMA synchronous = OFF");
	if (!err)
		err = sql_exec(s->db, schema);
	if (!err)
		err = sql_add_row_crc(s->db);
	for (size_t i = 0; !err && i < TABLES; i++)
		err = sql_prepare(s->db, tables[i].insert, &s->stmt[i]);
	return err;
}

int salvage_rows(const char *in, const char *out, uint64_t *events, uint64_t *chunks)
{
	struct salvage s = { .fd = -1 };
	int64_t found = 0, stated = 0;
	int err = open_both(&s, in, out);

	if (!err)
		err = put_all(&s);
	if (!err)
		err = sql_number(s.db, "SELECT count(*) FROM chunk", &found);
	if (!err)
		err = sql_number(s.db, "SELECT coalesce(sum(events), 0) FROM chunk WHERE events BETWEEN 0 AND 65536", &stated);
	if (!err && !found)
		err = -ENODATA;
	*events = (uint64_t)stated;
	*chunks = (uint64_t)found;
	for (size_t i = 0; i < TABLES; i++)
		sqlite3_finalize(s.stmt[i]);
	if (s.db)
		sqlite3_close(s.db);
	if (err && s.db)
		unlink(out);
	free(s.row);
	if (s.fd >= 0)
		close(s.fd);
	return err;
}
