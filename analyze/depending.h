/* analyze/depending.h - which referrers of an object depend on it: those that it dominates, and garbage. They go with it, and so
 * are no further holders of it. */
#ifndef HTRAIL_ANALYZE_DEPENDING_H
#define HTRAIL_ANALYZE_DEPENDING_H

#include "analyze/lookup.h"

bool htrail__is_depending(const htrail__found_object *object, const htrail__found_object *referrer);
/* How many objects hold the object besides itself and `besides` and do not depend on it. No more than `most` referrers are looked at:
 * *more says that there are others. */
HTRAIL_MUST_CHECK htrail_status htrail__count_other_holders(htrail__lookup *lookup, const htrail__found_object *object, uint64_t besides, size_t most,
                                                            uint64_t *others, bool *more);

#endif
