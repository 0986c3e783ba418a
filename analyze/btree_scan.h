/* analyze/btree_scan.h - rows of a table or index of integers, in the order of its key, straight from the pages of a
 * database: all, or from a key on.
 *
 * A statement that reads eleven columns of each of 15 million objects spends 0.3 us on a row; this takes a fifth of
 * that. One that asks for a single row spends 1 us; this a tenth, if the row asked for before is near. The other half
 * of analyze/btree.h. What SQLite would have to be asked about (a write-ahead log, reserved bytes, texts, rows that do
 * not fit a page, changes not yet committed) is refused, and the caller asks SQLite.
 *
 * Order of calls: open within a transaction of the connection, which holds the lock that keeps writers away; seek, where
 * not all rows are wanted, and as often as one likes; next until it is not HTRAIL__BTREE_ROW; release. After
 * HTRAIL__BTREE_BROKEN only release. */
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
    size_t map_bytes, page_bytes, page_count, pages_left; /* pages_left: as many as there are, whatever the pages say */
    uint32_t root;
    struct {
        const uint8_t *page, *head; /* head: after the file's own, on the first page */
        uint32_t cells, next;
    } levels[HTRAIL__BTREE_DEPTH_MAX];
    int depth;     /* of the level that is read; -1: the end */
    bool is_index; /* what is WITHOUT ROWID is kept as one */
} htrail__btree_scan;

/* name: of the table or index. false: it cannot be read so. Nothing is to be released then. */
bool htrail__btree_scan_open(htrail__btree_scan *scan, sqlite3 *db, const char *name);
/* The next row is the first whose id, or first column of an index, is key or more. false: broken. */
bool htrail__btree_scan_seek(htrail__btree_scan *scan, int64_t key);
/* values: by the column's place in the table (of one WITHOUT ROWID the key first), count of them; what a row lacks is
 * HTRAIL__BTREE_NULL, and so is the column of the id; rowid: 0 where there is none. */
htrail__btree_step htrail__btree_scan_next(htrail__btree_scan *scan, int64_t *rowid, int64_t *values, size_t count);
void htrail__btree_scan_release(htrail__btree_scan *scan);

#endif
