/* analyze/object_rows.h - rows of heap_object, all in the order of ids or one by its id, from the pages of the database or,
 * where those are not as we write them (a write-ahead log, a database in memory), from SQLite.
 *
 * Order of calls: open within a transaction of the connection; next until it is not HTRAIL__BTREE_ROW, or find as often as one
 * likes; release. */
#ifndef HTRAIL_ANALYZE_OBJECT_ROWS_H
#define HTRAIL_ANALYZE_OBJECT_ROWS_H

#include "analyze/btree_scan.h"

/* The columns by their place in the table; what a NULL stands for: analyze/schema.c. */
typedef enum htrail__object_column {
    HTRAIL__OBJECT_ID,
    HTRAIL__OBJECT_ADDRESS,
    HTRAIL__OBJECT_TYPE,
    HTRAIL__OBJECT_SIZE,
    HTRAIL__OBJECT_DEPTH,
    HTRAIL__OBJECT_HOLDER,
    HTRAIL__OBJECT_LABEL,
    HTRAIL__OBJECT_FINGERPRINT,
    HTRAIL__OBJECT_OWNER,
    HTRAIL__OBJECT_LENGTH,
    HTRAIL__OBJECT_AGE,
    HTRAIL__OBJECT_RETAINED,
    HTRAIL__OBJECT_TREE_PLACE,
    HTRAIL__OBJECT_REFERRERS,
    HTRAIL__OBJECT_TREE_BELOW,
    HTRAIL__OBJECT_SHARED,
    HTRAIL__OBJECT_FLAGS,
    HTRAIL__OBJECT_MODULE,
    HTRAIL__OBJECT_DOMINATOR,
    HTRAIL__OBJECT_REFCOUNT,
    HTRAIL__OBJECT_ROOT,
    HTRAIL__OBJECT_NAME,
    HTRAIL__OBJECT_COLUMNS
} htrail__object_column;

typedef struct htrail__object_rows {
    htrail__btree_scan scan;
    sqlite3_stmt *statement; /* NULL: pages */
} htrail__object_rows;

/* false: sqlite3_errmsg says why, and nothing is to be released. */
bool htrail__object_rows_open(htrail__object_rows *rows, sqlite3 *db);
/* The first `count` columns; NULL, and the id among them, is HTRAIL__BTREE_NULL. */
htrail__btree_step htrail__object_rows_next(htrail__object_rows *rows, int64_t *id, int64_t *values, size_t count);
/* The next row is the first with this id or a later one. false: as HTRAIL__BTREE_BROKEN. */
bool htrail__object_rows_seek(htrail__object_rows *rows, int64_t id);
/* The row with this id. HTRAIL__BTREE_DONE: there is none. */
htrail__btree_step htrail__object_rows_find(htrail__object_rows *rows, int64_t id, int64_t *values, size_t count);
/* The last place in the tree of what a row's object dominates; -1: nothing. No sum of damaged numbers turns over. */
int64_t htrail__object_rows_tree_last(const int64_t *values);
/* After HTRAIL__BTREE_BROKEN: a sentence. */
const char *htrail__object_rows_error(const htrail__object_rows *rows);
void htrail__object_rows_release(htrail__object_rows *rows);

#endif
