/* analyze/fresh.h - which objects of a later snapshot are new: those that the query of analyze/identity.h calls `new`.
 *
 * That query says of every object what became of it, in a plain sqlite3 shell, and takes 7 us for each. Here the same rules are
 * asked of a few objects: what they need of all others (who stood at an address, who passed whom in the collector's lists)
 * is read in one pass, and who holds an object is followed when it is asked for. A test compares the two.
 *
 * Order of calls: open, then is for any object; free. Memory: 5 bytes an id; while it is opened 60 an object of
 * the earlier one and 24 of each that both have. 0.3 s of the processor for 1.7 million of each. */
#ifndef HTRAIL_ANALYZE_FRESH_H
#define HTRAIL_ANALYZE_FRESH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__fresh htrail__fresh;

/* db has both attached, as before and after, and htrail__identity_check found them comparable. They are read over
 * connections of their own. HTRAIL_E_DATABASE: that cannot be done; HTRAIL_E_NOMEM; HTRAIL_E_LIMIT: too many objects. */
HTRAIL_MUST_CHECK htrail_status htrail__fresh_open(htrail__fresh **out, sqlite3 *db);
bool htrail__fresh_is(const htrail__fresh *fresh, uint64_t id);
void htrail__fresh_free(htrail__fresh *fresh);

#endif
