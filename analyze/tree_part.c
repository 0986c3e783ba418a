/* analyze/tree_part.c - see the header. */
#include "analyze/tree_part.h"

#include "analyze/sort.h"

/* What is above comes before what is below. */
static int compare(const void *left_item, const void *right_item)
{
    const htrail__tree_part *left = left_item, *right = right_item;
    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return left->last != right->last ? (left->last > right->last ? -1 : 1) : 0;
}

size_t htrail__tree_parts_highest(htrail__tree_part *parts, size_t count)
{
    size_t kept = 0;
    int64_t covered = -1;
    uint32_t group = 0;
    htrail__sort(parts, count, sizeof *parts, compare);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || parts[i].group != group)
            covered = -1;
        group = parts[i].group;
        if (parts[i].first <= covered)
            continue;
        covered = parts[i].last > covered ? parts[i].last : covered;
        parts[kept++] = parts[i];
    }
    return kept;
}
