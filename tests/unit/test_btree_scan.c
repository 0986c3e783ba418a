/* Rows read from the pages are those that SQLite reads. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/btree_scan.h"

enum { COLUMNS = 4 };
static char path[64];

/* Rows of all sizes of integers, written by SQLite; the ids have gaps, and the last column was added later: old rows lack it. */
static sqlite3 *make(unsigned page_bytes, unsigned rows, const char *more)
{
    sqlite3 *db;
    char sql[1024];
    snprintf(path, sizeof path, "/tmp/heaptrail-scan-%d.db", (int)getpid());
    unlink(path);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %u; CREATE TABLE other(x); CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
             "INSERT INTO t SELECT i * 3 - 50, CASE i %% 7 WHEN 0 THEN NULL WHEN 1 THEN i %% 2 ELSE -1 << (i %% 63) END, (1 << (i * 7 %% 63)) - i FROM n;"
             "ALTER TABLE t ADD COLUMN c INTEGER; UPDATE t SET c = id WHERE id %% 2;"
             "CREATE TABLE pair(b INTEGER, a INTEGER, id INTEGER, PRIMARY KEY(id, a)) WITHOUT ROWID; INSERT INTO pair SELECT b, coalesce(a, 7), id FROM t; %s",
             page_bytes, rows, more);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    return db;
}

static void done(sqlite3 *db)
{
    sqlite3_close(db);
    unlink(path);
}

static void compare(unsigned page_bytes, unsigned rows)
{
    sqlite3 *db = make(page_bytes, rows, "");
    sqlite3_stmt *statement;
    htrail__btree_scan scan;
    int64_t id, values[COLUMNS];
    unsigned count = 0;
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT id, a, b, c FROM t ORDER BY id", -1, &statement, NULL), SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, COLUMNS), HTRAIL__BTREE_ROW);
        cr_assert_eq(id, sqlite3_column_int64(statement, 0));
        for (int i = 1; i < COLUMNS; i++)
            if (sqlite3_column_type(statement, i) == SQLITE_NULL)
                cr_assert_eq(values[i], HTRAIL__BTREE_NULL);
            else
                cr_assert_eq(values[i], sqlite3_column_int64(statement, i), "row %lld column %d", (long long)id, i);
    }
    cr_assert_eq(count, rows);
    cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, COLUMNS), HTRAIL__BTREE_DONE);
    sqlite3_finalize(statement);
    htrail__btree_scan_release(&scan);
    done(db);
}

/* Without a rowid: the key is first, and pages above the leaves have rows too. */
static void compare_pairs(unsigned page_bytes, unsigned rows)
{
    sqlite3 *db = make(page_bytes, rows, "");
    sqlite3_stmt *statement;
    htrail__btree_scan scan;
    int64_t id, values[3];
    unsigned count = 0;
    cr_assert(htrail__btree_scan_open(&scan, db, "pair"));
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT id, a, b FROM pair ORDER BY id, a", -1, &statement, NULL), SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, 3), HTRAIL__BTREE_ROW);
        cr_assert_eq(id, 0);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(values[i], sqlite3_column_type(statement, i) == SQLITE_NULL ? HTRAIL__BTREE_NULL : sqlite3_column_int64(statement, i), "row %u column %d", count, i);
    }
    cr_assert_eq(count, rows);
    cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, 3), HTRAIL__BTREE_DONE);
    sqlite3_finalize(statement);
    htrail__btree_scan_release(&scan);
    done(db);
}

Test(btree_scan, reads_what_sqlite_reads)
{
    static const unsigned sizes[] = {512, 8192, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        compare(sizes[i], 1);
        compare(sizes[i], 20000);
        compare_pairs(sizes[i], 1);
        compare_pairs(sizes[i], 20000);
    }
}

Test(btree_scan, what_it_does_not_know_is_refused)
{
    htrail__btree_scan scan;
    int64_t id, values[COLUMNS];
    sqlite3 *db = make(4096, 10, "PRAGMA journal_mode = WAL; INSERT INTO t VALUES(1000, 1, 2, 3);");
    cr_assert_not(htrail__btree_scan_open(&scan, db, "t"));
    done(db);
    db = make(4096, 10, "UPDATE t SET b = 'a text' WHERE id = -47");
    cr_assert_not(htrail__btree_scan_open(&scan, db, "no such table"));
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, COLUMNS), HTRAIL__BTREE_BROKEN);
    htrail__btree_scan_release(&scan);
    done(db);
    db = make(4096, 10, "UPDATE t SET a = hex(randomblob(4000)) WHERE id = -47"); /* goes on on another page */
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    cr_assert_eq(htrail__btree_scan_next(&scan, &id, values, COLUMNS), HTRAIL__BTREE_BROKEN);
    htrail__btree_scan_release(&scan);
    done(db);
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_not(htrail__btree_scan_open(&scan, db, "t"));
    sqlite3_close(db);
}

/* Pages that lie, also about where others are: it ends, and reads nothing beyond the file. */
static void lie(const char *table)
{
    sqlite3 *db = make(512, 60, "");
    htrail__btree_scan scan;
    int64_t id, values[COLUMNS];
    cr_assert(htrail__btree_scan_open(&scan, db, table));
    size_t bytes = scan.map_bytes;
    uint8_t *copy = malloc(bytes); /* as large as the file, so that a sanitizer sees a byte beyond it */
    const uint8_t *map = scan.map;
    htrail__btree_scan begin = scan;
    size_t root = (size_t)(scan.levels[0].page - map), head = (size_t)(scan.levels[0].head - map);
    for (size_t at = 512; at < bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, map, bytes);
            copy[at] ^= (uint8_t)(1 << bit);
            scan = begin;
            scan.map = copy;
            scan.levels[0].page = copy + root;
            scan.levels[0].head = copy + head;
            unsigned rows = 0;
            while (htrail__btree_scan_next(&scan, &id, values, COLUMNS) == HTRAIL__BTREE_ROW)
                cr_assert_lt(rows++, bytes);
        }
    }
    free(copy);
    htrail__btree_scan_release(&begin);
    done(db);
}

Test(btree_scan, no_byte_of_a_page_leads_astray)
{
    lie("t");
    lie("pair");
}
