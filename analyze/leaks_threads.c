/* analyze/leaks_threads.c - threads that become more, and what belongs to them: frames, Thread objects, the
 * lists in which threading keeps them. */
#include "analyze/leaks_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/str.h"

/* Threads that stand in the same place, and what they alone hold, in each snapshot. */
typedef struct stack_group {
    char hash[32], *text;
    uint64_t threads[HTRAIL__LEAKS_SNAPSHOTS_MAX], bytes[HTRAIL__LEAKS_SNAPSHOTS_MAX];
} stack_group;

static bool run_count(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool fine = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (fine)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return fine;
}

/* In a heap that leaks threads there are few different stacks. */
static bool read_stacks(sqlite3 *db, unsigned snapshot, stack_group **groups, size_t *count)
{
    sqlite3_stmt *statement = NULL;
    int stepped = SQLITE_ERROR;
    if (sqlite3_prepare_v2(db, "SELECT hash, text, threads, retained_bytes FROM stack ORDER BY id", -1, &statement, NULL) != SQLITE_OK)
        return false;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *hash = (const char *)sqlite3_column_text(statement, 0), *text = (const char *)sqlite3_column_text(statement, 1);
        size_t i = 0;
        while (i < *count && strcmp((*groups)[i].hash, hash) != 0)
            i++;
        if (i == *count) {
            stack_group *larger = realloc(*groups, (*count + 1) * sizeof *larger);
            if (larger == NULL)
                break;
            *groups = larger;
            larger[*count] = (stack_group){.text = strdup(text)};
            snprintf(larger[*count].hash, sizeof larger->hash, "%s", hash);
            if (larger[(*count)++].text == NULL)
                break;
        }
        (*groups)[i].threads[snapshot] += (uint64_t)sqlite3_column_int64(statement, 2);
        (*groups)[i].bytes[snapshot] += (uint64_t)sqlite3_column_int64(statement, 3);
    }
    sqlite3_finalize(statement);
    return stepped == SQLITE_DONE;
}

static int64_t grown(const stack_group *group, unsigned last) { return (int64_t)group->threads[last] - (int64_t)group->threads[0]; }

/* A thread or two may have moved from one place to another. */
static bool is_growing(const stack_group *group, const stack_group *most, unsigned last)
{
    return grown(group, last) > 0 && 8 * grown(group, last) >= grown(most, last);
}

/* Those that stand where more and more stand. Where threads move on from place to place that is not steady, and all of them count. */
static bool count_growing(htrail__leak *leak, const stack_group *most, const stack_group *groups, size_t count, unsigned snapshots)
{
    uint64_t threads[HTRAIL__LEAKS_SNAPSHOTS_MAX] = {0}, bytes[HTRAIL__LEAKS_SNAPSHOTS_MAX] = {0}, steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < snapshots && is_growing(&groups[i], most, snapshots - 1); k++) {
            threads[k] += groups[i].threads[k];
            bytes[k] += groups[i].bytes[k];
        }
    if (htrail__leaks_steady(threads, snapshots, 1, HTRAIL__LEAKS_STEADY, steps) != NULL)
        return false;
    memcpy(leak->objects, threads, snapshots * sizeof *threads);
    memcpy(leak->bytes, bytes, snapshots * sizeof *bytes);
    memcpy(leak->steps, steps, (snapshots - 1) * sizeof *steps);
    return true;
}

/* The text of where most of the new ones stand, "... and at 2 other places". */
static char *name_places(const stack_group *most, const stack_group *groups, size_t count, unsigned last)
{
    size_t others = 0, size = strlen(most->text) + 64;
    for (size_t i = 0; i < count; i++)
        others += &groups[i] != most && is_growing(&groups[i], most, last);
    char *text = malloc(size);
    if (text != NULL && others > 0)
        snprintf(text, size, "%s and at %zu other place%s", most->text, others, others == 1 ? "" : "s");
    else if (text != NULL)
        snprintf(text, size, "%s", most->text);
    return text;
}

