/* What is called new, against the query of analyze/identity.h, over made-up heaps in the tables of a loaded database. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyze/fresh.h"
#include "analyze/identity.h"
#include "analyze/schema.h"

enum { OBJECTS = 60, HEAPS = 60, CHAIN = 30000, SQL_BYTES = 1 << 16 };

static uint64_t state = 4711;

static uint32_t below(uint32_t count)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % count;
}

typedef struct object {
    unsigned address, type, fingerprint, holder, referrers;
    int age; /* -1: the collector does not know it */
} object;

static object random_object(unsigned id)
{
    static const unsigned holds[] = {0x10001, 0x10002, 0x10101, 0x20001};
    return (object){.address = 16 * (1 + below(OBJECTS * 3 / 2)), .type = 1 + below(3), .fingerprint = holds[below(4)], .holder = below(4) == 0 ? 0 : below(id), .referrers = 1 + below(8) / 7,
                    .age = below(3) == 0 ? -1 : 0};
}

static void exec(sqlite3 *db, const char *sql)
{
    char *error = NULL;
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_OK, "%s: %s", error, sql);
}

/* ages: a list, in which some of the objects stand anywhere. */
static void write_heap(const char *path, const object *objects, unsigned count, unsigned settled, unsigned collections)
{
    sqlite3 *db;
    char sql[512], number[3][16];
    bool taken[4 * OBJECTS] = {false};
    unlink(path);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    exec(db, "PRAGMA page_size = 512; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
    exec(db, htrail__schema_sql);
    exec(db, htrail__schema_finish_sql);
    for (unsigned i = 0; i < 8; i++) {
        static const char *const keys[] = {"collections_0", "collections_1", "collections_2", "listed_0", "listed_1", "listed_2", "frozen", "pending"};
        snprintf(sql, sizeof sql, "INSERT INTO snapshot VALUES('gc_%s', %u)", keys[i], i < 3 ? collections : i == 5 ? settled : i == 7 ? settled / 2 : 0);
        exec(db, sql);
    }
    for (unsigned type = 1; type <= 3; type++) {
        snprintf(sql, sizeof sql, "INSERT INTO type VALUES(%u, '%s', '', '', %u, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0)", type, type == 1 ? "dict" : type == 2 ? "list" : "app.Thing", 4096 * type);
        exec(db, sql);
    }
    for (unsigned i = 0; i < count; i++) {
        const object *o = &objects[i];
        unsigned age = 2 * i;
        for (unsigned tries = 0; tries < 1 + 20 * (below(6) == 0) && o->age >= 0; tries++)
            age = tries == 0 ? age : below(4 * OBJECTS);
        while (taken[age])
            age = (age + 1) % (4 * OBJECTS);
        if (o->age >= 0)
            taken[age] = true;
        snprintf(number[0], sizeof number[0], o->age < 0 ? "NULL" : "%u", age);
        snprintf(number[1], sizeof number[1], o->holder == 0 ? "NULL" : "%u", o->holder);
        snprintf(number[2], sizeof number[2], o->referrers == 1 ? "NULL" : "%u", o->referrers);
        snprintf(sql, sizeof sql, "INSERT INTO heap_object(id, address, type, size, holder, fingerprint, age, referrers) VALUES(%u, %u, %u, 64, %s, %u, %s, %s)", i + 1, o->address, o->type, number[1],
                 o->fingerprint, number[0], number[2]);
        exec(db, sql);
    }
    exec(db, "COMMIT");
    sqlite3_close(db);
}

/* No two at one address. */
static bool is_there(const object *objects, unsigned count, unsigned address)
{
    for (unsigned i = 0; i < count; i++)
        if (objects[i].address == address)
            return true;
    return false;
}

static unsigned random_heap(object *objects, const object *earlier, unsigned earlier_count)
{
    unsigned count = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        object o = random_object(count + 1);
        if (earlier != NULL && i < earlier_count && below(5) > 0) {
            unsigned fingerprint = below(6) == 0 ? o.fingerprint : earlier[i].fingerprint, holder = earlier[i].holder <= count ? earlier[i].holder : o.holder;
            o = earlier[i];
            o.fingerprint = fingerprint;
            o.holder = holder;
        }
        if (!is_there(objects, count, o.address))
            objects[count++] = o;
    }
    return count;
}

