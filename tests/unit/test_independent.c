/* How many things must let go of an object. */
#include "tests/unit/text_heap.h"

#include "analyze/independent.h"
#include "analyze/text.h"

static void find(htrail__independent *out, text_heap *heap, uint64_t above, size_t count, const uint64_t *numbers, size_t searches_max)
{
    uint64_t ids[64];
    htrail__independent_opts opts;
    htrail__independent_opts_init(&opts);
    if (above != 0)
        opts.above = text_heap_id(heap, above);
    if (searches_max != 0)
        opts.searches_max = searches_max;
    for (size_t i = 0; i < count; i++)
        ids[i] = text_heap_id(heap, numbers[i]);
    cr_assert_eq(htrail__independent_find(out, heap->lookup, ids, count, &opts), HTRAIL_OK, "%s", htrail__lookup_error(heap->lookup));
}

static void expect(const char *lines, uint64_t above, uint64_t target, size_t chains, uint64_t gate)
{
    text_heap heap;
    htrail__independent found;
    text_heap_open(&heap, lines);
    find(&found, &heap, above, 1, &target, 0);
    cr_expect_eq(found.chain_count, chains, "%zu chains", found.chain_count);
    cr_expect(found.complete);
    if (gate != 0)
        cr_expect_eq(found.chains[0].gate, text_heap_id(&heap, gate), "gate %llu", (unsigned long long)found.chains[0].gate);
    htrail__independent_release(&found);
    text_heap_close(&heap);
}

static const char diamond[] = "1 dict - : value app 2\n2 module app : index - 3, index - 4\n3 list - : index - 5\n4 list - : index - 5\n5 app.A -\nroot 1 1 modules\n";

Test(independent, a_diamond_has_one_chain_from_the_roots_and_two_below_its_top)
{
    expect(diamond, 0, 5, 1, 2);
    expect(diamond, 2, 5, 2, 3);
}

Test(independent, two_modules_are_two_chains_for_sys_modules_lets_go_of_none)
{
    expect("1 dict - : value a 2, value b 3\n2 module a : field __dict__ 4\n3 module b : field __dict__ 5\n4 dict - : value x 6\n5 dict - : value y 6\n"
           "6 app.A -\nroot 1 1 modules\n", 0, 6, 2, 4);
}

Test(independent, two_chains_that_meet_before_the_object_are_one)
{
    static const char lines[] = "1 list - : index - 3\n2 list - : index - 3\n3 app.Joint - : attr a 4, attr b 5\n4 list - : index - 6\n5 list - : index - 6\n6 app.A -\n"
                                "root 11 1 x\nroot 11 2 y\n";
    expect(lines, 0, 6, 1, 3);
    expect(lines, 3, 6, 2, 4);
    expect(lines, 0, 3, 2, 1);
}

Test(independent, a_chain_is_led_another_way_to_make_room_for_a_second)
{
    /* Straight up from 6 by 3 and 2 both others are blocked: 6-3-1 and 6-4-2 are two. */
    expect("1 list - : index - 3\n2 list - : index - 3, index - 4\n3 list - : index - 6\n4 list - : index - 6\n6 app.A -\nroot 11 2 y\nroot 11 1 x\n", 0, 6, 2, 0);
}

Test(independent, each_root_that_holds_the_object_itself_is_one_but_for_interned_strings)
{
    expect("1 app.A -\nroot 3 1 callback~1~of~1\nroot 11 1 x\nroot 15 1 interned\n", 0, 1, 2, 0);
}

Test(independent, weak_references_what_the_object_holds_and_garbage_are_no_chains)
{
    expect("1 list - : index - 2, index - 3\n2 app.A - : attr child 4\n4 app.B - : attr parent 2\n3 weakref - : weak - 2\n5 app.Lost - : attr a 2, attr me 5\n"
           "root 11 1 x\n", 0, 2, 1, 1);
    expect("1 list - :\n5 app.Lost - : attr me 6\n6 app.Lost - : attr me 5\nroot 11 1 x\n", 0, 5, 1, 6);
}

Test(independent, a_set_of_objects_has_the_chains_of_all_together)
{
    text_heap heap;
    htrail__independent found;
    text_heap_open(&heap, "1 dict - : value app 2\n2 module app : index - 3, index - 4\n3 list - : index - 10, index - 11, index - 12\n4 dict - : value k 12, value l 13\n"
                          "10 app.A - : attr next 11\n11 app.A -\n12 app.A -\n13 app.A -\nroot 1 1 modules\n");
    find(&found, &heap, 2, 4, (uint64_t[]){10, 11, 12, 13}, 0);
    cr_expect_eq(found.chain_count, 2);
    cr_expect(found.complete);
    cr_expect_eq(found.chains[0].gate, text_heap_id(&heap, 3));
    cr_expect_eq(found.chains[1].gate, text_heap_id(&heap, 4));
    htrail__independent_release(&found);
    find(&found, &heap, 2, 2, (uint64_t[]){10, 11}, 0);
    cr_expect_eq(found.chain_count, 1);
    htrail__independent_release(&found);
    text_heap_close(&heap);
}

