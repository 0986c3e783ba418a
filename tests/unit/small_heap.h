/* tests/unit/small_heap.h - heaps small enough to read: a few lines make a snapshot in
 * memory, a graph of it, a database of it. */
#ifndef HTRAIL_TESTS_UNIT_SMALL_HEAP_H
#define HTRAIL_TESTS_UNIT_SMALL_HEAP_H

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include <htrail/reader.h>
#include <htrail/writer.h>

#include "analyze/graph.h"
#include "analyze/load.h"

typedef struct small_heap {
    char *data;
    size_t len;
    FILE *stream;
    htrail_writer *writer;
} small_heap;

/* Types that every small heap has, by their address. */
enum { T_TYPE = 0x100, T_MODULE = 0x200, T_DICT = 0x300, T_STR = 0x400, T_FUNCTION = 0x500, T_TUPLE = 0x600, T_CODE = 0x700,
       T_THING = 0x800, T_INT = 0x900 };
/* Fields. */
enum { F_DICT, F_GLOBALS, F_CLOSURE, F_CODE, F_NAMES, F_X };
#define FIELD(string_id) HTRAIL_LABEL_STRING(string_id)

static inline htrail_str text(const char *t) { return (htrail_str){t, strlen(t)}; }

static int small_heap_write(void *arg, const void *data, size_t len)
{
    return fwrite(data, 1, len, arg) == len ? 0 : 5;
}

static inline void small_heap_begin(small_heap *h)
{
    static const struct { htrail_id id, base; const char *name, *module; } types[] = {
        {T_TYPE, 0, "type", "builtins"}, {T_MODULE, 0, "module", "builtins"}, {T_DICT, 0, "dict", "builtins"},
        {T_STR, 0, "str", "builtins"}, {T_FUNCTION, 0, "function", "builtins"}, {T_TUPLE, 0, "tuple", "builtins"},
        {T_CODE, 0, "code", "builtins"}, {T_THING, 0, "Thing", "app"}, {T_INT, 0, "int", "builtins"}};
    static const char *const strings[] = {"__dict__", "__globals__", "__closure__", "__code__", "co_localsplusnames", "x"};
    htrail_writer_opts opts;
    uint32_t id;
    htrail_writer_opts_init(&opts);
    opts.block_bytes = 64 << 10;
    *h = (small_heap){0};
    h->stream = open_memstream(&h->data, &h->len);
    cr_assert_eq(htrail_writer_open_sink(&h->writer, &(htrail_sink){small_heap_write, h->stream}, &opts, NULL, 0), HTRAIL_OK);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        htrail_writer_add_type(h->writer, &(htrail_type){.id = types[i].id, .base = types[i].base, .name = text(types[i].name), .module = text(types[i].module)});
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        htrail_writer_add_string(h->writer, text(strings[i]), &id);
}

#define REF(to, how) {.target = (to), .kind = HTRAIL_REF_##how}
#define REF_LABEL(to, how, what) {.target = (to), .kind = HTRAIL_REF_##how, .label = (what)}

static inline void small_heap_add(small_heap *h, htrail_id id, htrail_id type, uint64_t refcount, uint32_t flags, const htrail_ref *refs, size_t count)
{
    htrail_object object = {.id = id, .type = type, .size_bytes = 16 * (1 + count), .refcount = refcount, .refs = refs, .ref_count = (uint32_t)count, .flags = flags};
    cr_assert_eq(htrail_writer_add_object(h->writer, &object), HTRAIL_OK, "%s", htrail_writer_error(h->writer));
}

/* OBJECT(&heap, address, type, refcount, flags, references...) */
#define OBJECT(h, id, type, refcount, flags, ...)                                                                  \
    small_heap_add(h, id, type, refcount, flags, (const htrail_ref[]){__VA_ARGS__},                                \
                   sizeof(const htrail_ref[]){__VA_ARGS__} / sizeof(htrail_ref))
#define LEAF(h, id, type, refcount) small_heap_add(h, id, type, refcount, 0, NULL, 0)
#define ROOT(h, object_id, root_kind, root_name)                                                                   \
    htrail_writer_add_root((h)->writer, &(htrail_root){.object = (object_id), .kind = HTRAIL_ROOT_##root_kind, .name = text(root_name)})
#define NAME(h, object_id, object_name, object_module)                                                             \
    htrail_writer_add_name((h)->writer, &(htrail_name){.object = (object_id), .name = text(object_name), .module = text(object_module)})

static inline void small_heap_end(small_heap *h)
{
    cr_assert_eq(htrail_writer_finish(h->writer), HTRAIL_OK, "%s", htrail_writer_error(h->writer));
    htrail_writer_free(h->writer);
    fclose(h->stream);
    /* A test is a process and the file lives as long: still known at its end, it is no leak. */
    static char *kept[64];
    static size_t kept_count;
    kept[kept_count++ % (sizeof kept / sizeof *kept)] = h->data;
}

static inline htrail__graph *graph_of(const char *data, size_t len, const htrail__graph_opts *opts, htrail_status wanted, char *message, size_t cap)
{
    htrail_reader *reader;
    htrail__graph *graph;
    cr_assert_eq(htrail_reader_open_memory(&reader, data, len, "heap", NULL, message, cap), HTRAIL_OK, "%s", message);
    htrail_status status = htrail__graph_read(&graph, reader, opts, message, cap);
    cr_assert_eq(status, wanted, "%d: %s", status, message);
    htrail_reader_free(reader);
    return graph;
}

static inline htrail__graph *graph_from(const small_heap *h)
{
    char message[512] = "";
    return graph_of(h->data, h->len, NULL, HTRAIL_OK, message, sizeof message);
}

/* Load, open; the file is gone when the database is closed. */
static inline sqlite3 *database_from(const char *data, size_t len)
{
    char path[64], message[512] = "";
    htrail_reader *reader;
    htrail__load_source source = {.name = "heap", .file_bytes = len};
    sqlite3 *db;
    static int number;
    snprintf(path, sizeof path, "/tmp/heaptrail-test-%d-%d.db", (int)getpid(), number++);
    cr_assert_eq(htrail_reader_open_memory(&reader, data, len, "heap", NULL, message, sizeof message), HTRAIL_OK, "%s", message);
    cr_assert_eq(htrail__load(reader, &source, path, message, sizeof message), HTRAIL_OK, "%s", message);
    htrail_reader_free(reader);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "SELECT count(*) FROM snapshot", NULL, NULL, NULL), SQLITE_OK);
    unlink(path);
    return db;
}

/* Rows as "a|b\nc|d\n", as the sqlite3 shell prints them. In a buffer of its own. */
static inline const char *rows_of(sqlite3 *db, const char *sql)
{
    static char out[4096];
    size_t used = 0;
    int step;
    sqlite3_stmt *statement;
    out[0] = '\0';
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    while ((step = sqlite3_step(statement)) == SQLITE_ROW && used < sizeof out - 1) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", i ? "|" : "", value == NULL ? "" : value);
        }
        used += (size_t)snprintf(out + used, sizeof out - used, "\n");
    }
    cr_assert_eq(step, SQLITE_DONE, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return out;
}

#define EXPECT_ROWS(db, sql, wanted)                                                              \
    do {                                                                                          \
        const char *rows_got = rows_of(db, sql);                                                  \
        cr_expect_str_eq(rows_got, wanted, "%s\ngave\n%snot\n%s", sql, rows_got, wanted);         \
    } while (0)

#endif
