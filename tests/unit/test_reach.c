/* Who holds whom on the shortest chain. */
#include "tests/unit/small_heap.h"

#include "analyze/reach.h"

static const char *chain(const htrail__reach *reach, uint32_t object)
{
    static char out[256];
    size_t used = 0;
    uint32_t number = reach->number_of[object];
    if (reach->depth[number - 1] == HTRAIL__NO_DEPTH)
        return "garbage";
    for (;; number = reach->holder[number - 1]) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%u <- ", reach->object_of[number - 1]);
        if (reach->holder[number - 1] == 0)
            break;
    }
    snprintf(out + used, sizeof out - used, "%s, %u", htrail__root_kind_text(reach->roots[reach->root[number - 1] - 1].kind), reach->root[number - 1]);
    return out;
}

#define EXPECT_CHAIN(object, wanted) cr_expect_str_eq(chain(&reach, object), wanted, "%s, not %s", chain(&reach, object), wanted)

static void build(small_heap *heap, htrail__graph **graph, htrail__reach *reach)
{
    small_heap_end(heap);
    *graph = graph_from(heap);
    cr_assert_eq(htrail__reach_build(reach, *graph), HTRAIL_OK);
}

Test(reach, the_shortest_chain_wins_with_sys_modules_two_steps_ahead)
{
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_DICT, 1, 0, REF(0x2000, INDEX));                      /* 0 */
    OBJECT(&heap, 0x2000, T_DICT, 1, 0, REF(0x3000, INDEX));                      /* 1 */
    OBJECT(&heap, 0x3000, T_DICT, 1, 0, REF(0x4000, INDEX));                      /* 2 */
    OBJECT(&heap, 0x4000, T_DICT, 1, 0, REF(0x5000, INDEX));                      /* 3 */
    OBJECT(&heap, 0x5000, T_DICT, 1, 0, REF(0x6000, INDEX));                      /* 4 */
    LEAF(&heap, 0x6000, T_INT, 2);                                                /* 5 */
    OBJECT(&heap, 0x7000, T_DICT, 1, 0, REF(0x8000, INDEX));                      /* 6 */
    OBJECT(&heap, 0x8000, T_DICT, 1, 0, REF(0x5000, INDEX), REF(0x6000, INDEX));  /* 7 */
    OBJECT(&heap, 0x9000, T_DICT, 1, 0, REF(0x8000, INDEX));                      /* 8 */
    ROOT(&heap, 0x7000, INTERPRETER, "");
    ROOT(&heap, 0x9000, ATEXIT, "");
    ROOT(&heap, 0x1000, MODULES, "");
    build(&heap, &graph, &reach);
    EXPECT_CHAIN(4, "4 <- 3 <- 2 <- 1 <- 0 <- sys.modules, 1"); /* two steps longer than the other */
    EXPECT_CHAIN(5, "5 <- 7 <- 8 <- atexit callback, 2");       /* three steps shorter */
    EXPECT_CHAIN(7, "7 <- 8 <- atexit callback, 2");            /* as long from both: the smaller kind */
    EXPECT_CHAIN(6, "6 <- interpreter, 3");
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}

Test(reach, a_weak_reference_holds_nothing)
{
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_DICT, 1, 0, REF_LABEL(0x2000, WEAK, FIELD(F_X)), REF(0x3000, INDEX));
    LEAF(&heap, 0x2000, T_INT, 1);
    OBJECT(&heap, 0x3000, T_DICT, 1, 0, REF(0x4000, INDEX));
    OBJECT(&heap, 0x4000, T_DICT, 1, 0, REF(0x2000, INDEX));
    ROOT(&heap, 0x1000, MODULES, "");
    build(&heap, &graph, &reach);
    EXPECT_CHAIN(1, "1 <- 3 <- 2 <- 0 <- sys.modules, 1");
    cr_expect_eq(reach.counted[1], 1);
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}

Test(reach, what_only_its_count_explains_is_held_by_c_code_and_a_cycle_is_garbage)
{
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_DICT, 1);
    OBJECT(&heap, 0x2000, T_DICT, 1, 0, REF(0x3000, INDEX)); /* a cycle */
    OBJECT(&heap, 0x3000, T_DICT, 1, 0, REF(0x2000, INDEX));
    OBJECT(&heap, 0x4000, T_DICT, 3, 0, REF(0x5000, INDEX)); /* two more counts than references */
    OBJECT(&heap, 0x5000, T_DICT, 1, 0, REF(0x4000, INDEX));
    LEAF(&heap, 0x6000, T_INT, 99); /* a constant */
    OBJECT(&heap, 0x7000, T_INT, 999999999, HTRAIL_OBJECT_IMMORTAL, REF(0x6000, INDEX));
    ROOT(&heap, 0x1000, MODULES, "");
    build(&heap, &graph, &reach);
    EXPECT_CHAIN(1, "garbage");
    EXPECT_CHAIN(2, "garbage");
    EXPECT_CHAIN(3, "3 <- C code, 2");
    EXPECT_CHAIN(4, "4 <- 3 <- C code, 2");
    cr_expect_eq(reach.roots[1].counts, 2);
    EXPECT_CHAIN(6, "garbage"); /* immortal: its count says nothing */
    EXPECT_CHAIN(5, "5 <- C code, 3");
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}

Test(reach, in_a_cut_snapshot_a_count_without_references_blames_the_cut)
{
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_DICT, 1);
    small_heap_end(&heap);
    graph = graph_from(&heap);
    graph->complete = false;
    cr_assert_eq(htrail__reach_build(&reach, graph), HTRAIL_OK);
    EXPECT_CHAIN(0, "0 <- cut off, 1");
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}

Test(reach, objects_that_one_holds_have_consecutive_numbers)
{
    enum { COUNT = 20000 };
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    uint64_t random = 1;
    small_heap_begin(&heap);
    for (htrail_id i = 0; i < COUNT; i++) {
        htrail_ref refs[5] = {{0}};
        for (int r = 0; r < 5; r++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            refs[r] = (htrail_ref){.target = 0x10000 + 64 * ((random >> 33) % COUNT), .kind = r == 4 ? HTRAIL_REF_WEAK : HTRAIL_REF_INDEX};
        }
        small_heap_add(&heap, 0x10000 + 64 * i, T_TUPLE, 1, 0, refs, (random >> 33) % 6);
    }
    ROOT(&heap, 0x10000 + 64 * 77, MODULES, "");
    ROOT(&heap, 0x10000 + 64 * 5, CODECS, "");
    build(&heap, &graph, &reach);
    for (uint32_t place = 1, last = 0; place < COUNT; place++) {
        if (reach.holder[place] == 0)
            continue;
        cr_assert_geq(reach.holder[place], last);
        last = reach.holder[place];
        cr_assert_eq(reach.depth[place], reach.depth[last - 1] + 1);
        cr_assert_eq(reach.root[place], reach.root[last - 1]);
    }
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}

Test(reach, a_list_of_a_million_links_needs_no_stack)
{
    enum { COUNT = 1000000 };
    small_heap heap;
    htrail__graph *graph;
    htrail__reach reach;
    small_heap_begin(&heap);
    for (htrail_id i = 0; i < COUNT; i++)
        OBJECT(&heap, 0x10000 + 64 * i, T_TUPLE, 1, 0, REF(0x10000 + 64 * (i + 1), INDEX));
    ROOT(&heap, 0x10000, MODULES, "");
    build(&heap, &graph, &reach);
    cr_expect_eq(reach.depth[COUNT - 1], COUNT - 1);
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
}
