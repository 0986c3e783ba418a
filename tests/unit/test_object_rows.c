/* Objects read from pages, from SQLite, and asked for by name are the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/object_rows.h"
#include "analyze/schema.h"

static const char fill_sql[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)\n"
    "INSERT INTO heap_object SELECT i, i << 33, i % 9, i * 7, nullif(i % 5, 0), i / 2, i << 5, -i, nullif(i % 3, 0), i % 11, nullif(i % 4, 0), i << 20,\n"
    "  nullif(i % 6, 0), i % 13, nullif(i % 8, 0), i % 15, nullif(i % 10, 0), i % 17, nullif(i % 12, 0), i % 19, nullif(i % 14, 0), i % 21 FROM n";

static const char *const names[HTRAIL__OBJECT_COLUMNS] = {
    [HTRAIL__OBJECT_ADDRESS] = "address", [HTRAIL__OBJECT_TYPE] = "type", [HTRAIL__OBJECT_SIZE] = "size", [HTRAIL__OBJECT_DEPTH] = "depth",
    [HTRAIL__OBJECT_HOLDER] = "holder", [HTRAIL__OBJECT_LABEL] = "label", [HTRAIL__OBJECT_FINGERPRINT] = "fingerprint", [HTRAIL__OBJECT_OWNER] = "owner",
    [HTRAIL__OBJECT_LENGTH] = "length", [HTRAIL__OBJECT_AGE] = "age", [HTRAIL__OBJECT_RETAINED] = "retained", [HTRAIL__OBJECT_TREE_PLACE] = "tree_place",
    [HTRAIL__OBJECT_REFERRERS] = "referrers", [HTRAIL__OBJECT_TREE_BELOW] = "tree_below", [HTRAIL__OBJECT_SHARED] = "shared", [HTRAIL__OBJECT_FLAGS] = "flags",
    [HTRAIL__OBJECT_MODULE] = "module", [HTRAIL__OBJECT_DOMINATOR] = "dominator", [HTRAIL__OBJECT_REFCOUNT] = "refcount", [HTRAIL__OBJECT_ROOT] = "root",
    [HTRAIL__OBJECT_NAME] = "name"};

static void compare(sqlite3 *db, bool from_pages)
{
    htrail__object_rows rows;
    sqlite3_stmt *statement;
    int64_t id, values[HTRAIL__OBJECT_COLUMNS];
    cr_assert_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int column = 1; column < HTRAIL__OBJECT_COLUMNS; column++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT id, %s FROM heap_object ORDER BY id", names[column]);
        cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        cr_assert(htrail__object_rows_open(&rows, db));
        cr_assert_eq(rows.statement == NULL, from_pages);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            cr_assert_eq(htrail__object_rows_next(&rows, &id, values, (size_t)column + 1), HTRAIL__BTREE_ROW);
            cr_assert_eq(id, sqlite3_column_int64(statement, 0));
            cr_assert_eq(values[0], HTRAIL__BTREE_NULL);
            cr_assert_eq(values[column], sqlite3_column_type(statement, 1) == SQLITE_NULL ? HTRAIL__BTREE_NULL : sqlite3_column_int64(statement, 1), "%s", sql);
        }
        cr_assert_eq(htrail__object_rows_next(&rows, &id, values, 1), HTRAIL__BTREE_DONE);
        cr_assert_eq(id, 3000);
        htrail__object_rows_release(&rows);
        sqlite3_finalize(statement);
    }
    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

/* One by its id: each that there is, and none beside them. */
static void find(sqlite3 *db, bool from_pages)
{
    htrail__object_rows rows;
    int64_t id, expected[HTRAIL__OBJECT_COLUMNS], found[HTRAIL__OBJECT_COLUMNS];
    int64_t(*all)[HTRAIL__OBJECT_COLUMNS] = calloc(3001, sizeof *all);
    cr_assert_eq(sqlite3_exec(db, "DELETE FROM heap_object WHERE id = 1500; BEGIN", NULL, NULL, NULL), SQLITE_OK);
    cr_assert(htrail__object_rows_open(&rows, db));
    cr_assert_eq(rows.statement == NULL, from_pages);
    while (htrail__object_rows_next(&rows, &id, expected, HTRAIL__OBJECT_COLUMNS) == HTRAIL__BTREE_ROW)
        memcpy(all[id], expected, sizeof expected);
    for (id = 3005; id >= -5; id--) {
        htrail__btree_step step = htrail__object_rows_find(&rows, id, found, HTRAIL__OBJECT_COLUMNS);
        cr_assert_eq(step, id < 1 || id > 3000 || id == 1500 ? HTRAIL__BTREE_DONE : HTRAIL__BTREE_ROW, "%lld", (long long)id);
        if (step == HTRAIL__BTREE_ROW)
            cr_assert_eq(memcmp(found, all[id], sizeof found), 0, "%lld", (long long)id);
    }
    htrail__object_rows_release(&rows);
    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    free(all);
}

static void fill(sqlite3 *db)
{
    cr_assert_eq(sqlite3_exec(db, htrail__schema_sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_exec(db, fill_sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
}

Test(object_rows, come_from_pages_and_from_sqlite_alike)
{
    char path[64];
    sqlite3 *db;
    snprintf(path, sizeof path, "/tmp/heaptrail-rows-%d.db", (int)getpid());
    unlink(path);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    fill(db);
    compare(db, true);
    find(db, true);
    sqlite3_close(db);
    unlink(path);
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    fill(db);
    compare(db, false);
    find(db, false);
    sqlite3_close(db);
}

Test(object_rows, a_table_that_is_not_there_is_said)
{
    htrail__object_rows rows;
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_not(htrail__object_rows_open(&rows, db));
    cr_assert_str_eq(sqlite3_errmsg(db), "no such table: heap_object");
    sqlite3_close(db);
}
