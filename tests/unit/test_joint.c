/* What sets retain, against what removing all members of a set says; and sets that are kept once. */
#include <criterion/criterion.h>
#include <string.h>

#include "analyze/group_sets.h"
#include "analyze/joint.h"
#include "analyze/loader.h"
#include "edges.h"

enum { SMALL_MAX = 16, GROUPS = 6, CLASSES_MAX = 8 };

/* A graph with its vertices in the order of a search from the roots, what is not met last, and its edges by source. */
typedef struct searched {
    edges e;
    uint32_t *holder; /* by vertex - 1 */
    uint32_t live;
    uint32_t *class;
} searched;

static void search(searched *s, const edges *from)
{
    uint32_t count = from->count, met = 0, *vertex_of = calloc((size_t)count + 2, sizeof *vertex_of), *number_of = calloc((size_t)count + 2, sizeof *number_of);

    *s = (searched){.holder = calloc((size_t)count + 1, sizeof *s->holder), .class = calloc((size_t)count + 1, sizeof *s->class)};
    start(&s->e, count);
    for (uint32_t v = 1; v <= count; v++)
        if (from->is_root[v])
            vertex_of[++met] = v, number_of[v] = met, s->e.is_root[met] = true;
    for (uint32_t at = 1; at <= met; at++)
        for (uint32_t i = 0; i < from->edge_count; i++)
            if (from->src[i] == vertex_of[at] && number_of[from->dst[i]] == 0) {
                vertex_of[++met] = from->dst[i];
                number_of[from->dst[i]] = met;
                s->holder[met - 1] = at;
            } else if (from->src[i] == vertex_of[at] && from->is_root[from->dst[i]] && number_of[from->dst[i]] > at) {
                s->holder[number_of[from->dst[i]] - 1] = at; /* a namespace is its module's, and a root */
            }
    s->live = met;
    for (uint32_t v = 1; v <= count; v++)
        if (number_of[v] == 0)
            vertex_of[++met] = v, number_of[v] = met;
    for (uint32_t number = 1; number <= count; number++)
        for (uint32_t i = 0; i < from->edge_count; i++)
            if (from->src[i] == vertex_of[number])
                add(&s->e, number, number_of[from->dst[i]]);
    free(vertex_of);
    free(number_of);
}

static void done(searched *s)
{
    end(&s->e);
    free(s->holder);
    free(s->class);
}

static bool every_edge(const void *arg, uint32_t edge) { return edge < ((const edges *)arg)->edge_count; }

static uint32_t class_of(const void *arg, uint32_t number) { return ((const searched *)arg)->class[number]; }

/* retained: by group. */
static void find_retained(const searched *s, const uint32_t *starts, const uint32_t *groups, uint64_t *retained, bool *is_exact)
{
    htrail__dominators d;
    htrail__joint *joint;
    htrail__joint_rows rows;
    htrail__sums sums[GROUPS] = {{0}};
    uint64_t *is_root = calloc(s->e.count / 64 + 1, sizeof *is_root);

    find(&s->e, HTRAIL__DOMINATORS_BUDGET, &d);
    for (uint32_t v = 1; v <= s->e.count; v++)
        if (s->e.is_root[v])
            is_root[v >> 6] |= UINT64_C(1) << (v & 63);
    const htrail__joint_heap heap = {.dominators = &d, .holder = s->holder, .is_root = is_root, .srcs = s->e.src, .dsts = s->e.dst,
                                     .edge_count = s->e.edge_count, .is_strong = every_edge, .arg = &s->e};
    cr_assert_eq(htrail__joint_open(&joint, &heap), HTRAIL_OK);
    cr_assert_eq(htrail__joint_find(joint, &(htrail__joint_classes){.class_of = class_of, .arg = s, .starts = starts, .groups = groups}, &rows), HTRAIL_OK);
    for (uint32_t place = 1; place <= d.live_count; place++) {
        uint32_t number = d.order[place], class = s->class[number], limit = starts == NULL ? class + 1 : starts[class + 1];
        for (uint32_t at = starts == NULL ? class : starts[class]; at < limit; at++)
            htrail__sums_add_retained(&sums[groups == NULL ? at : groups[at]], place, place + d.below[number], d.retained[number]);
        htrail__sums_add_together(sums, &rows, place, place + d.below[number], d.retained[number]);
    }
    cr_assert_eq(rows.next, rows.count, "rows come in the order of the tree");
    *is_exact = rows.is_exact;
    for (uint32_t group = 0; group < GROUPS; group++)
        retained[group] = sums[group].retained;
    htrail__joint_rows_release(&rows);
    htrail__joint_free(joint);
    htrail__dominators_release(&d);
    free(is_root);
}

