/* analyze/retained_set.h - how many bytes come back when a whole set of objects goes: exact,
 * nothing twice, from a loaded database.
 *
 * More than the sum over the tree of dominators: what two members hold together and nobody
 * else is dominated by neither and goes with both. In SQL (docs/schema.md) it is the live
 * heap less what the roots still reach without the set, and that is a search of the whole
 * heap; here only what the set can have is looked at. What goes with it is held through it
 * on its shortest chain as well, so the candidates are those that `holder` leads to from the
 * members. Of them are dropped, until nothing changes: roots, and what is referred to by
 * something live that is neither member nor candidate. A cycle of candidates that only
 * members lead to stays.
 *
 * Members that no root reaches count as the tree of dominators has them.
 *
 * A few objects are followed one by one; where they become many, all of the heap is read once in its order, which is 50 ns
 * an object.
 *
 * Memory: two bits an id of the heap, 4 bytes a candidate. Nothing is recursive. */
#ifndef HTRAIL_ANALYZE_RETAINED_SET_H
#define HTRAIL_ANALYZE_RETAINED_SET_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__retained_set {
    uint64_t members;  /* each id once */
    uint64_t objects;  /* members, and live ones that come back with them */
    uint64_t bytes;    /* that come back */
    uint64_t together; /* of bytes: not dominated by any single member */
} htrail__retained_set;

/* ids in any order; one that is no object is not counted. followed_max: objects that are followed one by one; 0: as is
 * quickest. Within a transaction of the connection. HTRAIL_E_NOMEM, HTRAIL_E_DATABASE: with a sentence. */
HTRAIL_MUST_CHECK htrail_status htrail__retained_set_find(htrail__retained_set *out, sqlite3 *db, const uint64_t *ids, size_t count,
                                                          uint64_t followed_max, char *message, size_t message_cap);

#endif
