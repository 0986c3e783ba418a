/* The tree of dominators against what removing each vertex says, by each method. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dominators.h"
#include "analyze/mapping.h"
#include "edges.h"

enum { SMALL_MAX = 16, LARGE = 1000000 };

/* What is met from the roots, or from entries, without going through one vertex. */
static uint32_t reached(const edges *e, const bool *starts, uint32_t without, const bool *only)
{
    uint32_t met = 0, before;
    for (uint32_t v = 1; v <= e->count; v++)
        if (starts[v] && v != without)
            met |= 1u << v;
    do {
        before = met;
        for (uint32_t i = 0; i < e->edge_count; i++)
            if (met >> e->src[i] & 1 && e->dst[i] != without && (only == NULL || only[e->dst[i]]))
                met |= 1u << e->dst[i];
    } while (met != before);
    return met;
}

/* dominates[v]: the vertices that v dominates, as bits, by removing it. */
static void brute_force(const edges *e, const bool *starts, const bool *only, uint32_t *dominates)
{
    uint32_t all = reached(e, starts, 0, only);
    for (uint32_t v = 1; v <= e->count; v++)
        if (all >> v & 1)
            dominates[v] = all & ~reached(e, starts, v, only);
}

static void check(const edges *e, htrail__dominators_method method, const char *what)
{
    uint32_t dominates[SMALL_MAX + 1] = {0}, live, place_of[SMALL_MAX + 1];
    bool entries[SMALL_MAX + 1] = {false}, dead[SMALL_MAX + 1] = {false}, referred[SMALL_MAX + 1] = {false};
    uint64_t sum = 0, tops = 0;
    htrail__dominators d;

    live = reached(e, e->is_root, 0, NULL);
    brute_force(e, e->is_root, NULL, dominates);
    for (uint32_t v = 1; v <= e->count; v++)
        dead[v] = !(live >> v & 1);
    for (uint32_t i = 0; i < e->edge_count; i++)
        if (dead[e->src[i]] && e->src[i] != e->dst[i])
            referred[e->dst[i]] = true;
    for (int round = 0; round < 2; round++)
        for (uint32_t v = 1; v <= e->count; v++)
            if (dead[v] && referred[v] == (round == 1) && !(reached(e, entries, 0, dead) >> v & 1))
                entries[v] = true;
    brute_force(e, entries, dead, dominates);

    find(e, method, &d);
    cr_assert_eq(d.count, e->count);
    cr_assert_eq(d.live_count, (uint32_t)__builtin_popcount(live), "%s", what);
    for (uint32_t place = 1; place <= e->count; place++)
        place_of[d.order[place]] = place;
    for (uint32_t v = 1; v <= e->count; v++) {
        uint64_t retained = 0;
        uint32_t best = 0, fewest = UINT32_MAX;
        sum += size_of(v);
        for (uint32_t w = 1; w <= e->count; w++) {
            if (dominates[v] >> w & 1)
                retained += size_of(w);
            if (w != v && dominates[w] >> v & 1 && (uint32_t)__builtin_popcount(dominates[w]) < fewest)
                best = w, fewest = (uint32_t)__builtin_popcount(dominates[w]);
        }
        cr_assert_eq(d.dominator[v], best, "%s: vertex %u is dominated by %u and not by %u", what, v, best, d.dominator[v]);
        cr_assert_eq(d.retained[v], retained, "%s: vertex %u", what, v);
        cr_assert_eq(d.below[v], (uint32_t)__builtin_popcount(dominates[v]), "%s: vertex %u", what, v);
        for (uint32_t w = 1; w <= e->count; w++)
            cr_assert_eq(dominates[v] >> w & 1, place_of[w] >= place_of[v] && place_of[w] < place_of[v] + d.below[v],
                         "%s: vertices %u and %u in the order of the tree", what, v, w);
        cr_assert_eq(place_of[v] <= d.live_count, !dead[v], "%s", what);
        tops += d.dominator[v] == 0 ? d.retained[v] : 0;
    }
    cr_assert_eq(d.retained[0], sum, "%s", what);
    cr_assert_eq(tops, sum, "%s", what);
    htrail__dominators_release(&d);
}

static void random_graph(edges *e, uint64_t *state)
{
    uint32_t count = 1 + (uint32_t)(next_random(state) % SMALL_MAX), wanted = (uint32_t)(next_random(state) % (3 * count));
    if (count == SMALL_MAX)
        count--;
    start(e, count);
    for (uint32_t i = 0; i < wanted; i++)
        add(e, 1 + (uint32_t)(next_random(state) % count), 1 + (uint32_t)(next_random(state) % count));
    for (uint32_t i = (uint32_t)(next_random(state) % 4); i > 0; i--)
        e->is_root[1 + next_random(state) % count] = true;
}

Test(dominators, random_graphs_are_as_removing_each_vertex_says)
{
    static const htrail__dominators_method methods[] = {HTRAIL__DOMINATORS_BUDGET, HTRAIL__DOMINATORS_SEMI_NCA, HTRAIL__DOMINATORS_LENGAUER_TARJAN};
    uint64_t state = UINT64_C(0x2545f4914f6cdd1d);
    for (int round = 0; round < 6000; round++) {
        char what[64];
        edges e;
        snprintf(what, sizeof what, "graph %d by method %d", round, round % 3);
        random_graph(&e, &state);
        check(&e, methods[round % 3], what);
        end(&e);
    }
}

