/* analyze/common_dominator.h - the nearest object that all chains to all of a set lead through: the lowest
 * common ancestor in the tree of dominators of a loaded database. One look at each member and one at each
 * step above the one nearest to the roots. */
#ifndef HTRAIL_ANALYZE_COMMON_DOMINATOR_H
#define HTRAIL_ANALYZE_COMMON_DOMINATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/lookup.h"

/* *out: 0 where there is none. *is_member: it is one of them, and dominates all others. The lookup has the sentence. */
HTRAIL_MUST_CHECK htrail_status htrail__common_dominator_find(uint64_t *out, bool *is_member, htrail__lookup *lookup, const uint64_t *ids, size_t count);

#endif
