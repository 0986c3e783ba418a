/* analyze/btree_scan.h - every row of a table of integers, in the order of its key, straight from the pages of a database.
 *
 * A statement that reads eleven columns of each of 15 million objects spends 0.3 us on a row; this takes a fifth of
 * that. The other half of analyze/btree.h. What SQLite would have to be asked about (a write-ahead log, reserved bytes,
 * texts, rows that do not fit a page) is refused, and the caller asks SQLite.
 *
 * Order of calls: open within a transaction of the connection, which holds the lock that keeps writers away; next until it
 * is not HTRAIL__BTREE_ROW; release. */
#ifndef HTRAIL_ANALYZE_BTREE_SCAN_H
#define HTRAIL_ANALYZE_BTREE_SCAN_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/btree.h"

enum { HTRAIL__BTREE_DEPTH_MAX = 20 };

typedef enum htrail__btree_step { HTRAIL__BTREE_ROW, HTRAIL__BTREE_DONE, HTRAIL__BTREE_BROKEN } htrail__btree_step;

typedef struct htrail__btree_scan {
    const uint8_t *map;
    size_t map_bytes, page_bytes, pages_left; /* pages_left: none is read twice, whatever the pages say */
    struct {
        const uint8_t *page, *head; /* head: after the file's own, on the first page */
        uint32_t cells, next;
    } levels[HTRAIL__BTREE_DEPTH_MAX];
    int depth;     /* of the level that is read; -1: the end */
    bool is_index; /* what is WITHOUT ROWID is kept as one */
} htrail__btree_scan;

/* false: the table cannot be read so. Nothing is to be released then. */
bool htrail__btree_scan_open(htrail__btree_scan *scan, sqlite3 *db, const char *table);
/* values: by the column's place in the table (of one WITHOUT ROWID the key first), count of them; what a row lacks is
 * HTRAIL__BTREE_NULL, and so is the column of the id; rowid: 0 where there is none. */
htrail__btree_step htrail__btree_scan_next(htrail__btree_scan *scan, int64_t *rowid, int64_t *values, size_t count);
void htrail__btree_scan_release(htrail__btree_scan *scan);

#endif
