/* Pages of an SQLite file, checked by SQLite. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "analyze/btree.h"

static char path[64];

static sqlite3 *open_database(void)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void create(unsigned page_bytes)
{
    char sql[256];
    snprintf(path, sizeof path, "/tmp/heaptrail-btree-%d.db", (int)getpid());
    unlink(path);
    sqlite3 *db = open_database();
    snprintf(sql, sizeof sql, "PRAGMA page_size = %u; CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);"
             "CREATE TABLE w(a, b, c, PRIMARY KEY(a, b, c)) WITHOUT ROWID; CREATE INDEX i ON t(a);", page_bytes);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static long long number(const char *sql)
{
    sqlite3 *db = open_database();
    sqlite3_stmt *statement;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sqlite3_errmsg(db));
    long long value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static uint32_t root(const char *name)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
    return (uint32_t)number(sql);
}

/* All sizes of integers, so that cells differ in length. */
static int64_t value_of(uint64_t row)
{
    static const int64_t values[] = {0, 1, 2, -1, 127, 128, -128, -129, 32767, 32768, 8388607, 8388608, 2147483647, 2147483648,
                                     140737488355327, 140737488355328, INT64_MAX, INT64_MIN + 1, HTRAIL__BTREE_NULL};
    return values[row * 2654435761u % (sizeof values / sizeof *values)];
}

static void fill(uint64_t count)
{
    htrail__btree_file file;
    htrail__btree tree;
    uint32_t table_root = root("t"), index_root = root("i"), without_root = root("w");
    cr_assert_eq(htrail__btree_file_open(&file, path), HTRAIL_OK);
    cr_assert_eq(htrail__btree_begin(&tree, &file, false, table_root, count), HTRAIL_OK);
    for (uint64_t i = 1; i <= count; i++)
        cr_assert_eq(htrail__btree_add(&tree, (int64_t)i, (int64_t[]){HTRAIL__BTREE_NULL, (int64_t)(i / 3), value_of(i)}, 3), HTRAIL_OK);
    cr_assert_eq(htrail__btree_end(&tree), HTRAIL_OK);
    cr_assert_eq(htrail__btree_begin(&tree, &file, true, without_root, count), HTRAIL_OK);
    for (uint64_t i = 1; i <= count; i++)
        cr_assert_eq(htrail__btree_add(&tree, 0, (int64_t[]){(int64_t)(i / 100), (int64_t)i, (int64_t)(i % 7)}, 3), HTRAIL_OK);
    cr_assert_eq(htrail__btree_end(&tree), HTRAIL_OK);
    cr_assert_eq(htrail__btree_begin(&tree, &file, true, index_root, count), HTRAIL_OK);
    for (uint64_t i = 1; i <= count; i++)
        cr_assert_eq(htrail__btree_add(&tree, 0, (int64_t[]){(int64_t)(i / 3), (int64_t)i}, 2), HTRAIL_OK);
    cr_assert_eq(htrail__btree_end(&tree), HTRAIL_OK);
    cr_assert_eq(htrail__btree_file_close(&file), HTRAIL_OK);
}

static void expect_sound(uint64_t count)
{
    cr_assert_eq(number("SELECT integrity_check = 'ok' FROM pragma_integrity_check LIMIT 1"), 1, "%lu rows", (unsigned long)count);
    cr_assert_eq(number("SELECT count(*) FROM t"), (long long)count);
    cr_assert_eq(number("SELECT count(*) FROM w"), (long long)count);
    if (count == 0)
        return;
    char sql[128];
    for (uint64_t i = 1; i <= count; i += 1 + count / 5) {
        snprintf(sql, sizeof sql, "SELECT b IS %lld FROM t WHERE id = %lu", (long long)value_of(i), (unsigned long)i);
        if (value_of(i) == HTRAIL__BTREE_NULL)
            snprintf(sql, sizeof sql, "SELECT b IS NULL FROM t WHERE id = %lu", (unsigned long)i);
        cr_assert_eq(number(sql), 1);
        snprintf(sql, sizeof sql, "SELECT c FROM w WHERE a = %lu AND b = %lu", (unsigned long)(i / 100), (unsigned long)i);
        cr_assert_eq(number(sql), (long long)(i % 7));
        snprintf(sql, sizeof sql, "SELECT count(*) FROM t WHERE a = %lu AND id = %lu", (unsigned long)(i / 3), (unsigned long)i);
        cr_assert_eq(number(sql), 1);
    }
}

Test(btree, every_number_of_rows_gives_a_sound_database)
{
    /* 512-byte pages: one to three levels within a few thousand rows, every way to end. */
    for (uint64_t count = 0; count < 1200; count += count < 130 ? 1 : 17) {
        create(512);
        fill(count);
        expect_sound(count);
    }
    unlink(path);
}

Test(btree, many_levels_and_large_pages_too)
{
    for (unsigned page_bytes = 512; page_bytes <= 65536; page_bytes *= 8) {
        create(page_bytes);
        fill(300000);
        expect_sound(300000);
    }
    unlink(path);
}

Test(btree, the_page_of_the_lock_byte_is_left_out)
{
    create(4096);
    uint32_t table_root = root("t");
    htrail__btree_file file;
    htrail__btree tree;
    cr_assert_eq(htrail__btree_file_open(&file, path), HTRAIL_OK);
    /* As if a gigabyte less 20 pages were there: a hole in the file. */
    file.page_count = (1 << 30) / 4096 - 20;
    file.buffer_offset = (uint64_t)file.page_count * 4096;
    cr_assert_eq(htrail__btree_begin(&tree, &file, false, table_root, 20000), HTRAIL_OK);
    for (int64_t i = 1; i <= 20000; i++)
        cr_assert_eq(htrail__btree_add(&tree, i, (int64_t[]){HTRAIL__BTREE_NULL, i, i * i}, 3), HTRAIL_OK);
    cr_assert_eq(htrail__btree_end(&tree), HTRAIL_OK);
    cr_assert_gt(file.page_count, (1 << 30) / 4096 + 20);
    cr_assert_eq(htrail__btree_file_close(&file), HTRAIL_OK);
    cr_expect_eq(number("SELECT sum(b = a * a AND a = id) FROM t"), 20000);
    uint8_t page[4096] = {1};
    int fd = open(path, O_RDONLY);
    cr_assert_eq(pread(fd, page, sizeof page, 1 << 30), (ssize_t)sizeof page);
    for (size_t i = 0; i < sizeof page; i++)
        cr_assert_eq(page[i], 0);
    close(fd);
    unlink(path);
}

Test(btree, a_disk_that_is_full_is_told)
{
    create(4096);
    uint32_t table_root = root("t");
    htrail__btree_file file;
    htrail__btree tree;
    htrail_status status = HTRAIL_OK;
    cr_assert_eq(htrail__btree_file_open(&file, path), HTRAIL_OK);
    close(file.fd);
    file.fd = open("/dev/full", O_WRONLY);
    cr_assert_eq(htrail__btree_begin(&tree, &file, false, table_root, 1000000), HTRAIL_OK);
    for (int64_t i = 1; i <= 1000000 && status == HTRAIL_OK; i++)
        status = htrail__btree_add(&tree, i, (int64_t[]){HTRAIL__BTREE_NULL, i, i}, 3);
    cr_expect_eq(status, HTRAIL_E_IO);
    htrail__btree_release(&tree);
    htrail__btree_file_release(&file);
    unlink(path);
}
