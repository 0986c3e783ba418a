/* analyze/leaks_heap.c - what the whole heap grew by. */
#include "analyze/leaks_build.h"

#include <stdlib.h>

/* A number among the facts of a snapshot; -1: there is none. */
static int64_t fact(sqlite3 *db, const char *key)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, "SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = ?", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    }
    sqlite3_finalize(statement);
    return value;
}

/* There was no collection since the snapshot before, and at the end one is overdue: nobody collects. */
static bool is_uncollected(sqlite3 *before, sqlite3 *now, bool is_last)
{
    int64_t waiting = fact(now, "gc_count_0"), threshold = fact(now, "gc_threshold_0");
    int64_t collections = fact(now, "gc_collections_0");
    return waiting > fact(before, "gc_count_0") && collections == fact(before, "gc_collections_0") &&
           (is_last || collections < 0 ? 4 * waiting > 5 * threshold : true);
}

bool htrail__leaks_is_uncollected(sqlite3 *const *dbs, unsigned count)
{
    bool result = true;
    for (unsigned i = 1; i < count; i++)
        result &= is_uncollected(dbs[i - 1], dbs[i], i + 1 == count);
    return result;
}

/* What the heap grew by, set off against what went in every interval. What only comes and goes says nothing: a
 * buffer that happens to be empty at the end hides no leak. */
static int64_t growth_of_heap(const htrail__leaks *leaks)
{
    unsigned last = leaks->snapshot_count - 1;
    int64_t all = 0;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++) {
        int64_t more = (int64_t)htrail__leaks_count(leaks, last, path)->bytes - (int64_t)htrail__leaks_count(leaks, 0, path)->bytes;
        bool always_less = true;
        for (unsigned i = 1; i <= last; i++)
            always_less &= htrail__leaks_count(leaks, i, path)->bytes < htrail__leaks_count(leaks, i - 1, path)->bytes;
        all += more > 0 || always_less ? more : 0;
    }
    return all;
}

/* Bytes of all that stays: garbage too, where nobody collects it. */
static int64_t heap_bytes(const htrail__leaks *leaks, unsigned snapshot)
{
    int64_t bytes = (int64_t)leaks->paths.snapshots[snapshot].bytes;
    for (uint32_t path = 0; leaks->is_uncollected && path < leaks->paths.shapes.count; path++)
        if (leaks->paths.shapes.shapes[path].root_kind == HTRAIL__ROOT_GARBAGE && htrail__path_is_root(&leaks->paths, path))
            bytes += (int64_t)htrail__leaks_count(leaks, snapshot, path)->below;
    return bytes;
}

/* The most that the heap grew by between two snapshots. */
static int64_t rise_of_heap(const htrail__leaks *leaks)
{
    int64_t least = heap_bytes(leaks, 0), rise = 0;
    for (unsigned i = 1; i < leaks->snapshot_count; i++) {
        int64_t bytes = heap_bytes(leaks, i);
        rise = bytes - least > rise ? bytes - least : rise;
        least = bytes < least ? bytes : least;
    }
    return rise;
}

htrail_status htrail__leaks_sum_heap(htrail__leaks *leaks)
{
    leaks->type_objects = calloc((size_t)leaks->paths.texts.count + 1, sizeof *leaks->type_objects);
    leaks->type_lengths = calloc((size_t)leaks->paths.texts.count + 1, sizeof *leaks->type_lengths);
    if (leaks->type_objects == NULL || leaks->type_lengths == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++)
        for (unsigned i = 0; i < leaks->snapshot_count; i++)
            leaks->type_objects[leaks->paths.shapes.shapes[path].type][i] += htrail__leaks_count(leaks, i, path)->objects;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++)
        for (unsigned i = 0; i < leaks->snapshot_count; i++)
            leaks->type_lengths[leaks->paths.shapes.shapes[path].type][i] += htrail__leaks_count(leaks, i, path)->length;
    leaks->heap_change = heap_bytes(leaks, leaks->snapshot_count - 1) - heap_bytes(leaks, 0);
    leaks->heap_rise = rise_of_heap(leaks);
    leaks->heap_growth = growth_of_heap(leaks);
    return HTRAIL_OK;
}
