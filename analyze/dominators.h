/* analyze/dominators.h - who alone holds each object, and how many bytes would come back
 * with it: the dominator tree and retained sizes, exact.
 *
 * A virtual root, 0, holds the roots; v dominates w if every way from it to w leads through v.
 * Semi-NCA (Georgiadis), which takes quadratic time on shapes that real heaps can have (a chain
 * whose end and a registry both hold a million items), so with a budget of 8 steps a vertex;
 * past it, Lengauer and Tarjan's simple one, which goes on from the semidominators that are
 * known by then. Nothing is recursive. Cooper, Harvey and Kennedy's, the shortest to write,
 * does not end in sensible time on a doubly linked list that is held by both ends.
 *
 * What no root reaches hangs below the root by entries: vertices that nothing refers to, then,
 * of what is left, always that of the smallest number. It does not change what the live ones have.
 *
 *     search    numbers the vertices in the order of a depth-first search and keeps of the
 *               references only those that lead back to a smaller number: of those that lead
 *               down the topmost one of each vertex is enough.
 *     semi      from the last vertex to the first, with path compression
 *     tree      from the first to the last
 *
 * Memory: 36 bytes a vertex and 8 a reference that leads back, of which 20 remain in out; the
 * graph's arrays are given back as soon as the search is done. */
#ifndef HTRAIL_ANALYZE_DOMINATORS_H
#define HTRAIL_ANALYZE_DOMINATORS_H

#include <stdbool.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__dominators_vertex {
    uint32_t first; /* place in targets; those of a vertex end where those of the next begin */
    uint32_t order; /* of ours: 0 */
} htrail__dominators_vertex;

/* All arrays from analyze/mapping.h. */
typedef struct htrail__dominators_graph {
    uint32_t count;                       /* vertices 1 .. count */
    htrail__dominators_vertex *vertices;  /* by vertex; [count + 1].first is the end */
    uint32_t *targets;                    /* none into a root: what a root is held by changes nothing */
    uint64_t *is_root;                    /* a bit a vertex */
} htrail__dominators_graph;

typedef struct htrail__dominators {
    uint32_t count, live_count;
    uint32_t *dominator; /* by vertex; 0: the virtual root */
    uint64_t *retained;  /* by vertex; [0] is all of the heap. Sums stop at INT64_MAX */
    uint32_t *order;     /* 1 .. count: all vertices, each before those that it dominates, which follow it directly; the live_count live ones first */
    uint32_t *below;     /* by vertex: how many it dominates, itself included */
    bool is_fallback;    /* the budget did not do */
} htrail__dominators;

typedef enum htrail__dominators_method {
    HTRAIL__DOMINATORS_BUDGET,
    HTRAIL__DOMINATORS_SEMI_NCA,        /* without a budget: for tests */
    HTRAIL__DOMINATORS_LENGAUER_TARJAN  /* at once: for tests */
} htrail__dominators_method;

HTRAIL_MUST_CHECK htrail_status htrail__dominators_graph_init(htrail__dominators_graph *graph, uint32_t count, uint32_t targets);
void htrail__dominators_graph_release(htrail__dominators_graph *graph);

/* Takes what graph holds, also on failure. retained: by vertex, the size of each, from
 * analyze/mapping.h; it becomes out's. HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__dominators_find(htrail__dominators *out, htrail__dominators_graph *graph, uint64_t *retained,
                                                        htrail__dominators_method method);
void htrail__dominators_release(htrail__dominators *dominators);

#endif
