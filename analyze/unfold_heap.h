/* analyze/unfold_heap.h - the tree of dominators in arrays, read in one pass over the objects.
 *
 * Order of calls: read, within a transaction; release, whatever read returned. */
#ifndef HTRAIL_ANALYZE_UNFOLD_HEAP_H
#define HTRAIL_ANALYZE_UNFOLD_HEAP_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

/* In the place of a code: it is dominated by another than its holder, and a reference that leads to it is to be looked for. */
#define HTRAIL__UNFOLD_APART UINT32_MAX

typedef struct htrail__unfold_object {
    int64_t size, retained;
    uint32_t type, code; /* code: of the reference by which its dominator holds it */
} htrail__unfold_object;

/* One that nobody dominates. */
typedef struct htrail__unfold_top {
    uint32_t id, name, module; /* module: 0, that of its type */
    bool is_reached;
} htrail__unfold_top;

/* Arrays by id have count + 1 items, of which the first stands for the roots; what number i dominates is below[first[i]] up to
 * below[first[i + 1]], the smaller ids first. */
typedef struct htrail__unfold_heap {
    htrail__unfold_object *objects;
    uint32_t *dominators, *first, *below;
    uint32_t count;
    htrail__unfold_top *tops;
    size_t top_count;
} htrail__unfold_heap;

HTRAIL_MUST_CHECK htrail_status htrail__unfold_heap_read(htrail__unfold_heap *heap, sqlite3 *db, char *message, size_t message_cap);
/* Of the ids those that no other of them dominates, at the front; returns how many. false: out of memory. An id that is no
 * object's is left out. */
HTRAIL_MUST_CHECK bool htrail__unfold_heap_uncovered(const htrail__unfold_heap *heap, uint64_t *ids, size_t *count);
void htrail__unfold_heap_release(htrail__unfold_heap *heap);

#endif
