/* analyze/leaks_sites.c - which lines asked for the memory of what leaks, where the last snapshot knows (docs/sites.md). */
#include "analyze/leaks_build.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_MIN 0.1 /* of the objects whose line is known */

/* A block in which an object of a leak lies. */
typedef struct block {
    uint64_t site;
    uint32_t leak;
    double objects, bytes;
} block;

typedef struct blocks {
    block *all;
    size_t count, room;
} blocks;

static int by_leak_and_site(const void *left, const void *right)
{
    const block *a = left, *b = right;
    if (a->leak != b->leak)
        return a->leak < b->leak ? -1 : 1;
    return a->site < b->site ? -1 : a->site > b->site;
}

static int by_leak_and_bytes(const void *left, const void *right)
{
    const block *a = left, *b = right;
    if (a->leak != b->leak)
        return a->leak < b->leak ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->site < b->site ? -1 : a->site > b->site;
}

/* By path, the leak that it is a part of, + 1. */
static uint32_t *leaks_of_paths(const htrail__leaks *leaks)
{
    uint32_t *of = calloc((size_t)leaks->paths.shapes.count + 1, sizeof *of);
    for (size_t i = leaks->count; of != NULL && i-- > 0;) /* what belongs to two is the larger one's */
        for (uint32_t k = 0; k < leaks->leaks[i].part_count; k++)
            of[leaks->leaks[i].parts[k]] = (uint32_t)i + 1;
    return of;
}

static htrail_status add(blocks *b, const block *one)
{
    if (b->count == b->room) {
        size_t room = b->room == 0 ? 1024 : 2 * b->room;
        block *larger = realloc(b->all, room * sizeof *larger);
        if (larger == NULL)
            return HTRAIL_E_NOMEM;
        b->all = larger;
        b->room = room;
    }
    b->all[b->count++] = *one;
    return HTRAIL_OK;
}

static htrail_status read_blocks(blocks *b, const htrail__leaks *leaks, sqlite3 *last)
{
    const htrail__paths_snapshot *now = &leaks->paths.snapshots[leaks->snapshot_count - 1];
    sqlite3_stmt *statement = NULL;
    uint32_t *leak_of = leaks_of_paths(leaks);
    htrail_status status = leak_of == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    if (status == HTRAIL_OK && sqlite3_prepare_v2(last, "SELECT object, site, weight, bytes * weight FROM object_site", -1, &statement, NULL) != SQLITE_OK)
        status = HTRAIL_E_DATABASE;
    while (status == HTRAIL_OK && sqlite3_step(statement) == SQLITE_ROW) {
        sqlite3_int64 object = sqlite3_column_int64(statement, 0);
        uint32_t path = object < 1 || (uint64_t)object > now->object_count ? HTRAIL__NO_SHAPE : now->path_of[object];
        if (path < leaks->paths.shapes.count && leak_of[path] != 0)
            status = add(b, &(block){(uint64_t)sqlite3_column_int64(statement, 1), leak_of[path] - 1, sqlite3_column_double(statement, 2), sqlite3_column_double(statement, 3)});
    }
    sqlite3_finalize(statement);
    free(leak_of);
    return status;
}

/* One of each leak and site, with their sums. */
static void sum_sites(blocks *b)
{
    size_t kept = 0;
    if (b->count == 0)
        return;
    qsort(b->all, b->count, sizeof *b->all, by_leak_and_site);
    for (size_t i = 1; i < b->count; i++)
        if (by_leak_and_site(&b->all[kept], &b->all[i]) == 0) {
            b->all[kept].objects += b->all[i].objects;
            b->all[kept].bytes += b->all[i].bytes;
        } else {
            b->all[++kept] = b->all[i];
        }
    b->count = kept + 1;
    qsort(b->all, b->count, sizeof *b->all, by_leak_and_bytes);
}

static htrail_status name_site(htrail__leak_site *site, sqlite3 *last, uint64_t id)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    if (sqlite3_prepare_v2(last, "SELECT file, line, function FROM site WHERE id = ?", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        if (sqlite3_step(statement) == SQLITE_ROW) {
            const char *file = (const char *)sqlite3_column_text(statement, 0), *function = (const char *)sqlite3_column_text(statement, 2);
            site->file = strdup(file != NULL ? file : "");
            site->line = sqlite3_column_int64(statement, 1);
            site->function = strdup(function != NULL ? function : "");
            status = site->file == NULL || site->function == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
        }
    }
    sqlite3_finalize(statement);
    return status;
}

htrail_status htrail__leaks_find_sites(htrail__leaks *leaks, sqlite3 *last)
{
    blocks b = {0};
    htrail_status status = read_blocks(&b, leaks, last);
    if (status == HTRAIL_OK)
        sum_sites(&b);
    for (size_t i = 0, end; i < b.count && status == HTRAIL_OK; i = end) {
        htrail__leak *leak = &leaks->leaks[b.all[i].leak];
        double known = 0;
        for (end = i; end < b.count && b.all[end].leak == b.all[i].leak; end++)
            known += b.all[end].objects;
        for (size_t k = i; k < end && leak->site_count < HTRAIL__LEAK_SITES_MAX && status == HTRAIL_OK; k++) {
            if (b.all[k].objects < SHARE_MIN * known)
                continue;
            htrail__leak_site *site = &leak->sites[leak->site_count++];
            *site = (htrail__leak_site){.objects = (uint64_t)(b.all[k].objects + 0.5), .bytes = (uint64_t)(b.all[k].bytes + 0.5), .share = b.all[k].objects / known};
            status = name_site(site, last, b.all[k].site);
        }
    }
    free(b.all);
    return status;
}
