/* analyze/nearest.h - the nearest referrer for which something holds: along any references, not those of the shortest
 * chains from the roots alone. What objgraph calls find_backref_chain. */
#ifndef HTRAIL_ANALYZE_NEAREST_H
#define HTRAIL_ANALYZE_NEAREST_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/lookup.h"
#include "analyze/object_query.h"

/* *chain: from the object for which the query holds down to one of ids, *count of them; the caller frees it. One of ids
 * may be the object itself. HTRAIL_E_NOT_FOUND: no object leads to them for which it holds. A question that failed is in
 * the query or the lookup. progress: objects looked at; may be NULL. */
HTRAIL_MUST_CHECK htrail_status htrail__nearest_find(uint64_t **chain, size_t *count, htrail__lookup *lookup, htrail__object_query *query,
                                                     const uint64_t *ids, size_t id_count, void (*progress)(void *arg, uint64_t done, uint64_t total),
                                                     void *progress_arg);

#endif
