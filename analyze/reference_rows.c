/* analyze/reference_rows.c - see the header. */
#include "analyze/reference_rows.h"

#include <string.h>

static bool open_rows(htrail__reference_rows *rows, sqlite3 *db, const char *name, const char *sql)
{
    *rows = (htrail__reference_rows){0};
    if (htrail__btree_scan_open(&rows->scan, db, name))
        return true;
    if (sqlite3_prepare_v2(db, sql, -1, &rows->statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(rows->statement, 1, INT64_MIN);
    return true;
}

bool htrail__reference_rows_open(htrail__reference_rows *rows, sqlite3 *db)
{
    return open_rows(rows, db, "heap_reference", "SELECT src, dst, label FROM heap_reference WHERE src >= ?1 ORDER BY src, dst, label");
}

bool htrail__reference_rows_open_referrers(htrail__reference_rows *rows, sqlite3 *db)
{
    bool opened = open_rows(rows, db, "heap_referrer", "SELECT dst, src, label FROM heap_reference WHERE dst >= ?1 ORDER BY dst, src, label");
    rows->is_by_dst = true;
    return opened;
}

bool htrail__reference_rows_find(htrail__reference_rows *rows, int64_t id)
{
    rows->before[0] = rows->wanted = id;
    rows->before[1] = rows->before[2] = INT64_MIN;
    if (rows->statement == NULL)
        return htrail__btree_scan_seek(&rows->scan, id);
    sqlite3_reset(rows->statement);
    return sqlite3_bind_int64(rows->statement, 1, id) == SQLITE_OK;
}

static htrail__btree_step next_as_stored(htrail__reference_rows *rows, int64_t *values)
{
    int64_t rowid;
    if (rows->statement == NULL)
        return htrail__btree_scan_next(&rows->scan, &rowid, values, HTRAIL__REFERENCE_COLUMNS);
    int stepped = sqlite3_step(rows->statement);
    if (stepped != SQLITE_ROW)
        return stepped == SQLITE_DONE ? HTRAIL__BTREE_DONE : HTRAIL__BTREE_BROKEN;
    for (int i = 0; i < HTRAIL__REFERENCE_COLUMNS; i++)
        values[i] = sqlite3_column_int64(rows->statement, i);
    return HTRAIL__BTREE_ROW;
}

htrail__btree_step htrail__reference_rows_next(htrail__reference_rows *rows, int64_t *values)
{
    htrail__btree_step step = next_as_stored(rows, values);
    if (step == HTRAIL__BTREE_ROW && rows->is_by_dst) {
        int64_t dst = values[0];
        values[0] = values[1];
        values[1] = dst;
    }
    return step;
}

htrail__btree_step htrail__reference_rows_next_found(htrail__reference_rows *rows, int64_t *values)
{
    int64_t row[HTRAIL__REFERENCE_COLUMNS];
    htrail__btree_step step = next_as_stored(rows, row);
    if (step != HTRAIL__BTREE_ROW || row[0] != rows->wanted)
        return step == HTRAIL__BTREE_ROW ? HTRAIL__BTREE_DONE : step;
    /* Pages that lead back to others would give the same rows again, for each object that is asked for. */
    if (row[1] < rows->before[1] || (row[1] == rows->before[1] && row[2] <= rows->before[2]))
        return HTRAIL__BTREE_BROKEN;
    memcpy(rows->before, row, sizeof row);
    values[HTRAIL__REFERENCE_SRC] = row[rows->is_by_dst];
    values[HTRAIL__REFERENCE_DST] = row[!rows->is_by_dst];
    values[HTRAIL__REFERENCE_LABEL] = row[2];
    return HTRAIL__BTREE_ROW;
}

const char *htrail__reference_rows_error(const htrail__reference_rows *rows)
{
    return rows->statement == NULL ? "a page of its references is broken" : sqlite3_errmsg(sqlite3_db_handle(rows->statement));
}

void htrail__reference_rows_release(htrail__reference_rows *rows)
{
    sqlite3_finalize(rows->statement);
    htrail__btree_scan_release(&rows->scan);
}
