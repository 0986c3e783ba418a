/* analyze/common_dominator.c - see the header. What an object dominates has its place between the object's
 * tree_first and tree_last, so the places of all members are compared as one range. */
#include "analyze/common_dominator.h"

htrail_status htrail__common_dominator_find(uint64_t *out, bool *is_member, htrail__lookup *lookup, const uint64_t *ids, size_t count)
{
    htrail__found_object at;
    htrail_status status = HTRAIL_OK;
    int64_t first = INT64_MAX, last = -1;
    uint64_t nearest = UINT64_MAX; /* to the roots: what dominates has a smaller id */

    *out = 0;
    *is_member = false;
    for (size_t i = 0; i < count; i++) {
        if ((status = htrail__lookup_object(lookup, ids[i], &at)) != HTRAIL_OK)
            return status;
        first = at.tree_first < first ? at.tree_first : first;
        last = at.tree_first > last ? at.tree_first : last;
        nearest = ids[i] < nearest ? ids[i] : nearest;
    }
    for (uint64_t id = count > 0 ? nearest : 0; id != 0; id = at.dominator) {
        if ((status = htrail__lookup_object(lookup, id, &at)) != HTRAIL_OK)
            return status;
        if (count > 1 && (at.tree_last < 0 || at.tree_first > first || at.tree_last < last))
            continue;
        *out = id;
        *is_member = id == nearest;
        break;
    }
    return status;
}