Test(independent, bounds_give_at_least_so_many)
{
    text_heap heap;
    htrail__text lines;
    htrail__independent found;
    htrail__text_init(&lines, 1 << 20);
    htrail__text_add_string(&lines, "1 app.A -\n");
    for (int i = 0; i < 20; i++)
        htrail__text_format(&lines, "%d list - : index - 1\nroot 11 %d x\n", 10 + i, 10 + i);
    /* A long way up, and a second one. */
    htrail__text_add_string(&lines, "2 app.B -\n400 app.N - : attr next 2\n");
    for (int i = 100; i < 400; i++)
        htrail__text_format(&lines, "%d app.N - : attr next %d, attr last 2\n", i, i + 1);
    htrail__text_add_string(&lines, "root 11 100 x\nroot 11 250 y\n");
    text_heap_open(&heap, htrail__text_string(&lines));
    find(&found, &heap, 0, 1, (uint64_t[]){1}, 0);
    cr_expect_eq(found.chain_count, 8);
    cr_expect(!found.complete);
    htrail__independent_release(&found);
    find(&found, &heap, 0, 1, (uint64_t[]){2}, 0);
    cr_expect_eq(found.chain_count, 2);
    cr_expect(found.complete);
    htrail__independent_release(&found);
    find(&found, &heap, 0, 1, (uint64_t[]){2}, 2);
    cr_expect_leq(found.chain_count, 2);
    cr_expect(!found.complete);
    cr_expect_leq(found.looked_at, 2);
    htrail__independent_release(&found);
    htrail__text_release(&lines);
    text_heap_close(&heap);
}

/* Random graphs of few objects, all in one heap; the truth is the smallest set of objects without which none is
 * reached, found by trying all. */
enum { GRAPHS = 400, SIZE = 8, STRIDE = 16 };

typedef struct graph {
    bool edge[SIZE][SIZE], root[SIZE];
} graph;

static bool reaches(const graph *g, unsigned removed, int target)
{
    unsigned met = 0, fresh = 0;
    for (int i = 0; i < SIZE; i++)
        if (g->root[i] && !(removed >> i & 1))
            fresh |= 1u << i;
    while (fresh & ~met) {
        met |= fresh;
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++)
                if ((met >> i & 1) && g->edge[i][j] && !(removed >> j & 1))
                    fresh |= 1u << j;
    }
    return met >> target & 1;
}

/* Things other than the target; its own root is one more. */
static int things(const graph *g, int target)
{
    graph held = *g;
    int fewest = SIZE;
    held.root[target] = false;
    for (unsigned removed = 0; removed < 1u << SIZE; removed++) {
        int count = __builtin_popcount(removed);
        if (!(removed >> target & 1) && count < fewest && !reaches(&held, removed, target))
            fewest = count;
    }
    return fewest + g->root[target];
}

static void expect_sound(const graph *g, const htrail__independent *found, const uint64_t *ids, int target)
{
    unsigned used = 0;
    for (size_t c = 0; c < found->chain_count; c++) {
        const htrail__independent_chain *chain = &found->chains[c];
        int below = target;
        for (size_t i = chain->count; i-- > 0;) {
            int at = 0;
            while (at < SIZE && ids[at] != found->objects[chain->first + i])
                at++;
            cr_assert_lt(at, SIZE);
            cr_expect(g->edge[at][below], "no reference from %d to %d", at, below);
            cr_expect(!(used >> at & 1), "%d twice", at);
            used |= 1u << at;
            below = at;
        }
        if (chain->root != 0)
            cr_expect(g->root[below]);
    }
}

Test(independent, as_many_as_the_fewest_objects_without_which_nothing_leads_there)
{
    static graph graphs[GRAPHS];
    htrail__text lines;
    text_heap heap;
    uint64_t random = 1;
    htrail__text_init(&lines, 1 << 22);
    for (int n = 0; n < GRAPHS; n++) {
        graph *g = &graphs[n];
        for (int i = 0; i < SIZE; i++) {
            bool is_held = false;
            for (int j = 0; j < SIZE; j++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                g->edge[j][i] = random >> 33 & 1 && (random >> 34 & 1 || n % 2);
                is_held |= g->edge[j][i];
            }
            /* What nothing holds is not free, so it is C code that does. */
            g->root[i] = !is_held || (random >> 40) % 4 == 0;
        }
        for (int i = 0; i < SIZE; i++) {
            const char *between = "";
            htrail__text_format(&lines, "%d list - :", 1 + n * STRIDE + i);
            for (int j = 0; j < SIZE; j++) {
                if (g->edge[i][j])
                    htrail__text_format(&lines, "%s index - %d", between, 1 + n * STRIDE + j);
                if (g->edge[i][j])
                    between = ",";
            }
            htrail__text_format(&lines, g->root[i] ? "\nroot 11 %d x\n" : "\n", 1 + n * STRIDE + i);
        }
    }
    text_heap_open(&heap, htrail__text_string(&lines));
    int compared = 0, several = 0;
    for (int n = 0; n < GRAPHS; n++) {
        uint64_t ids[SIZE];
        for (int i = 0; i < SIZE; i++)
            ids[i] = text_heap_id(&heap, 1 + (uint64_t)n * STRIDE + (uint64_t)i);
        for (int target = 0; target < SIZE; target++) {
            htrail__independent found;
            int truth = things(&graphs[n], target);
            if (truth == 0)
                continue;
            cr_assert_eq(htrail__independent_find(&found, heap.lookup, &ids[target], 1, NULL), HTRAIL_OK);
            cr_expect_eq((int)found.chain_count, truth, "graph %d object %d: %zu, not %d", n, target, found.chain_count, truth);
            cr_expect(found.complete || truth == 8);
            expect_sound(&graphs[n], &found, ids, target);
            unsigned cut = 0;
            for (size_t c = 0; c < found.chain_count && found.complete; c++)
                for (int i = 0; i < SIZE; i++)
                    cut |= (unsigned)(ids[i] == found.chains[c].gate) << i;
            graph held = graphs[n];
            held.root[target] = false;
            cr_expect(!reaches(&held, cut, target), "graph %d object %d: the gates leave a way", n, target);
            compared++;
            several += truth > 1;
            htrail__independent_release(&found);
        }
    }
    cr_expect_gt(compared, 1000);
    cr_expect_gt(several, 500);
    htrail__text_release(&lines);
    text_heap_close(&heap);
}
