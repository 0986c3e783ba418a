/* analyze/reference_rows.h - rows of heap_reference in its order (src, dst, label), all or those of an object, from the pages of the
 * database or, where those are not as we write them, from SQLite: analyze/object_rows.h for references. Or by the other end, in the
 * order of dst, src, label.
 *
 * Order of calls: open within a transaction of the connection; next until it is not HTRAIL__BTREE_ROW, or as often as one likes
 * find, and next_found until it is not HTRAIL__BTREE_ROW; release. */
#ifndef HTRAIL_ANALYZE_REFERENCE_ROWS_H
#define HTRAIL_ANALYZE_REFERENCE_ROWS_H

#include "analyze/btree_scan.h"

/* The columns by their place in the table; label is a code of analyze/schema.h. */
typedef enum htrail__reference_column { HTRAIL__REFERENCE_SRC, HTRAIL__REFERENCE_DST, HTRAIL__REFERENCE_LABEL, HTRAIL__REFERENCE_COLUMNS } htrail__reference_column;

typedef struct htrail__reference_rows {
    htrail__btree_scan scan;
    sqlite3_stmt *statement; /* NULL: pages */
    bool is_by_dst;
    int64_t wanted, before[HTRAIL__REFERENCE_COLUMNS]; /* of find */
} htrail__reference_rows;

/* false: sqlite3_errmsg says why, and nothing is to be released. */
bool htrail__reference_rows_open(htrail__reference_rows *rows, sqlite3 *db);
bool htrail__reference_rows_open_referrers(htrail__reference_rows *rows, sqlite3 *db);
/* values: HTRAIL__REFERENCE_COLUMNS of them, which may be any numbers. */
htrail__btree_step htrail__reference_rows_next(htrail__reference_rows *rows, int64_t *values);
/* Those of one object: that it has, or that lead to it. false: as HTRAIL__BTREE_BROKEN. */
bool htrail__reference_rows_find(htrail__reference_rows *rows, int64_t id);
htrail__btree_step htrail__reference_rows_next_found(htrail__reference_rows *rows, int64_t *values);
/* After HTRAIL__BTREE_BROKEN: a sentence. */
const char *htrail__reference_rows_error(const htrail__reference_rows *rows);
void htrail__reference_rows_release(htrail__reference_rows *rows);

#endif
