/* References read from pages and from SQLite are the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "analyze/reference_rows.h"
#include "analyze/schema.h"

enum { ROWS = 5000 };

/* Those of each object, from either end. */
static void find(sqlite3 *db, bool from_pages, bool by_dst)
{
    htrail__reference_rows rows;
    sqlite3_stmt *statement;
    int64_t values[HTRAIL__REFERENCE_COLUMNS];
    cr_assert_eq(sqlite3_prepare_v2(db, by_dst ? "SELECT src, dst, label FROM heap_reference WHERE dst = ? ORDER BY src, label"
                                               : "SELECT src, dst, label FROM heap_reference WHERE src = ? ORDER BY dst, label", -1, &statement, NULL), SQLITE_OK);
    cr_assert(by_dst ? htrail__reference_rows_open_referrers(&rows, db) : htrail__reference_rows_open(&rows, db));
    cr_assert_eq(rows.statement == NULL, from_pages);
    for (int64_t id = -1; id < 5001; id++) {
        sqlite3_bind_int64(statement, 1, id);
        cr_assert(htrail__reference_rows_find(&rows, id));
        while (sqlite3_step(statement) == SQLITE_ROW) {
            cr_assert_eq(htrail__reference_rows_next_found(&rows, values), HTRAIL__BTREE_ROW, "%lld", (long long)id);
            for (int i = 0; i < HTRAIL__REFERENCE_COLUMNS; i++)
                cr_assert_eq(values[i], sqlite3_column_int64(statement, i), "%lld", (long long)id);
        }
        cr_assert_eq(htrail__reference_rows_next_found(&rows, values), HTRAIL__BTREE_DONE, "%lld", (long long)id);
        sqlite3_reset(statement);
    }
    htrail__reference_rows_release(&rows);
    sqlite3_finalize(statement);
}

static void compare(const char *path, bool from_pages)
{
    static const char fill_sql[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)\n"
                                   "INSERT INTO heap_reference SELECT i * 7919 % 1009, i * 17 % 4999, i << (i % 27) FROM n";
    htrail__reference_rows rows;
    sqlite3_stmt *statement;
    sqlite3 *db;
    int64_t values[HTRAIL__REFERENCE_COLUMNS];
    unsigned count = 0;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, htrail__schema_sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_exec(db, fill_sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT src, dst, label FROM heap_reference ORDER BY src, dst, label", -1, &statement, NULL), SQLITE_OK);
    cr_assert(htrail__reference_rows_open(&rows, db));
    cr_assert_eq(rows.statement == NULL, from_pages);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        cr_assert_eq(htrail__reference_rows_next(&rows, values), HTRAIL__BTREE_ROW);
        cr_assert_eq(values[HTRAIL__REFERENCE_SRC], sqlite3_column_int64(statement, 0));
        cr_assert_eq(values[HTRAIL__REFERENCE_DST], sqlite3_column_int64(statement, 1));
        cr_assert_eq(values[HTRAIL__REFERENCE_LABEL], sqlite3_column_int64(statement, 2));
    }
    cr_assert_eq(count, ROWS);
    cr_assert_eq(htrail__reference_rows_next(&rows, values), HTRAIL__BTREE_DONE);
    htrail__reference_rows_release(&rows);
    sqlite3_finalize(statement);
    find(db, from_pages, false);
    find(db, from_pages, true);
    sqlite3_close(db);
}

Test(reference_rows, come_from_pages_and_from_sqlite_alike)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/heaptrail-references-%d.db", (int)getpid());
    unlink(path);
    compare(path, true);
    unlink(path);
    compare(":memory:", false);
}

Test(reference_rows, a_table_that_is_not_there_is_said)
{
    htrail__reference_rows rows;
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_not(htrail__reference_rows_open(&rows, db));
    cr_assert_str_eq(sqlite3_errmsg(db), "no such table: heap_reference");
    sqlite3_close(db);
}
