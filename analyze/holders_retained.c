/* analyze/holders_retained.c - what the objects of a node retain together: of those that lie below one another in the
 * tree of dominators, only the highest counts. */
#include <stdlib.h>

#include "analyze/holders_search.h"

typedef struct interval {
    uint32_t node;
    int64_t first, last; /* of the tree; last -1: it dominates nothing, and first is its dominator's */
    uint64_t retained_bytes;
} interval;

static int compare(const void *left_item, const void *right_item)
{
    const interval *left = left_item, *right = right_item;
    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return left->last != right->last ? (left->last > right->last ? -1 : 1) : 0;
}

htrail_status htrail__holders_sum_retained(htrail__holders_search *s)
{
    size_t count = 0;
    interval *intervals = malloc(((size_t)s->member_count + 1) * sizeof *intervals);
    if (intervals == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < s->member_count; i++) {
        const htrail__holders_member *m = &s->members[i];
        if (m->used && m->shape < s->node_of_room && s->node_of[m->shape] != HTRAIL__NO_SHAPE)
            intervals[count++] = (interval){s->node_of[m->shape], m->object.tree_first, m->object.tree_last, m->object.retained_bytes};
    }
    qsort(intervals, count, sizeof *intervals, compare);
    int64_t covered = -1;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || intervals[i].node != intervals[i - 1].node)
            covered = -1;
        if (intervals[i].first <= covered)
            continue;
        s->out->nodes[intervals[i].node].retained_bytes += intervals[i].retained_bytes;
        covered = intervals[i].last > covered ? intervals[i].last : covered;
    }
    free(intervals);
    return HTRAIL_OK;
}
