/* analyze/leaks_objects.c - see the header. */
#include "analyze/leaks_objects.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/leaks_build.h"
#include "analyze/str.h"

/* Of what is directly below a path that which carries most of its growth, where that is half of it at least. */
static uint32_t heaviest_below(const htrail__leaks *leaks, uint32_t path, int64_t least)
{
    const htrail__shapes *shapes = &leaks->paths.shapes;
    uint32_t best = HTRAIL__NO_SHAPE;
    for (uint32_t i = path + 1; i < shapes->count; i++) /* a path has a larger number than what holds it */
        if (shapes->shapes[i].parent == path && 2 * htrail__leaks_grown(leaks, i) >= least && (best == HTRAIL__NO_SHAPE || htrail__leaks_grown(leaks, i) > htrail__leaks_grown(leaks, best)))
            best = i;
    return best;
}

static uint32_t what_is_carried(const htrail__leaks *leaks, const htrail__leak *leak, htrail_str carries)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    bool is_of_code = leak->kind == HTRAIL__LEAK_THREADS || leak->kind == HTRAIL__LEAK_MODULES;
    int64_t least = htrail__leaks_grown(leaks, leak->grows);
    uint32_t path = leak->grows, below;
    if (!is_of_code && carries.len == 0)
        return path;
    while ((below = heaviest_below(leaks, path, least)) != HTRAIL__NO_SHAPE) {
        path = below;
        htrail_str type = htrail__texts_get(&leaks->paths.texts, shapes[path].type);
        if (!is_of_code && type.len == carries.len && memcmp(type.data, carries.data, type.len) == 0)
            return path;
    }
    return is_of_code ? path : leak->grows;
}

/* Which paths: of a linked list from all its ends, as its figures are. */
static bool is_asked(const htrail__leaks *leaks, const htrail__leak *leak, uint32_t carried, uint32_t path)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    if (path == carried)
        return true;
    if (carried != leak->grows || !shapes[carried].folded || shapes[path].type != shapes[carried].type)
        return false;
    if (path == shapes[carried].parent)
        return true; /* the first link, which is held otherwise */
    if (!shapes[path].folded)
        return false;
    for (uint32_t i = 0; i < leak->part_count; i++)
        if (leak->parts[i] == path)
            return true;
    return false;
}

htrail_status htrail__leak_objects_find(htrail__leak_objects *out, const htrail__leaks *leaks, const htrail__leak *leak, const char *carries, size_t count_max)
{
    const htrail__paths_snapshot *now = &leaks->paths.snapshots[leaks->snapshot_count - 1];
    *out = (htrail__leak_objects){0};
    if (leak->grows == HTRAIL__NO_SHAPE)
        return HTRAIL_OK;
    uint32_t carried = what_is_carried(leaks, leak, (htrail_str){carries, strlen(carries)});
    htrail_str type = htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[carried].type);
    bool *asked = calloc((size_t)leaks->paths.shapes.count + 1, sizeof *asked);
    htrail_status status = asked != NULL && (out->type = strndup(type.data != NULL ? type.data : "", type.len)) != NULL ? HTRAIL_OK : HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < leaks->paths.shapes.count && status == HTRAIL_OK; i++)
        if ((asked[i] = is_asked(leaks, leak, carried, i)))
            out->all += now->counts[i].objects;
    size_t room = out->all < count_max ? (size_t)out->all : count_max;
    if (status == HTRAIL_OK && (out->ids = malloc((room + 1) * sizeof *out->ids)) == NULL)
        status = HTRAIL_E_NOMEM;
    for (uint32_t id = 1; id <= now->object_count && out->count < room && status == HTRAIL_OK; id++)
        if (asked[now->path_of[id]])
            out->ids[out->count++] = id;
    free(asked);
    return status;
}

void htrail__leak_objects_release(htrail__leak_objects *objects)
{
    free(objects->type);
    free(objects->ids);
    *objects = (htrail__leak_objects){0};
}
