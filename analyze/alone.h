/* analyze/alone.h - what groups of roots hold alone: the objects that only their roots lead to, and
 * their bytes. Groups have two levels, as threads and the stacks they stand in, or names of roots and
 * kinds of roots: what two threads of one stack hold together is nobody's among threads, and its stack's.
 *
 * In one pass for all groups:
 *
 *     of an object, reached by:   nothing yet -> one group -> several of one upper group -> others too
 *
 * Each step happens at most once, so that each reference is followed at most three times. */
#ifndef HTRAIL_ANALYZE_ALONE_H
#define HTRAIL_ANALYZE_ALONE_H

#include "analyze/graph.h"

enum { HTRAIL__ALONE_COMMON = UINT32_MAX };

typedef enum htrail__alone_flags {
    HTRAIL__ALONE_FIXED = 1 << 0 /* it stays its group's whoever else reaches it, and so does the way through it */
} htrail__alone_flags;

typedef struct htrail__alone_root {
    uint32_t object, group; /* COMMON: of no group; these are followed first, since most objects are theirs */
    uint32_t flags;
} htrail__alone_root;

typedef struct htrail__alone_group {
    uint32_t upper;
    uint64_t objects, bytes; /* out: what it holds alone; sums stop at INT64_MAX */
} htrail__alone_group;

/* uppers: in all zero; out: with what is their groups' too; their own upper is not looked at.
 * HTRAIL_OK or HTRAIL_E_NOMEM. */
HTRAIL_MUST_CHECK htrail_status htrail__alone_find(htrail__alone_group *groups, uint32_t group_count, htrail__alone_group *uppers,
                                                   uint32_t upper_count, const htrail__graph *graph, const htrail__alone_root *roots,
                                                   uint32_t root_count);

#endif
