/* analyze/btree.h - fill a table or index of an SQLite file from sorted rows of integers,
 * page by page from the leaves up.
 *
 * Why not INSERT: a load writes six rows an object. Through SQL that is 3 us an object, with
 * the sorting of the index on references (docs/schema.md has what was measured); as pages,
 * in order, it is a tenth. The file format is documented and stable
 * (sqlite.org/fileformat2.html); `PRAGMA integrity_check` is part of the tests. What SQL
 * is quick enough for (types, labels, names, metadata) goes through SQL.
 *
 *     file      page 1: schema, written by SQLite, with an empty root page for each table
 *               ... pages of the small tables ...
 *               leaves, then the levels above them; the top one goes to the root page
 *
 * Only integers and NULL; so no cell is ever larger than a fixed bound and none overflows.
 *
 * Order of calls: file_open; for each table: begin, add in key order, end; file_close. The
 * database must be closed in SQLite meanwhile. Errors: HTRAIL_E_IO with errno; the caller
 * removes the file. */
#ifndef HTRAIL_ANALYZE_BTREE_H
#define HTRAIL_ANALYZE_BTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

enum { HTRAIL__BTREE_COLUMNS_MAX = 24, HTRAIL__BTREE_CELL_MAX = 20 + HTRAIL__BTREE_COLUMNS_MAX * 9 };
#define HTRAIL__BTREE_NULL INT64_MIN

typedef struct htrail__btree_file {
    int fd;
    uint32_t page_bytes, page_count; /* pages so far: the next is page_count + 1 */
    uint8_t *buffer;                 /* pages not yet written */
    size_t buffer_used;
    uint64_t buffer_offset;
} htrail__btree_file;

typedef struct htrail__btree_level {
    uint32_t *pages;     /* children */
    uint8_t *separators; /* what stands between a child and the next: end to end */
    uint32_t *starts;    /* of each separator */
    uint32_t count, room;
    size_t separator_bytes, separator_room;
} htrail__btree_level;

typedef struct htrail__btree {
    htrail__btree_file *file;
    bool is_index;
    uint32_t root_page;
    uint64_t rows_left; /* an index must not end on a separator */
    uint8_t *page;      /* the leaf being filled */
    uint32_t cell_count, content_start, last_cell_bytes;
    int64_t last_rowid;
    htrail__btree_level children;
} htrail__btree;

/* path: a database that SQLite closed, in rollback-journal mode, without reserved bytes. */
htrail_status htrail__btree_file_open(htrail__btree_file *file, const char *path);
/* Make the header agree with the pages. Also releases. */
htrail_status htrail__btree_file_close(htrail__btree_file *file);
/* Release without finishing. */
void htrail__btree_file_release(htrail__btree_file *file);

/* root_page: as sqlite_schema says; an empty page of that kind. row_count: as many as will
 * be added. An index, and a WITHOUT ROWID table, is_index. */
htrail_status htrail__btree_begin(htrail__btree *tree, htrail__btree_file *file, bool is_index, uint32_t root_page,
                                  uint64_t row_count);
/* values: HTRAIL__BTREE_NULL is NULL. rowid: ignored for an index; its order is the
 * caller's promise, of the rowid or of the whole row. */
htrail_status htrail__btree_add(htrail__btree *tree, int64_t rowid, const int64_t *values, size_t count);
htrail_status htrail__btree_end(htrail__btree *tree);
/* After a failure. */
void htrail__btree_release(htrail__btree *tree);

#endif
