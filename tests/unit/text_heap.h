/* A small heap in lines, written with the writer and loaded as `heaptrail load` does:
 *
 *     1 dict - : value app 2          object 1, a dict without a name; under 'app' it has object 2
 *     2 module app : field __dict__ 3, index - 4
 *     root 1 1 modules                root of kind 1 (HTRAIL_ROOT_MODULES), of object 1, with its name
 *
 * The refcount of an object is the number of references and roots, 1 where there is none.
 * A space in a name of an object or root is written '~'. The address of object N is
 * text_heap_address(N). */
#ifndef HTRAIL_TESTS_TEXT_HEAP_H
#define HTRAIL_TESTS_TEXT_HEAP_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <htrail/writer.h>

#include "analyze/lookup.h"
#include "analyze/store.h"

typedef struct text_heap {
    char folder[256], file[300];
    htrail__store *store;
    htrail__lookup *lookup;
} text_heap;

static inline uint64_t text_heap_address(uint64_t number) { return 0x10000 + number * 16; }

static inline htrail_str text_heap_str(const char *text) { return (htrail_str){text, strlen(text)}; }

static inline char *text_heap_spaces(char *text)
{
    for (char *at = text; *at != '\0'; at++)
        if (*at == '~')
            *at = ' ';
    return text;
}

static inline uint32_t text_heap_kind(const char *name)
{
    static const char *const kinds[] = {"plain", "index", "key", "value", "attr", "slot", "field", "local", "cell", "default", "offset", "stack", "weak"};
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], name) == 0)
            return i;
    cr_assert_fail("no kind of reference: %s", name);
    return 0;
}

enum { TEXT_HEAP_TYPES = 64, TEXT_HEAP_REFS = 1024, TEXT_HEAP_OBJECTS = 200000 };

typedef struct text_heap_writing {
    htrail_writer *writer;
    char types[TEXT_HEAP_TYPES][64];
    size_t type_count;
    uint32_t *counts; /* by object */
} text_heap_writing;

static inline htrail_id text_heap_type(text_heap_writing *w, const char *name)
{
    size_t i = 0;
    while (i < w->type_count && strcmp(w->types[i], name) != 0)
        i++;
    htrail_type type = {.id = 0x1000 + i * 16, .name = text_heap_str(name), .module = text_heap_str("builtins")};
    if (i < w->type_count)
        return type.id;
    cr_assert_lt(i, TEXT_HEAP_TYPES);
    snprintf(w->types[w->type_count++], sizeof *w->types, "%s", name);
    const char *dot = strrchr(name, '.');
    if (dot != NULL) {
        type.module = (htrail_str){name, (size_t)(dot - name)};
        type.name = text_heap_str(dot + 1);
    }
    cr_assert_eq(htrail_writer_add_type(w->writer, &type), HTRAIL_OK);
    return type.id;
}

static inline void text_heap_count(text_heap_writing *w, unsigned long long number)
{
    cr_assert_lt(number, TEXT_HEAP_OBJECTS);
    w->counts[number]++;
}

static inline void text_heap_count_line(text_heap_writing *w, const char *line)
{
    unsigned long long kind, number;
    char name[32];
    if (sscanf(line, "root %llu %llu", &kind, &number) == 2) {
        text_heap_count(w, number);
        return;
    }
    for (const char *at = strchr(line, ':'); at != NULL && at[1] != '\0'; at = strchr(at + 1, ','))
        if (sscanf(at + 1, "%31s %*s %llu", name, &number) == 2 && strcmp(name, "weak") != 0)
            text_heap_count(w, number);
}

static inline void text_heap_object(text_heap_writing *w, char *line)
{
    static htrail_ref refs[TEXT_HEAP_REFS];
    unsigned long long number;
    char type[64], name[128], kind[32], label[128];
    int used = 0;
    cr_assert_eq(sscanf(line, "%llu %63s %127s :%n", &number, type, name, &used), 3, "line '%s'", line);
    htrail_object object = {.id = text_heap_address(number), .type = text_heap_type(w, type), .size_bytes = 100, .refs = refs};
    object.refcount = w->counts[number] > 0 ? w->counts[number] : 1;
    if (used > 0) {
        char *rest = line + used, *state = NULL;
        for (char *part = strtok_r(rest, ",", &state); part != NULL; part = strtok_r(NULL, ",", &state)) {
            cr_assert_eq(sscanf(part, "%31s %127s %llu", kind, label, &number), 3, "reference '%s'", part);
            htrail_ref *ref = &refs[object.ref_count++];
            *ref = (htrail_ref){.target = text_heap_address(number), .kind = text_heap_kind(kind)};
            if (strcmp(label, "-") != 0) {
                uint32_t id;
                cr_assert_eq(htrail_writer_add_string(w->writer, text_heap_str(label), &id), HTRAIL_OK);
                ref->label = HTRAIL_LABEL_STRING(id);
            }
        }
        object.flags = HTRAIL_OBJECT_LENGTH;
        object.length = object.ref_count;
    }
    cr_assert_eq(htrail_writer_add_object(w->writer, &object), HTRAIL_OK, "%s", htrail_writer_error(w->writer));
    if (strcmp(name, "-") != 0) {
        htrail_name named = {.object = object.id, .name = text_heap_str(text_heap_spaces(name))};
        char *dot = strcmp(type, "module") == 0 || strcmp(type, "str") == 0 ? NULL : strchr(name, '.');
        if (dot != NULL) {
            named.module = (htrail_str){name, (size_t)(dot - name)};
            named.name = text_heap_str(dot + 1);
        }
        cr_assert_eq(htrail_writer_add_name(w->writer, &named), HTRAIL_OK);
    }
}

static inline void text_heap_open(text_heap *heap, const char *lines)
{
    text_heap_writing w = {0};
    char message[HTRAIL__MESSAGE_BYTES], *copy = strdup(lines), *state = NULL, name[128];
    const char *folder = getenv("TEST_TMP");
    unsigned long long kind, number;

    snprintf(heap->folder, sizeof heap->folder, "%s/text-XXXXXX", folder != NULL ? folder : "/tmp");
    cr_assert_not_null(mkdtemp(heap->folder));
    snprintf(heap->file, sizeof heap->file, "%s/a.htrail", heap->folder);
    cr_assert_eq(htrail_writer_open_path(&w.writer, heap->file, NULL, message, sizeof message), HTRAIL_OK, "%s", message);
    w.counts = calloc(TEXT_HEAP_OBJECTS, sizeof *w.counts);
    for (char *line = strtok_r(copy, "\n", &state); line != NULL; line = strtok_r(NULL, "\n", &state))
        text_heap_count_line(&w, line);
    memcpy(copy, lines, strlen(lines) + 1);
    for (char *line = strtok_r(copy, "\n", &state); line != NULL; line = strtok_r(NULL, "\n", &state)) {
        name[0] = '\0';
        if (sscanf(line, "root %llu %llu %127s", &kind, &number, name) >= 2) {
            htrail_root root = {.object = text_heap_address(number), .kind = (uint32_t)kind, .name = text_heap_str(text_heap_spaces(name))};
            cr_assert_eq(htrail_writer_add_root(w.writer, &root), HTRAIL_OK);
        } else {
            text_heap_object(&w, line);
        }
    }
    cr_assert_eq(htrail_writer_finish(w.writer), HTRAIL_OK, "%s", htrail_writer_error(w.writer));
    htrail_writer_free(w.writer);
    free(w.counts);
    free(copy);
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
