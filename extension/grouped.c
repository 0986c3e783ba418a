/* extension/grouped.c - see the header.
 *
 * Rows are kept as they come, column by column in blocks of BLOCK_ROWS; then a counting sort of their numbers by type
 * gives the order. A row of a column that was not asked for takes no room. */
#include "extension/grouped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK_ROWS = 1 << 16 };

/* In a block, one after the other: 8 bytes a row for each of the wide columns, then 4 for type, 4 for flags. */
enum { WIDE_ADDRESS, WIDE_SIZE, WIDE_LENGTH, WIDE_REFCOUNT, WIDE_COUNT };

struct htrail__grouped {
    htrail__scan *scan;
    int file;
    bool has[WIDE_COUNT], has_flags;
    size_t offset[WIDE_COUNT], type_offset, flags_offset, block_bytes;
    char **blocks;
    size_t block_count, block_room;
    uint32_t *order;   /* row numbers from 0, type by type; mapped as the blocks are */
    size_t order_bytes;
    uint64_t count, at;
};

static htrail_status fail(htrail__grouped *g, const char *what)
{
    snprintf(g->scan->message, sizeof g->scan->message, "cannot group by type: %s: %s", what, strerror(errno));
    return g->scan->status = errno == ENOMEM ? HTRAIL_E_NOMEM : HTRAIL_E_IO;
}

static htrail_status open_file(htrail__grouped *g)
{
    const char *folders[] = {getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders && g->file < 0; i++)
        if (folders[i] != NULL && folders[i][0] != '\0')
            g->file = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return g->file < 0 ? fail(g, "no folder for a temporary file") : HTRAIL_OK;
}

/* More of the file, mapped. */
static void *map(htrail__grouped *g, size_t bytes)
{
    off_t end = lseek(g->file, 0, SEEK_END);
    if (end < 0 || posix_fallocate(g->file, end, (off_t)bytes) != 0) /* a full disk is an error here and not a signal later */
        return NULL;
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->file, end);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static htrail_status add_block(htrail__grouped *g)
{
    if (g->block_count == g->block_room) {
        size_t room = g->block_room ? g->block_room * 2 : 64;
        char **blocks = realloc(g->blocks, room * sizeof *blocks);
        if (blocks == NULL)
            return fail(g, "out of memory");
        g->blocks = blocks;
        g->block_room = room;
    }
    g->blocks[g->block_count] = map(g, g->block_bytes);
    if (g->blocks[g->block_count] == NULL)
        return fail(g, "cannot write a temporary file");
    g->block_count++;
    return HTRAIL_OK;
}

static void lay_out(htrail__grouped *g, uint32_t columns)
{
    static const uint32_t wanted[WIDE_COUNT] = {1 << HTRAIL__OBJECT_ID | 1 << HTRAIL__OBJECT_ADDRESS, 1 << HTRAIL__OBJECT_SIZE, 1 << HTRAIL__OBJECT_LENGTH,
                                                1 << HTRAIL__OBJECT_REFCOUNT};
    size_t used = 0;
    for (size_t i = 0; i < WIDE_COUNT; i++) {
        g->has[i] = (columns & wanted[i]) != 0;
        g->offset[i] = used;
        used += g->has[i] ? (size_t)BLOCK_ROWS * 8 : 0;
    }
    g->type_offset = used;
    used += (size_t)BLOCK_ROWS * 4;
    /* Whether there is a length or a refcount is in the flags too. */
    g->has_flags = (columns & (1 << HTRAIL__OBJECT_LENGTH | 1 << HTRAIL__OBJECT_REFCOUNT | 1 << HTRAIL__OBJECT_TRACKED | 1 << HTRAIL__OBJECT_PSEUDO |
                               1 << HTRAIL__OBJECT_IMMORTAL)) != 0;
    g->flags_offset = used;
    used += g->has_flags ? (size_t)BLOCK_ROWS * 4 : 0;
    g->block_bytes = used;
}

static uint64_t *wide_of(const htrail__grouped *g, size_t column, uint64_t row)
{
    return (uint64_t *)(void *)(g->blocks[row / BLOCK_ROWS] + g->offset[column]) + row % BLOCK_ROWS;
}

static uint32_t *narrow_of(const htrail__grouped *g, size_t offset, uint64_t row)
{
    return (uint32_t *)(void *)(g->blocks[row / BLOCK_ROWS] + offset) + row % BLOCK_ROWS;
}

static htrail_status add_row(htrail__grouped *g)
{
    const htrail_object *object = &g->scan->record.u.object;
    const uint64_t values[WIDE_COUNT] = {object->id, object->size_bytes, object->length, object->refcount};
    htrail_status status;
    if (g->count == UINT32_MAX) {
        errno = EFBIG;
        return fail(g, "more than 4294967295 objects");
    }
    if (g->count % BLOCK_ROWS == 0 && (status = add_block(g)) != HTRAIL_OK)
        return status;
    for (size_t i = 0; i < WIDE_COUNT; i++)
        if (g->has[i])
            *wide_of(g, i, g->count) = values[i];
    *narrow_of(g, g->type_offset, g->count) = g->scan->type;
    if (g->has_flags)
        *narrow_of(g, g->flags_offset, g->count) = object->flags;
    g->count++;
    return HTRAIL_OK;
}

