/* analyze/depending.c - see the header. */
#include "analyze/depending.h"

bool htrail__is_depending(const htrail__found_object *object, const htrail__found_object *referrer)
{
    return referrer->root == 0 || (object->tree_last >= 0 && referrer->tree_first >= object->tree_first && referrer->tree_first <= object->tree_last);
}

htrail_status htrail__count_other_holders(htrail__lookup *lookup, const htrail__found_object *object, uint64_t besides, size_t most, uint64_t *others, bool *more)
{
    const uint64_t *ids;
    size_t count;
    htrail_status status = htrail__lookup_holder_ids(lookup, object->id, most, &ids, &count, more);
    *others = 0;
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        htrail__found_object holder;
        if (ids[i] == besides || ids[i] == object->id)
            continue;
        status = htrail__lookup_object(lookup, ids[i], &holder);
        *others += status == HTRAIL_OK && !htrail__is_depending(object, &holder);
    }
    return status;
}