static bool is_in(const searched *s, const uint32_t *starts, const uint32_t *groups, uint32_t vertex, uint32_t group)
{
    if (starts == NULL)
        return s->class[vertex] == group;
    for (uint32_t at = starts[s->class[vertex]]; at < starts[s->class[vertex] + 1]; at++)
        if (groups[at] == group)
            return true;
    return false;
}

/* Bytes of what the roots no longer reach without the members of a group. */
static uint64_t by_removing(const searched *s, const uint32_t *starts, const uint32_t *groups, uint32_t group)
{
    uint32_t met = 0, before;
    uint64_t bytes = 0;
    for (uint32_t v = 1; v <= s->e.count; v++)
        if (s->e.is_root[v] && !is_in(s, starts, groups, v, group))
            met |= 1u << v;
    do {
        before = met;
        for (uint32_t i = 0; i < s->e.edge_count; i++)
            if (met >> s->e.src[i] & 1 && !is_in(s, starts, groups, s->e.dst[i], group))
                met |= 1u << s->e.dst[i];
    } while (met != before);
    for (uint32_t v = 1; v <= s->live; v++)
        if (!(met >> v & 1))
            bytes += size_of(v);
    return bytes;
}

static void random_searched(searched *s, uint64_t *state)
{
    edges e;
    uint32_t count = 1 + (uint32_t)(next_random(state) % (SMALL_MAX - 1)), wanted = (uint32_t)(next_random(state) % (3 * count));
    start(&e, count);
    for (uint32_t i = 0; i < wanted; i++)
        add(&e, 1 + (uint32_t)(next_random(state) % count), 1 + (uint32_t)(next_random(state) % count));
    for (uint32_t i = (uint32_t)(next_random(state) % 4); i > 0; i--)
        e.is_root[1 + next_random(state) % count] = true;
    search(s, &e);
    end(&e);
}

Test(joint, of_random_graphs_sets_retain_what_removing_them_says)
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15), retained[GROUPS];
    uint32_t together = 0;
    for (int round = 0; round < 1500; round++) {
        searched s;
        bool is_exact;
        random_searched(&s, &state);
        for (uint32_t v = 1; v <= s.e.count; v++)
            s.class[v] = (uint32_t)(next_random(&state) % (1 + round % GROUPS));
        find_retained(&s, NULL, NULL, retained, &is_exact);
        cr_assert(is_exact);
        for (uint32_t group = 0; group < GROUPS; group++) {
            cr_assert_eq(retained[group], by_removing(&s, NULL, NULL, group), "graph %d: group %u retains %lu and not %lu", round, group,
                         (unsigned long)by_removing(&s, NULL, NULL, group), (unsigned long)retained[group]);
            together += retained[group] > 0;
        }
        done(&s);
    }
    cr_assert_gt(together, 1500);
}

Test(joint, a_class_may_belong_to_several_groups)
{
    uint64_t state = UINT64_C(0x2545f4914f6cdd1d), retained[GROUPS];
    for (int round = 0; round < 800; round++) {
        searched s;
        bool is_exact;
        uint32_t starts[CLASSES_MAX + 1], groups[CLASSES_MAX * GROUPS], count = 0, classes = 1 + (uint32_t)(next_random(&state) % CLASSES_MAX);
        for (uint32_t class = 0; class <= CLASSES_MAX; class++) {
            starts[class] = count;
            for (uint32_t group = 0; group < GROUPS && class < CLASSES_MAX; group++)
                if (next_random(&state) % 3 == 0)
                    groups[count++] = group;
        }
        random_searched(&s, &state);
        for (uint32_t v = 1; v <= s.e.count; v++)
            s.class[v] = (uint32_t)(next_random(&state) % classes);
        find_retained(&s, starts, groups, retained, &is_exact);
        cr_assert(is_exact);
        for (uint32_t group = 0; group < GROUPS; group++)
            cr_assert_eq(retained[group], by_removing(&s, starts, groups, group), "graph %d: group %u", round, group);
        done(&s);
    }
}