static unsigned compare(const char *before, const char *after)
{
    char sql[SQL_BYTES];
    sqlite3 *db;
    sqlite3_stmt *rows;
    htrail__fresh *fresh;
    unsigned news = 0;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS before; ATTACH '%s' AS after", before, after);
    exec(db, sql);
    cr_assert_eq(htrail__fresh_open(&fresh, db), HTRAIL_OK, "%s", sqlite3_errmsg(db));
    snprintf(sql, sizeof sql, "%s SELECT id, verdict FROM fate WHERE id IS NOT NULL", htrail__identity_sql);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(rows) == SQLITE_ROW) {
        bool is_new = strcmp((const char *)sqlite3_column_text(rows, 1), "new") == 0;
        news += is_new;
        cr_assert_eq(htrail__fresh_is(fresh, (uint64_t)sqlite3_column_int64(rows, 0)), is_new, "object %lld is %s", sqlite3_column_int64(rows, 0), sqlite3_column_text(rows, 1));
    }
    cr_assert_not(htrail__fresh_is(fresh, 0));
    cr_assert_not(htrail__fresh_is(fresh, UINT64_MAX));
    sqlite3_finalize(rows);
    htrail__fresh_free(fresh);
    sqlite3_close(db);
    return news;
}

Test(fresh, is_what_the_query_calls_new)
{
    char before[64], after[64];
    unsigned news = 0;
    snprintf(before, sizeof before, "/tmp/heaptrail-fresh-%d-a.db", (int)getpid());
    snprintf(after, sizeof after, "/tmp/heaptrail-fresh-%d-b.db", (int)getpid());
    for (unsigned heap = 0; heap < HEAPS; heap++) {
        object first[OBJECTS], second[OBJECTS];
        unsigned count = random_heap(first, NULL, 0), later = random_heap(second, first, count), settled = below(3 * OBJECTS);
        write_heap(before, first, count, settled, 1);
        write_heap(after, second, later, settled, 1 + heap % 2);
        news += compare(before, after);
    }
    unlink(before);
    unlink(after);
    cr_assert_gt(news, HEAPS * OBJECTS / 8);
    cr_assert_lt(news, HEAPS * OBJECTS * 7 / 8);
}

/* Each object of the chain asks for its nearest holder that is no dict: none has one. */
Test(fresh, a_chain_of_dicts_takes_no_longer_than_reading_it)
{
    char path[64], sql[512];
    sqlite3 *db;
    htrail__fresh *fresh;
    unsigned news = 0;
    snprintf(path, sizeof path, "/tmp/heaptrail-fresh-%d-c.db", (int)getpid());
    write_heap(path, NULL, 0, 0, 1);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO heap_object(id, address, type, size, holder, fingerprint) "
             "SELECT i, i * 64, 1, 64, nullif(i - 1, 0), 65537 FROM n", CHAIN);
    exec(db, sql);
    sqlite3_close(db);
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS before; ATTACH '%s' AS after", path, path);
    exec(db, sql);
    clock_t begin = clock();
    cr_assert_eq(htrail__fresh_open(&fresh, db), HTRAIL_OK, "%s", sqlite3_errmsg(db));
    clock_t opened = clock();
    for (uint64_t id = 1; id <= CHAIN; id++)
        news += htrail__fresh_is(fresh, id);
    clock_t asked = clock() - opened;
    cr_expect_eq(news, 0);
    cr_expect_leq(asked, opened - begin, "%ld, and %ld to read it", (long)asked, (long)(opened - begin));
    htrail__fresh_free(fresh);
    sqlite3_close(db);
    unlink(path);
}
