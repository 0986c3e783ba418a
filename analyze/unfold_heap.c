/* analyze/unfold_heap.c - see the header. */
#include "analyze/unfold_heap.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/grow.h"
#include "analyze/object_rows.h"

static int64_t or_zero(int64_t value) { return value == HTRAIL__BTREE_NULL ? 0 : value; }

static htrail_status fail_memory(char *message, size_t message_cap)
{
    snprintf(message, message_cap, "out of memory");
    return HTRAIL_E_NOMEM;
}

/* Room for number `id`, the next one. */
static bool make_room(htrail__unfold_heap *heap, size_t room[3], size_t id)
{
    return htrail__grow(&heap->objects, &room[0], id, sizeof *heap->objects) && htrail__grow(&heap->dominators, &room[1], id, sizeof *heap->dominators) &&
           htrail__grow(&heap->tops, &room[2], heap->top_count, sizeof *heap->tops);
}

static void add_object(htrail__unfold_heap *heap, const int64_t *values)
{
    uint32_t id = ++heap->count, holder = (uint32_t)or_zero(values[HTRAIL__OBJECT_HOLDER]);
    int64_t size = or_zero(values[HTRAIL__OBJECT_SIZE]), retained = values[HTRAIL__OBJECT_RETAINED], dominator = values[HTRAIL__OBJECT_DOMINATOR];
    bool is_apart = dominator != HTRAIL__BTREE_NULL && dominator != 0; /* NULL: as the holder */
    heap->objects[id] = (htrail__unfold_object){.size = size, .retained = retained == HTRAIL__BTREE_NULL ? size : retained,
                                                .type = (uint32_t)or_zero(values[HTRAIL__OBJECT_TYPE]),
                                                .code = is_apart ? HTRAIL__UNFOLD_APART : (uint32_t)or_zero(values[HTRAIL__OBJECT_LABEL])};
    heap->dominators[id] = dominator == HTRAIL__BTREE_NULL ? holder : (uint32_t)dominator;
    if (heap->dominators[id] == 0)
        heap->tops[heap->top_count++] = (htrail__unfold_top){.id = id, .name = (uint32_t)or_zero(values[HTRAIL__OBJECT_NAME]),
                                                             .module = (uint32_t)or_zero(values[HTRAIL__OBJECT_MODULE]),
                                                             .is_reached = values[HTRAIL__OBJECT_DEPTH] != HTRAIL__BTREE_NULL};
}

static htrail_status read_objects(htrail__unfold_heap *heap, sqlite3 *db, char *message, size_t message_cap)
{
    int64_t id, values[HTRAIL__OBJECT_COLUMNS];
    size_t room[3] = {0};
    htrail__btree_step step;
    htrail_status status = HTRAIL_OK;
    htrail__object_rows rows;

    if (!htrail__object_rows_open(&rows, db)) {
        snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(db));
        return HTRAIL_E_DATABASE;
    }
    if (!make_room(heap, room, 0))
        status = fail_memory(message, message_cap);
    else
        heap->objects[0] = (htrail__unfold_object){0}, heap->dominators[0] = 0;
    while (status == HTRAIL_OK && (step = htrail__object_rows_next(&rows, &id, values, HTRAIL__OBJECT_COLUMNS)) != HTRAIL__BTREE_DONE) {
        if (step == HTRAIL__BTREE_BROKEN) {
            snprintf(message, message_cap, "cannot read the database: %s", htrail__object_rows_error(&rows));
            status = HTRAIL_E_DATABASE;
        } else if (id != (int64_t)heap->count + 1 || id >= UINT32_MAX) {
            snprintf(message, message_cap, "object %lld is not where its number says", (long long)id);
            status = HTRAIL_E_CORRUPT;
        } else if (!make_room(heap, room, (size_t)heap->count + 1)) {
            status = fail_memory(message, message_cap);
        } else {
            add_object(heap, values);
        }
    }
    htrail__object_rows_release(&rows);
    return status;
}

/* What each dominates: a counting sort by dominator. */
static htrail_status find_below(htrail__unfold_heap *heap, char *message, size_t message_cap)
{
    heap->first = calloc((size_t)heap->count + 3, sizeof *heap->first);
    heap->below = malloc(((size_t)heap->count + 1) * sizeof *heap->below);
    if (heap->first == NULL || heap->below == NULL)
        return fail_memory(message, message_cap);
    for (uint32_t id = 1; id <= heap->count; id++) {
        if (heap->dominators[id] > heap->count) {
            snprintf(message, message_cap, "object %u is dominated by one that is not there", id);
            return HTRAIL_E_CORRUPT;
        }
        heap->first[heap->dominators[id] + 2]++;
    }
    for (size_t id = 2; id < (size_t)heap->count + 3; id++)
        heap->first[id] += heap->first[id - 1];
    for (uint32_t id = 1; id <= heap->count; id++)
        heap->below[heap->first[heap->dominators[id] + 1]++] = id;
    return HTRAIL_OK;
}

htrail_status htrail__unfold_heap_read(htrail__unfold_heap *heap, sqlite3 *db, char *message, size_t message_cap)
{
    *heap = (htrail__unfold_heap){0};
    htrail_status status = read_objects(heap, db, message, message_cap);
    return status == HTRAIL_OK ? find_below(heap, message, message_cap) : status;
}

bool htrail__unfold_heap_uncovered(const htrail__unfold_heap *heap, uint64_t *ids, size_t *count)
{
    enum { NOT_KNOWN, FREE, COVERS }; /* COVERS: it or one above it is of the ids */
    unsigned char *known = calloc((size_t)heap->count + 1, 1);
    size_t kept = 0;
    if (known == NULL)
        return false;
    known[0] = FREE;
    for (size_t i = 0; i < *count; i++)
        if (ids[i] > 0 && ids[i] <= heap->count)
            known[ids[i]] = COVERS;
    for (size_t i = 0; i < *count; i++) {
        if (ids[i] == 0 || ids[i] > heap->count)
            continue;
        uint32_t above = heap->dominators[ids[i]], at = above;
        /* What is passed is passed once: it is as what it ends at. Where a file's dominators go in a circle too. */
        while (known[at] == NOT_KNOWN) {
            known[at] = FREE;
            at = heap->dominators[at];
        }
        unsigned char found = known[at];
        for (uint32_t passed = above; passed != at && found == COVERS; passed = heap->dominators[passed])
            known[passed] = COVERS;
        if (found == FREE)
            ids[kept++] = ids[i];
    }
    *count = kept;
    free(known);
    return true;
}

void htrail__unfold_heap_release(htrail__unfold_heap *heap)
{
    free(heap->objects);
    free(heap->dominators);
    free(heap->first);
    free(heap->below);
    free(heap->tops);
    *heap = (htrail__unfold_heap){0};
}
