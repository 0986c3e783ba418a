/* serve/ranking.h - the objects of a snapshot in orders that its database has no index for: below each object those that it
 * dominates and of each type its objects, what retains most first; and all by their address. Arrays of ids, 16 bytes an
 * object: any page of any of them is found at once, however far down it is.
 *
 * Built once by one thread, then read by any. */
#ifndef HTRAIL_SERVE_RANKING_H
#define HTRAIL_SERVE_RANKING_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__ranking htrail__ranking;

typedef struct htrail__ranked {
    const uint32_t *ids; /* owned by the ranking */
    size_t count;
} htrail__ranked;

/* db is needed while it builds. *stop ends that, with HTRAIL_E_LIMIT. */
HTRAIL_MUST_CHECK htrail_status htrail__ranking_build(htrail__ranking **out, sqlite3 *db, const atomic_bool *stop, char *message, size_t message_cap);
/* What the object dominates; 0: what nothing dominates. */
htrail__ranked htrail__ranking_below(const htrail__ranking *ranking, uint64_t id);
/* type: the smallest id in `type` of those with that name. */
htrail__ranked htrail__ranking_of_type(const htrail__ranking *ranking, uint64_t type);
htrail__ranked htrail__ranking_by_address(const htrail__ranking *ranking);
/* NULL is allowed. */
void htrail__ranking_free(htrail__ranking *ranking);

#endif
