/* analyze/object_rows.c - see the header. */
#include "analyze/object_rows.h"

/* As the enum has them. */
static const char rows_sql[] = "SELECT NULL, address, type, size, depth, holder, label, fingerprint, owner, length, age, retained, tree_place, referrers, tree_below,\n"
                               "  shared, flags, module, dominator, refcount, root, name, id FROM heap_object WHERE id >= ?1 ORDER BY id";

bool htrail__object_rows_open(htrail__object_rows *rows, sqlite3 *db)
{
    *rows = (htrail__object_rows){0};
    if (htrail__btree_scan_open(&rows->scan, db, "heap_object"))
        return true;
    if (sqlite3_prepare_v2(db, rows_sql, -1, &rows->statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(rows->statement, 1, INT64_MIN);
    return true;
}

bool htrail__object_rows_seek(htrail__object_rows *rows, int64_t id)
{
    if (rows->statement == NULL)
        return htrail__btree_scan_seek(&rows->scan, id);
    sqlite3_reset(rows->statement);
    return sqlite3_bind_int64(rows->statement, 1, id) == SQLITE_OK;
}

htrail__btree_step htrail__object_rows_find(htrail__object_rows *rows, int64_t id, int64_t *values, size_t count)
{
    int64_t found = id;
    if (!htrail__object_rows_seek(rows, id))
        return HTRAIL__BTREE_BROKEN;
    htrail__btree_step step = htrail__object_rows_next(rows, &found, values, count);
    return step == HTRAIL__BTREE_ROW && found != id ? HTRAIL__BTREE_DONE : step;
}

htrail__btree_step htrail__object_rows_next(htrail__object_rows *rows, int64_t *id, int64_t *values, size_t count)
{
    if (rows->statement == NULL)
        return htrail__btree_scan_next(&rows->scan, id, values, count);
    int stepped = sqlite3_step(rows->statement);
    if (stepped != SQLITE_ROW)
        return stepped == SQLITE_DONE ? HTRAIL__BTREE_DONE : HTRAIL__BTREE_BROKEN;
    for (size_t i = 0; i < count; i++)
        values[i] = sqlite3_column_type(rows->statement, (int)i) == SQLITE_NULL ? HTRAIL__BTREE_NULL : sqlite3_column_int64(rows->statement, (int)i);
    *id = sqlite3_column_int64(rows->statement, HTRAIL__OBJECT_COLUMNS);
    return HTRAIL__BTREE_ROW;
}

int64_t htrail__object_rows_tree_last(const int64_t *values)
{
    int64_t place = values[HTRAIL__OBJECT_TREE_PLACE], below = values[HTRAIL__OBJECT_TREE_BELOW], last;
    if (place == HTRAIL__BTREE_NULL)
        return -1;
    return __builtin_add_overflow(place, below == HTRAIL__BTREE_NULL ? 0 : below, &last) ? place : last;
}

const char *htrail__object_rows_error(const htrail__object_rows *rows)
{
    return rows->statement == NULL ? "a page of its objects is broken" : sqlite3_errmsg(sqlite3_db_handle(rows->statement));
}

void htrail__object_rows_release(htrail__object_rows *rows)
{
    sqlite3_finalize(rows->statement);
    htrail__btree_scan_release(&rows->scan);
}
