/* analyze/group_sets.h - sets of small numbers that occur again and again: each is kept once and has a number
 * of its own, so that two are equal if their numbers are, and what was asked before need not be done again.
 *
 *     0             the empty set
 *     EVERYTHING    of which each set is a part; it has no members that could be listed */
#ifndef HTRAIL_ANALYZE_GROUP_SETS_H
#define HTRAIL_ANALYZE_GROUP_SETS_H

#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

#define HTRAIL__GROUP_SETS_EVERYTHING UINT32_MAX

typedef struct htrail__group_set {
    const uint32_t *members; /* ascending; until the next call that makes a set */
    size_t count;
} htrail__group_set;

typedef struct htrail__group_sets htrail__group_sets;

/* steps_max: members to look at in all; past it, and past 16 M members in sets of their own, HTRAIL_E_LIMIT. */
HTRAIL_MUST_CHECK htrail_status htrail__group_sets_open(htrail__group_sets **out, uint64_t steps_max);
void htrail__group_sets_free(htrail__group_sets *sets);

/* With what a kind adds: its number stands for added, which is always the same for one kind and ascends. Not to EVERYTHING.
 * HTRAIL_OK, HTRAIL_E_NOMEM or HTRAIL_E_LIMIT. */
HTRAIL_MUST_CHECK htrail_status htrail__group_sets_add(htrail__group_sets *sets, uint32_t set, uint32_t kind, const uint32_t *added,
                                                       size_t added_count, uint32_t *out);
HTRAIL_MUST_CHECK htrail_status htrail__group_sets_intersect(htrail__group_sets *sets, uint32_t left, uint32_t right, uint32_t *out);
htrail__group_set htrail__group_sets_get(const htrail__group_sets *sets, uint32_t set);

#endif