/* Two registries that hold a doubly linked list, one by its head and one by its tail: no node is any one's, all are theirs. */
Test(joint, a_list_held_by_both_ends_is_of_those_who_hold_it_together)
{
    enum { COUNT = 3000 };
    edges e;
    searched s;
    uint64_t retained[GROUPS], bytes = 0;
    bool is_exact;
    start(&e, COUNT);
    e.is_root[1] = e.is_root[2] = true;
    add(&e, 1, 3);
    add(&e, 2, COUNT);
    for (uint32_t v = 3; v < COUNT; v++) {
        add(&e, v, v + 1);
        add(&e, v + 1, v);
    }
    search(&s, &e);
    for (uint32_t v = 1; v <= COUNT; v++) {
        s.class[v] = v > 2;
        bytes += size_of(v);
    }
    find_retained(&s, NULL, NULL, retained, &is_exact);
    cr_expect(is_exact);
    cr_expect_eq(retained[0], bytes);
    cr_expect_eq(retained[1], bytes - size_of(1) - size_of(2));
    done(&s);
    end(&e);
}

Test(group_sets, are_kept_once_and_end_at_their_limit)
{
    htrail__group_sets *sets;
    uint32_t one, other, same, set = 0;
    static const uint32_t first[] = {2, 5, 9}, second[] = {5, 7, 9};
    htrail_status status = HTRAIL_OK;

    cr_assert_eq(htrail__group_sets_open(&sets, 1 << 20), HTRAIL_OK);
    cr_assert_eq(htrail__group_sets_add(sets, 0, 0, first, 3, &one), HTRAIL_OK);
    cr_assert_eq(htrail__group_sets_add(sets, 0, 1, second, 3, &other), HTRAIL_OK);
    cr_assert_eq(htrail__group_sets_intersect(sets, one, other, &set), HTRAIL_OK);
    cr_expect_eq(htrail__group_sets_get(sets, set).count, 2);
    cr_expect_eq(htrail__group_sets_get(sets, set).members[1], 9);
    cr_assert_eq(htrail__group_sets_intersect(sets, other, one, &same), HTRAIL_OK);
    cr_expect_eq(same, set);
    cr_assert_eq(htrail__group_sets_add(sets, set, 2, (uint32_t[]){2}, 1, &same), HTRAIL_OK);
    cr_expect_eq(same, one, "2, 5 and 9 have a number already");
    cr_assert_eq(htrail__group_sets_intersect(sets, one, HTRAIL__GROUP_SETS_EVERYTHING, &same), HTRAIL_OK);
    cr_expect_eq(same, one);
    cr_assert_eq(htrail__group_sets_intersect(sets, one, 0, &same), HTRAIL_OK);
    cr_expect_eq(same, 0);
    for (uint32_t i = 0; i < 5000 && status == HTRAIL_OK; i++)
        status = htrail__group_sets_add(sets, set, 100 + i, (uint32_t[]){100 + i}, 1, &set);
    cr_expect_eq(status, HTRAIL_E_LIMIT);
    htrail__group_sets_free(sets);
}

/* A chain of which each vertex is of a group of its own: its sets together have members without number. */
Test(joint, what_is_too_much_is_said_and_no_guess)
{
    enum { COUNT = 20000 };
    htrail__dominators d;
    htrail__joint *joint;
    htrail__joint_rows rows;
    edges e;
    searched s;
    start(&e, COUNT + 1);
    e.is_root[1] = true;
    for (uint32_t v = 1; v + 2 < COUNT; v += 3) { /* v -> v + 1, v + 2 -> v + 3: each third is joint */
        add(&e, v, v + 1);
        add(&e, v, v + 2);
        add(&e, v + 1, v + 3);
        add(&e, v + 2, v + 3);
    }
    *(&s) = (searched){.e = e, .holder = calloc(COUNT + 2, sizeof *s.holder), .class = calloc(COUNT + 2, sizeof *s.class)};
    for (uint32_t v = 1; v <= COUNT + 1; v++) {
        s.class[v] = v;
        s.holder[v - 1] = v == 1 ? 0 : v % 3 == 0 ? v - 2 : v % 3 == 2 ? v - 1 : v - 2;
    }
    uint64_t *is_root = calloc(COUNT / 64 + 2, sizeof *is_root);
    is_root[0] = 2;
    find(&e, HTRAIL__DOMINATORS_BUDGET, &d);
    const htrail__joint_heap heap = {.dominators = &d, .holder = s.holder, .is_root = is_root, .srcs = e.src, .dsts = e.dst,
                                     .edge_count = e.edge_count, .is_strong = every_edge, .arg = &e};
    cr_assert_eq(htrail__joint_open(&joint, &heap), HTRAIL_OK);
    cr_assert_eq(htrail__joint_find(joint, &(htrail__joint_classes){.class_of = class_of, .arg = &s}, &rows), HTRAIL_OK);
    cr_expect(!rows.is_exact);
    cr_expect_eq(rows.count, 0);
    htrail__joint_rows_release(&rows);
    htrail__joint_free(joint);
    htrail__dominators_release(&d);
    free(is_root);
    done(&s);
}
