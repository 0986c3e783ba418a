/* extension/grouped.h - objects in the order of their types' names, for GROUP BY type and ORDER BY type: SQLite would
 * sort ten million rows for it, and here only the types are sorted. The columns
 * that are asked for are kept, and nothing else, in a file of no name that is mapped (below $SQLITE_TMPDIR, $TMPDIR or
 * /var/tmp): where they exceed memory they go to disk. */
#ifndef HTRAIL_EXTENSION_GROUPED_H
#define HTRAIL_EXTENSION_GROUPED_H

#include "extension/kind.h"

typedef struct htrail__grouped htrail__grouped;

/* Reads all rows of an open scan of objects. columns: bits (kind.h, HTRAIL__OBJECT_*) of those that will be asked for.
 * What fails is said in the scan. scan is borrowed until free. */
HTRAIL_MUST_CHECK htrail_status htrail__grouped_read(htrail__grouped **out, htrail__scan *scan, uint32_t columns, bool is_descending);
/* HTRAIL_OK or HTRAIL_END; called before the first row too. */
htrail_status htrail__grouped_next(htrail__grouped *grouped);
void htrail__grouped_column(const htrail__grouped *grouped, sqlite3_context *context, int column);
uint64_t htrail__grouped_row(const htrail__grouped *grouped);
void htrail__grouped_free(htrail__grouped *grouped);

#endif
