/* A small heap in lines, written with the writer and loaded as `heaptrail load` does. The form of
 * the lines is that of tests/graph/graph_text.h; here the IDs are mostly numbers:
 *
 *     1 dict - : value app 2          object 1, a dict without a name; under 'app' it has object 2
 *     2 module app : field __dict__ 3, index - 4
 *     root 1 1 modules                root of kind 1 (HTRAIL_ROOT_MODULES), of object 1, with its name
 *
 * The address of object N is text_heap_address(N). */
#ifndef HTRAIL_TESTS_TEXT_HEAP_H
#define HTRAIL_TESTS_TEXT_HEAP_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <htrail/writer.h>

#include "tests/graph/graph_text.h"

#include "analyze/lookup.h"
#include "analyze/store.h"

typedef struct text_heap {
    char folder[256], file[300];
    htrail__store *store;
    htrail__lookup *lookup;
} text_heap;

static inline uint64_t text_heap_address(uint64_t number) { return 0x10000 + number * 16; }

static inline void text_heap_open(text_heap *heap, const char *lines)
{
    char message[HTRAIL__MESSAGE_BYTES];
    const char *folder = getenv("TEST_TMP");
    htrail_writer *writer;
    graph_text text = {0};

    snprintf(heap->folder, sizeof heap->folder, "%s/text-XXXXXX", folder != NULL ? folder : "/tmp");
    cr_assert_not_null(mkdtemp(heap->folder));
    snprintf(heap->file, sizeof heap->file, "%s/a.htrail", heap->folder);
    cr_assert_eq(htrail_writer_open_path(&writer, heap->file, NULL, message, sizeof message), HTRAIL_OK, "%s", message);
    cr_assert(graph_text_write(&text, writer, lines, message, sizeof message), "%s", message);
    cr_assert_eq(htrail_writer_finish(writer), HTRAIL_OK, "%s", htrail_writer_error(writer));
    htrail_writer_free(writer);
    graph_text_release(&text);
    cr_assert_eq(htrail__store_open(&heap->store, heap->file, NULL, message, sizeof message), HTRAIL_OK, "%s", message);
    cr_assert_eq(htrail__lookup_open(&heap->lookup, htrail__store_db(heap->store), message, sizeof message), HTRAIL_OK, "%s", message);
}

/* The id in the database of object N. */
static inline uint64_t text_heap_id(text_heap *heap, uint64_t number)
{
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(htrail__store_db(heap->store), "SELECT id FROM object WHERE address = ?1", -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)text_heap_address(number));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "no object %llu", (unsigned long long)number);
    uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return id;
}

static inline void text_heap_close(text_heap *heap)
{
    char database[310];
    htrail__lookup_free(heap->lookup);
    htrail__store_free(heap->store);
    snprintf(database, sizeof database, "%s.db", heap->file);
    unlink(database);
    unlink(heap->file);
    rmdir(heap->folder);
}

#endif