static int compare_names(const void *left, const void *right, void *arg)
{
    const htrail__types *types = arg;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = strcmp(types->items[a].name, types->items[b].name);
    return order != 0 ? order : a < b ? -1 : a > b;
}

/* The place of each type in the order of the names, from 0; types of one name have the same. */
static htrail_status rank(const htrail__types *types, bool is_descending, uint32_t *ranks)
{
    uint32_t *sorted = malloc(((size_t)types->count + 1) * sizeof *sorted), place = 0;
    if (sorted == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < types->count; i++)
        sorted[i] = i;
    qsort_r(sorted, types->count, sizeof *sorted, compare_names, (void *)types);
    for (uint32_t i = 0; i < types->count; i++) {
        place += i > 0 && strcmp(types->items[sorted[i]].name, types->items[sorted[i - 1]].name) != 0;
        ranks[sorted[i]] = is_descending ? types->count - 1 - place : place;
    }
    free(sorted);
    return HTRAIL_OK;
}

static htrail_status sort(htrail__grouped *g, bool is_descending)
{
    uint32_t types = g->scan->types.count;
    uint32_t *ranks = malloc(((size_t)types + 1) * sizeof *ranks);
    uint64_t *next = calloc((size_t)types + 1, sizeof *next);
    htrail_status status = HTRAIL_OK;
    errno = ENOMEM;
    if (ranks == NULL || next == NULL || rank(&g->scan->types, is_descending, ranks) != HTRAIL_OK) {
        status = fail(g, "out of memory");
        goto done;
    }
    g->order_bytes = (size_t)g->count * sizeof *g->order;
    if (g->count > 0 && (g->order = map(g, g->order_bytes)) == NULL) {
        status = fail(g, "cannot write a temporary file");
        goto done;
    }
    for (uint64_t row = 0; row < g->count; row++)
        next[ranks[*narrow_of(g, g->type_offset, row)]]++;
    for (uint64_t i = 0, first = 0; i < types; i++) {
        uint64_t rows = next[i];
        next[i] = first;
        first += rows;
    }
    for (uint64_t row = 0; row < g->count; row++)
        g->order[next[ranks[*narrow_of(g, g->type_offset, row)]]++] = (uint32_t)row;
done:
    free(ranks);
    free(next);
    return status;
}

htrail_status htrail__grouped_read(htrail__grouped **out, htrail__scan *scan, uint32_t columns, bool is_descending)
{
    htrail__grouped *g = calloc(1, sizeof *g);
    htrail_status status, result = HTRAIL_E_NOMEM;
    *out = NULL;
    if (g == NULL)
        return scan->status = HTRAIL_E_NOMEM;
    g->scan = scan;
    g->file = -1;
    lay_out(g, columns);
    if ((result = open_file(g)) != HTRAIL_OK)
        goto done;
    while ((status = htrail__scan_next(scan)) == HTRAIL_OK)
        if ((result = add_row(g)) != HTRAIL_OK)
            goto done;
    result = status != HTRAIL_END ? status : sort(g, is_descending);
done:
    if (result != HTRAIL_OK) {
        htrail__grouped_free(g);
        return result;
    }
    *out = g;
    return HTRAIL_OK;
}

htrail_status htrail__grouped_next(htrail__grouped *g)
{
    if (g->at == g->count)
        return HTRAIL_END;
    g->at++;
    return HTRAIL_OK;
}

uint64_t htrail__grouped_row(const htrail__grouped *g) { return (uint64_t)g->order[g->at - 1] + 1; }

void htrail__grouped_column(const htrail__grouped *g, sqlite3_context *context, int column)
{
    uint64_t row = g->order[g->at - 1];
    htrail__object_row object = {.type = g->scan->types.items[*narrow_of(g, g->type_offset, row)].name};
    if (column != HTRAIL__OBJECT_TYPE) {
        object.address = g->has[WIDE_ADDRESS] ? *wide_of(g, WIDE_ADDRESS, row) : 0;
        object.size_bytes = g->has[WIDE_SIZE] ? *wide_of(g, WIDE_SIZE, row) : 0;
        object.length = g->has[WIDE_LENGTH] ? *wide_of(g, WIDE_LENGTH, row) : 0;
        object.refcount = g->has[WIDE_REFCOUNT] ? *wide_of(g, WIDE_REFCOUNT, row) : 0;
        object.flags = g->has_flags ? *narrow_of(g, g->flags_offset, row) : 0;
    }
    htrail__object_column(&object, context, column);
}

void htrail__grouped_free(htrail__grouped *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->block_count; i++)
        munmap(g->blocks[i], g->block_bytes);
    if (g->order != NULL)
        munmap(g->order, g->order_bytes);
    if (g->file >= 0)
        close(g->file);
    free(g->blocks);
    free(g);
}
