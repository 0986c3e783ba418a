/* analyze/identity.h - which objects of a later snapshot are those of an earlier one, as SQL over
 * two attached databases, before and after. docs/identity.md says why this can be told and how
 * surely, and what was measured.
 *
 * htrail__identity_sql begins a query: WITH ... fate(verdict, id, id_before, type, size,
 * size_before). One row an object, by what became of it:
 *
 *     certain  it is in both (id, id_before)
 *     likely   nothing speaks against it
 *     unsure   the same kind of object at the same address, and that is all that is known
 *     new      it is in after alone: another stood at its address, or none
 *     gone     it is in before alone (id is NULL)
 *
 * Every object of after has one row that is not gone, every object of before one row that is
 * not new. */
#ifndef HTRAIL_ANALYZE_IDENTITY_H
#define HTRAIL_ANALYZE_IDENTITY_H

#include <sqlite3.h>
#include <stddef.h>
#include <htrail/status.h>

extern const char htrail__identity_sql[];

/* Whether objects of the two can be compared at all: they are snapshots of one process, and whole. HTRAIL_E_MISUSE and
 * a sentence where they are not; HTRAIL_E_DATABASE. */
HTRAIL_MUST_CHECK htrail_status htrail__identity_check(sqlite3 *db, const char *before, const char *after, char *message, size_t message_cap);

#endif