/* The innermost frame of the newest thread there; 0: it has none. */
static uint64_t newest_frame(sqlite3 *db, const char *hash)
{
    sqlite3_stmt *statement = NULL;
    uint64_t id = 0;
    if (sqlite3_prepare_v2(db, "SELECT f.object FROM stack s JOIN thread t ON t.stack = s.id JOIN frame f ON f.thread = t.id "
                               "WHERE s.hash = ? AND f.object > 0 ORDER BY t.start_ns DESC, t.id DESC, f.depth LIMIT 1", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
            id = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return id;
}

static bool is_of_threading(const htrail__paths *paths, uint32_t path)
{
    for (; path != HTRAIL__NO_SHAPE; path = paths->shapes.shapes[path].parent) {
        const htrail__shape *shape = &paths->shapes.shapes[path];
        if (shape->parent == HTRAIL__NO_SHAPE)
            return shape->root_kind == HTRAIL_ROOT_THREAD || shape->root_kind == HTRAIL_ROOT_EXCEPTION || shape->root_kind == HTRAIL_ROOT_CONTEXT;
        if (shape->ref_kind == HTRAIL_REF_VALUE && htrail__str_is(htrail__texts_get(&paths->texts, shape->label), "threading"))
            return true;
    }
    return false;
}

/* What grows with the threads because it is theirs: frames, and what threading and the runtime know of a thread; whatever
 * holds the Thread objects; and locks and the like that nobody but the runtime holds. */
static bool belongs(const htrail__leaks *leaks, const htrail__leak *leak, const htrail__leak *threads, const uint32_t *thread_paths, size_t thread_path_count)
{
    const htrail__paths *paths = &leaks->paths;
    const htrail__shape *shape = &paths->shapes.shapes[leak->grows];
    bool is_together = htrail__leaks_together(leak->steps, threads->steps, leaks->snapshot_count - 1);
    if (htrail__path_is_root(paths, shape->parent) &&
        (paths->shapes.shapes[shape->parent].root_kind == HTRAIL_ROOT_FRAME || is_together))
        return true;
    if (is_of_threading(paths, leak->grows))
        return true;
    for (size_t i = 0; i < thread_path_count; i++)
        for (uint32_t k = 0; k < leak->part_count; k++)
            if (thread_paths[i] == leak->parts[k] || (is_together && (htrail__shapes_is_below(&paths->shapes, thread_paths[i], leak->parts[k]) ||
                                                                     htrail__shapes_is_below(&paths->shapes, leak->parts[k], thread_paths[i]))))
                return true;
    return false;
}

static htrail_status read_thread_paths(const htrail__leaks *leaks, sqlite3 *last, uint32_t **out, size_t *count)
{
    const htrail__paths_snapshot *now = &leaks->paths.snapshots[leaks->snapshot_count - 1];
    sqlite3_stmt *statement = NULL;
    int stepped = SQLITE_ERROR;
    uint32_t room = 0;
    uint32_t used = 0;
    *out = NULL;
    if (sqlite3_prepare_v2(last, "SELECT object FROM thread WHERE object > 0 UNION SELECT object FROM frame WHERE object > 0", -1, &statement, NULL) != SQLITE_OK)
        return HTRAIL_E_DATABASE;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        bool known = id > (int64_t)now->object_count;
        for (uint32_t i = 0; i < used && !known; i++)
            known = (*out)[i] == now->path_of[id];
        if (known)
            continue;
        if (used == room) {
            uint32_t *larger = realloc(*out, (room = room ? room * 2 : 16) * sizeof *larger);
            if (larger == NULL)
                break;
            *out = larger;
        }
        (*out)[used++] = now->path_of[id];
    }
    sqlite3_finalize(statement);
    *count = used;
    return stepped == SQLITE_DONE ? HTRAIL_OK : stepped == SQLITE_ROW ? HTRAIL_E_NOMEM : HTRAIL_E_DATABASE;
}

/* How many of the threads of one snapshot are in the next. When a thread began is known to a few milliseconds. */
static bool count_staying(sqlite3 *before, sqlite3 *after, double *least)
{
    sqlite3_stmt *all = NULL, *one = NULL;
    int64_t count = 0, there = 0;
    bool fine = sqlite3_prepare_v2(before, "SELECT tid, start_ns FROM thread WHERE NOT is_heaptrail", -1, &all, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(after, "SELECT 1 FROM thread WHERE tid = ?1 AND coalesce(abs(start_ns - ?2), 0) < 1000000000", -1, &one, NULL) == SQLITE_OK;
    while (fine && sqlite3_step(all) == SQLITE_ROW) {
        sqlite3_reset(one);
        sqlite3_bind_int64(one, 1, sqlite3_column_int64(all, 0));
        sqlite3_bind_value(one, 2, sqlite3_column_value(all, 1));
        count++;
        there += sqlite3_step(one) == SQLITE_ROW;
    }
    sqlite3_finalize(all);
    sqlite3_finalize(one);
    double part = count > 0 ? (double)there / (double)count : 1;
    *least = part < *least ? part : *least;
    return fine;
}

htrail_status htrail__leaks_find_threads(htrail__leaks *leaks, sqlite3 *const *dbs, char *message, size_t message_cap)
{
    uint64_t threads[HTRAIL__LEAKS_SNAPSHOTS_MAX], steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned last = leaks->snapshot_count - 1;
    stack_group *groups = NULL, *most = NULL;
    size_t group_count = 0, path_count = 0;
    uint32_t *paths = NULL;
    htrail_status status = HTRAIL_OK;
    double staying = 1;

    for (unsigned i = 0; i <= last; i++) {
        int64_t count = 0;
        if (!run_count(dbs[i], "SELECT count(*) FROM thread WHERE NOT is_heaptrail", &count) || (i > 0 && !count_staying(dbs[i - 1], dbs[i], &staying))) {
            snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(dbs[i]));
            return HTRAIL_E_DATABASE;
        }
        threads[i] = (uint64_t)count;
    }
    if (htrail__leaks_steady(threads, leaks->snapshot_count, 1, HTRAIL__LEAKS_STEADY, steps) != NULL || threads[last] < threads[0] + 2 * (uint64_t)last ||
        staying < HTRAIL__LEAKS_STAYED)
        return HTRAIL_OK;
    for (unsigned i = 0; i <= last; i++)
        if (!read_stacks(dbs[i], i, &groups, &group_count)) {
            snprintf(message, message_cap, "cannot read the stacks of threads: %s", sqlite3_errmsg(dbs[i]));
            status = HTRAIL_E_DATABASE;
            goto done;
        }
    htrail__leak *leak = htrail__leaks_add(leaks, HTRAIL__LEAK_THREADS);
    if (leak == NULL || (status = read_thread_paths(leaks, dbs[last], &paths, &path_count)) != HTRAIL_OK)
        goto no_memory;
    memcpy(leak->steps, steps, last * sizeof *steps);
    memcpy(leak->objects, threads, (last + 1) * sizeof *threads);
    for (size_t i = 0; i < group_count; i++)
        if (most == NULL || grown(&groups[i], last) > grown(most, last))
            most = &groups[i];
    if (most != NULL) {
        leak->has_figures = count_growing(leak, most, groups, group_count, leaks->snapshot_count);
        leak->example = newest_frame(dbs[last], most->hash);
        if ((leak->what = name_places(most, groups, group_count, last)) == NULL)
            goto no_memory;
    }
    for (size_t i = 0; i + 1 < leaks->count; i++)
        if (leaks->leaks[i].part_count > 0 && belongs(leaks, &leaks->leaks[i], leak, paths, path_count) && !htrail__leaks_absorb(leaks, leak, &leaks->leaks[i]))
            goto no_memory;
    /* The frames of the threads are roots: none of them need have grown alone. */
    for (size_t i = 0; i < path_count && leak->part_count == 0; i++)
        if (!htrail__leaks_add_part(leak, paths[i]))
            goto no_memory;
    if (leak->part_count == 0)
        htrail__leak_release(leak), leaks->count--;
    goto done;
no_memory:
    snprintf(message, message_cap, "out of memory");
    status = HTRAIL_E_NOMEM;
done:
    for (size_t i = 0; i < group_count; i++)
        free(groups[i].text);
    free(groups);
    free(paths);
    return status;
}
