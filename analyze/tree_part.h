/* analyze/tree_part.h - what several objects retain together: of those that lie below one another in the tree of
 * dominators only the highest count. */
#ifndef HTRAIL_ANALYZE_TREE_PART_H
#define HTRAIL_ANALYZE_TREE_PART_H

#include <stddef.h>
#include <stdint.h>

typedef struct htrail__tree_part {
    uint32_t group;      /* parts of different groups have nothing to do with each other */
    int64_t first, last; /* of the tree, as in the view `object`; last -1: it dominates nothing, and first is its dominator's */
    uint64_t retained_bytes;
} htrail__tree_part;

/* Leave out what lies below another part of its group. Sorts, by groups first; returns how many are left. */
size_t htrail__tree_parts_highest(htrail__tree_part *parts, size_t count);

#endif