static void check_same(const edges *e, bool is_fallback, uint32_t vertex, uint32_t dominator, uint64_t retained)
{
    htrail__dominators budget, simple;
    find(e, HTRAIL__DOMINATORS_BUDGET, &budget);
    find(e, HTRAIL__DOMINATORS_LENGAUER_TARJAN, &simple);
    cr_assert_eq(budget.is_fallback, is_fallback);
    cr_assert(simple.is_fallback);
    cr_assert_eq(memcmp(budget.dominator, simple.dominator, ((size_t)e->count + 1) * sizeof *simple.dominator), 0);
    cr_assert_eq(memcmp(budget.retained, simple.retained, ((size_t)e->count + 1) * sizeof *simple.retained), 0);
    cr_assert_eq(memcmp(budget.order, simple.order, ((size_t)e->count + 1) * sizeof *simple.order), 0);
    cr_expect_eq(budget.dominator[vertex], dominator, "%u is dominated by %u", vertex, budget.dominator[vertex]);
    cr_expect_eq(budget.retained[vertex], retained);
    htrail__dominators_release(&budget);
    htrail__dominators_release(&simple);
}

static uint64_t sizes(uint32_t first, uint32_t last)
{
    uint64_t sum = 0;
    for (uint32_t v = first; v <= last; v++)
        sum += size_of(v);
    return sum;
}

Test(dominators, a_chain_of_a_million)
{
    edges e;
    start(&e, LARGE);
    e.is_root[1] = true;
    for (uint32_t v = 1; v < LARGE; v++)
        add(&e, v, v + 1);
    check_same(&e, false, 500000, 499999, sizes(500000, LARGE));
    end(&e);
}

Test(dominators, a_doubly_linked_list_held_by_head_and_tail)
{
    edges e;
    start(&e, LARGE);
    e.is_root[1] = e.is_root[LARGE] = true;
    for (uint32_t v = 1; v < LARGE; v++) {
        add(&e, v, v + 1);
        add(&e, v + 1, v);
    }
    check_same(&e, false, 500000, 0, size_of(500000));
    end(&e);
}

/* The registry 1 and the end of the chain 2 .. half hold the same items: only the root above both, 1 ... */
Test(dominators, a_chain_whose_end_and_a_registry_hold_the_same_items)
{
    enum { CHAIN = 20000, ITEMS = 20000 };
    edges e;
    start(&e, 2 + CHAIN + ITEMS);
    e.is_root[1] = true;
    for (uint32_t v = 2; v < 2 + CHAIN; v++)
        add(&e, v == 2 ? 1 : v - 1, v);
    add(&e, 1, 2 + CHAIN); /* the registry comes last */
    for (uint32_t v = 3 + CHAIN; v <= e.count; v++) {
        add(&e, 1 + CHAIN, v);
        add(&e, 2 + CHAIN, v);
    }
    check_same(&e, true, e.count, 1, size_of(e.count));
    end(&e);
}

Test(dominators, a_star_and_a_clique)
{
    enum { CLIQUE = 1000 };
    edges e;
    start(&e, LARGE);
    e.is_root[1] = true;
    for (uint32_t v = 2; v <= LARGE; v++)
        add(&e, 1, v);
    check_same(&e, false, 1, 0, sizes(1, LARGE));
    end(&e);
    start(&e, CLIQUE);
    e.is_root[7] = true;
    for (uint32_t v = 1; v <= CLIQUE; v++)
        for (uint32_t w = 1; w <= CLIQUE; w++)
            add(&e, v, w);
    check_same(&e, false, 8, 7, size_of(8));
    end(&e);
}

Test(dominators, cycles_that_no_root_reaches_hang_below_their_first_and_take_nothing_live)
{
    edges e;
    htrail__dominators d;
    start(&e, 7);
    e.is_root[1] = true;
    add(&e, 1, 2);
    add(&e, 3, 4); /* a cycle of 3 and 4 that refers to 2, which lives */
    add(&e, 4, 3);
    add(&e, 4, 2);
    add(&e, 7, 6); /* 6 waits in number before the one that refers to it */
    add(&e, 6, 5);
    add(&e, 5, 6);
    find(&e, HTRAIL__DOMINATORS_BUDGET, &d);
    cr_expect_eq(d.live_count, 2);
    cr_expect_eq(d.dominator[2], 1);
    cr_expect_eq(d.dominator[3], 0);
    cr_expect_eq(d.dominator[4], 3);
    cr_expect_eq(d.dominator[7], 0);
    cr_expect_eq(d.dominator[6], 7);
    cr_expect_eq(d.dominator[5], 6);
    htrail__dominators_release(&d);
    end(&e);
}

Test(dominators, sums_of_what_a_file_claims_stop_at_63_bits)
{
    htrail__dominators_graph graph;
    htrail__dominators d;
    uint64_t *retained = htrail__mapping_new(3, sizeof *retained);
    cr_assert_eq(htrail__dominators_graph_init(&graph, 2, 0), HTRAIL_OK);
    graph.is_root[0] = 6;
    retained[1] = UINT64_MAX;
    retained[2] = INT64_MAX;
    cr_assert_eq(htrail__dominators_find(&d, &graph, retained, HTRAIL__DOMINATORS_BUDGET), HTRAIL_OK);
    cr_expect_eq(d.retained[0], INT64_MAX);
    htrail__dominators_release(&d);
}
