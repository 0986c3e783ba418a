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

/* The rows from where the scan stands are those of a query; at most `most` of them are looked at. first: the query's column
 * that is the scan's first. */
static unsigned compare_rows(htrail__btree_scan *scan, sqlite3_stmt *statement, int first, int columns, unsigned most)
{
    int64_t id, values[COLUMNS];
    unsigned count = 0;
    for (; count < most && sqlite3_step(statement) == SQLITE_ROW; count++) {
        cr_assert_eq(htrail__btree_scan_next(scan, &id, values, COLUMNS), HTRAIL__BTREE_ROW);
        cr_assert_eq(id, first == 0 ? 0 : sqlite3_column_int64(statement, 0));
        for (int i = first; i < columns; i++)
            if (sqlite3_column_type(statement, i) == SQLITE_NULL)
                cr_assert_eq(values[i], HTRAIL__BTREE_NULL);
            else
                cr_assert_eq(values[i], sqlite3_column_int64(statement, i), "row %u column %d", count, i);
    }
    if (count < most)
        cr_assert_eq(htrail__btree_scan_next(scan, &id, values, COLUMNS), HTRAIL__BTREE_DONE);
    sqlite3_reset(statement);
    return count;
}

static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    return statement;
}

static void compare(unsigned page_bytes, unsigned rows)
{
    sqlite3 *db = make(page_bytes, rows, "");
    sqlite3_stmt *statement = ask(db, "SELECT id, a, b, c FROM t ORDER BY id");
    htrail__btree_scan scan;
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    cr_assert_eq(compare_rows(&scan, statement, 1, COLUMNS, UINT32_MAX), rows);
    sqlite3_finalize(statement);
    htrail__btree_scan_release(&scan);
    done(db);
}

/* Without a rowid: the key is first, and pages above the leaves have rows too. */
static void compare_pairs(unsigned page_bytes, unsigned rows)
{
    sqlite3 *db = make(page_bytes, rows, "");
    sqlite3_stmt *statement = ask(db, "SELECT id, a, b FROM pair ORDER BY id, a");
    htrail__btree_scan scan;
    cr_assert(htrail__btree_scan_open(&scan, db, "pair"));
    cr_assert_eq(compare_rows(&scan, statement, 0, 3, UINT32_MAX), rows);
    sqlite3_finalize(statement);
    htrail__btree_scan_release(&scan);
    done(db);
}

/* References as heap_reference has them: several rows of a key lie on several pages, and between children. */
static const char references[] = "CREATE TABLE r(src INTEGER NOT NULL, dst INTEGER NOT NULL, label INTEGER NOT NULL, PRIMARY KEY(src, dst, label)) WITHOUT ROWID;"
                                 "INSERT INTO r SELECT id / 100, id, b & 31 FROM t; CREATE INDEX d ON r(dst);";

static void compare_from(unsigned page_bytes, unsigned rows)
{
    sqlite3 *db = make(page_bytes, rows, references);
    sqlite3_stmt *of_t = ask(db, "SELECT id, a, b, c FROM t WHERE id >= ? ORDER BY id"), *of_r = ask(db, "SELECT src, dst, label FROM r WHERE src >= ? ORDER BY 1, 2, 3"),
                 *of_d = ask(db, "SELECT dst, src, label FROM r WHERE dst >= ? ORDER BY 1, 2, 3");
    htrail__btree_scan t, r, d;
    int64_t end = (int64_t)rows * 3 - 40;
    cr_assert(htrail__btree_scan_open(&t, db, "t") && htrail__btree_scan_open(&r, db, "r") && htrail__btree_scan_open(&d, db, "d"));
    /* Upwards by small steps, then downwards by larger ones. */
    for (int64_t step = 1; step >= -41; step -= 42) {
        for (int64_t key = step > 0 ? -60 : end; key >= -60 && key <= end; key += step) {
            sqlite3_bind_int64(of_t, 1, key);
            sqlite3_bind_int64(of_r, 1, key / 100);
            sqlite3_bind_int64(of_d, 1, key);
            cr_assert(htrail__btree_scan_seek(&t, key) && htrail__btree_scan_seek(&r, key / 100) && htrail__btree_scan_seek(&d, key));
            compare_rows(&t, of_t, 1, COLUMNS, 3);
            compare_rows(&r, of_r, 0, 3, key % 9 == 0 ? 40 : 3);
            compare_rows(&d, of_d, 0, 3, 3);
        }
    }
    sqlite3_finalize(of_t);
    sqlite3_finalize(of_r);
    sqlite3_finalize(of_d);
    htrail__btree_scan_release(&t);
    htrail__btree_scan_release(&r);
    htrail__btree_scan_release(&d);
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

Test(btree_scan, begins_at_any_key)
{
    compare_from(512, 1);
    compare_from(512, 2000);
    compare_from(65536, 3000);
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
    db = make(4096, 10, "BEGIN; INSERT INTO t VALUES(1000, 1, 2, 3);");
    cr_assert_not(htrail__btree_scan_open(&scan, db, "t"));
    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    htrail__btree_scan_release(&scan);
    done(db);
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_not(htrail__btree_scan_open(&scan, db, "t"));
    sqlite3_close(db);
}

Test(btree_scan, a_page_without_rows_below_others_is_broken)
{
    sqlite3 *db = make(512, 60, "");
    htrail__btree_scan scan;
    int64_t id, values[COLUMNS];
    cr_assert(htrail__btree_scan_open(&scan, db, "t"));
    const uint8_t *map = scan.map;
    uint8_t *copy = malloc(scan.map_bytes);
    memcpy(copy, map, scan.map_bytes);
    scan.map = copy;
    cr_assert(htrail__btree_scan_seek(&scan, 100));
    cr_assert_gt(scan.depth, 0);
    memset(copy + (scan.levels[scan.depth].head - copy) + 3, 0, 2);
    scan.depth = -1;
    cr_assert_not(htrail__btree_scan_seek(&scan, 100));
    cr_assert(htrail__btree_scan_seek(&scan, -50));
    while (htrail__btree_scan_next(&scan, &id, values, COLUMNS) == HTRAIL__BTREE_ROW)
        ;
    cr_assert_geq(scan.depth, 0); /* not the end */
    scan.map = map;
    htrail__btree_scan_release(&scan);
    free(copy);
    done(db);
}

/* Pages that lie, also about where others are: it ends, and reads nothing beyond the file. */
static void lie(const char *table)
{
    sqlite3 *db = make(512, 60, references);
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
            for (int64_t key = -50; key < 150 && htrail__btree_scan_seek(&scan, key); key += 13)
                if (htrail__btree_scan_next(&scan, &id, values, COLUMNS) == HTRAIL__BTREE_BROKEN)
                    break;
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
    lie("d");
}
