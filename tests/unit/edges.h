/* tests/unit/edges.h - graphs as lists of edges, for tests of what is said of a graph's vertices. */
#ifndef HTRAIL_TESTS_EDGES_H
#define HTRAIL_TESTS_EDGES_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analyze/dominators.h"
#include "analyze/mapping.h"

typedef struct edges {
    uint32_t count, edge_count, room;
    uint32_t *src, *dst;
    bool *is_root;
} edges;

static inline void start(edges *e, uint32_t count)
{
    *e = (edges){.count = count, .is_root = calloc((size_t)count + 1, 1)};
}

static inline void add(edges *e, uint32_t src, uint32_t dst)
{
    if (e->edge_count == e->room) {
        e->room = e->room ? 2 * e->room : 64;
        e->src = realloc(e->src, e->room * sizeof *e->src);
        e->dst = realloc(e->dst, e->room * sizeof *e->dst);
    }
    e->src[e->edge_count] = src;
    e->dst[e->edge_count++] = dst;
}

static inline void end(edges *e)
{
    free(e->src);
    free(e->dst);
    free(e->is_root);
}

/* So that sums are rarely equal by chance. */
static inline uint64_t size_of(uint32_t vertex) { return 16 + (vertex * UINT64_C(2654435761) >> 7) % 1000; }

static inline void find(const edges *e, htrail__dominators_method method, htrail__dominators *out)
{
    htrail__dominators_graph graph;
    cr_assert_eq(htrail__dominators_graph_init(&graph, e->count, e->edge_count), HTRAIL_OK);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->edge_count; i++)
        if (!e->is_root[e->dst[i]])
            graph.vertices[e->src[i] + 1].first++, kept++;
    for (uint32_t v = 1; v <= e->count; v++) {
        graph.vertices[v + 1].first += graph.vertices[v].first;
        if (e->is_root[v])
            graph.is_root[v >> 6] |= UINT64_C(1) << (v & 63);
    }
    for (uint32_t i = e->edge_count; i-- > 0;)
        if (!e->is_root[e->dst[i]])
            graph.targets[--graph.vertices[e->src[i] + 1].first] = e->dst[i];
    for (uint32_t v = 1; v <= e->count; v++)
        graph.vertices[v].first = graph.vertices[v + 1].first;
    graph.vertices[e->count + 1].first = kept;
    uint64_t *retained = htrail__mapping_new((size_t)e->count + 1, sizeof *retained);
    for (uint32_t v = 1; v <= e->count; v++)
        retained[v] = size_of(v);
    cr_assert_eq(htrail__dominators_find(out, &graph, retained, method), HTRAIL_OK);
    cr_assert_null(graph.targets, "the graph is taken");
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

#endif
