/* analyze/waste.h - memory that a program could do without.
 *
 *     duplicate       str, bytes and tuples that are equal to one that is nearer to a root
 *     empty           dicts, lists, sets, deques and bytearrays without an item
 *     nearly-empty    those that take at least four times what their items need
 *     over-allocated  those that take more than their items need
 *     slots           instances that would be smaller if their class had __slots__
 *
 * An object is of one kind at most. docs/waste.md says what each counts, and what is not known. What is
 * found is said by one query over the database of a snapshot, for the plain sqlite3 shell; it takes 4 us an object and more.
 * waste_find reads the same from the database's pages in a tenth of the time, and gives the same rows: a test compares them. */
#ifndef HTRAIL_ANALYZE_WASTE_H
#define HTRAIL_ANALYZE_WASTE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <htrail/status.h>

#include "analyze/text.h"

/* Of NAME, "duplicate"; false: it is none. */
bool htrail__waste_is_kind(const char *name);
/* What rows are summed by: "field", "type", "owner" or "kind". */
bool htrail__waste_is_key(const char *name);

/* Add the query to out. kind: NULL is all; by as above. Columns: [kind, type, held_by | kind, type | owner | kind,]
 * objects, bytes, back, example (the id of one); the rows with most bytes back first. Fails where db cannot be read. */
HTRAIL_MUST_CHECK htrail_status htrail__waste_query(htrail__text *out, sqlite3 *db, const char *kind, const char *by);

/* The rows of that query, found without it, as a statement over the temporary table `wasted`, which is made anew; the caller
 * finalizes it. message: a sentence where it fails. Memory: 36 bytes an object and what is found. */
HTRAIL_MUST_CHECK htrail_status htrail__waste_find(sqlite3_stmt **out, sqlite3 *db, const char *kind, const char *by, char *message, size_t message_cap);

/* Has the snapshot hashes? Without them equal texts are not known. */
bool htrail__waste_has_hashes(sqlite3 *db);

#endif
