/* analyze/reference_rows.c - see the header. */
#include "analyze/reference_rows.h"

bool htrail__reference_rows_open(htrail__reference_rows *rows, sqlite3 *db)
{
    *rows = (htrail__reference_rows){0};
    return htrail__btree_scan_open(&rows->scan, db, "heap_reference") ||
           sqlite3_prepare_v2(db, "SELECT src, dst, label FROM heap_reference ORDER BY src, dst, label", -1, &rows->statement, NULL) == SQLITE_OK;
}

htrail__btree_step htrail__reference_rows_next(htrail__reference_rows *rows, int64_t *values)
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

const char *htrail__reference_rows_error(const htrail__reference_rows *rows)
{
    return rows->statement == NULL ? "a page of its references is broken" : sqlite3_errmsg(sqlite3_db_handle(rows->statement));
}

void htrail__reference_rows_release(htrail__reference_rows *rows)
{
    sqlite3_finalize(rows->statement);
    htrail__btree_scan_release(&rows->scan);
}
