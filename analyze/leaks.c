/* analyze/leaks.c - see the header: from paths that grow to verdicts. */
#include "analyze/leaks_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "analyze/str.h"

enum { LARGE_BYTES_MIN = 64 << 10, LARGE_PERCENT_MIN = 10 };

/* A path, by how it grows. */
typedef struct growth {
    const char *noisy; /* NULL: steadily */
    bool grows;        /* more in the last snapshot than in the first */
    bool stays;        /* what was there is there in the next snapshot */
    bool is_new;       /* what came was not there before, elsewhere */
} growth;

const char *htrail__leak_kind_text(htrail__leak_kind kind)
{
    static const char *const texts[] = {"container", "spread", "linked", "length", "root", "c code", "garbage", "threads", "modules"};
    return texts[kind];
}

void htrail__leak_release(htrail__leak *leak)
{
    free(leak->parts);
    free(leak->joint);
    free(leak->also);
    free(leak->objects);
    free(leak->bytes);
    free(leak->items);
    free(leak->steps);
    free(leak->what);
    for (size_t i = 0; i < leak->site_count; i++) {
        free(leak->sites[i].file);
        free(leak->sites[i].function);
    }
    *leak = (htrail__leak){0};
}

void htrail__leaks_free(htrail__leaks *leaks)
{
    if (leaks == NULL)
        return;
    for (size_t i = 0; i < leaks->count; i++)
        htrail__leak_release(&leaks->leaks[i]);
    free(leaks->leaks);
    free(leaks->type_objects);
    free(leaks->type_lengths);
    htrail__paths_release(&leaks->paths);
    free(leaks);
}

static bool add_path(uint32_t **paths, uint32_t *count, uint32_t path)
{
    for (uint32_t i = 0; i < *count; i++)
        if ((*paths)[i] == path)
            return true;
    uint32_t *larger = realloc(*paths, (*count + 1) * sizeof *larger);
    if (larger == NULL)
        return false;
    *paths = larger;
    larger[(*count)++] = path;
    return true;
}

bool htrail__leaks_add_part(htrail__leak *leak, uint32_t path) { return add_path(&leak->parts, &leak->part_count, path); }
bool htrail__leaks_add_joint(htrail__leak *leak, uint32_t path) { return add_path(&leak->joint, &leak->joint_count, path); }
bool htrail__leaks_add_also(htrail__leak *leak, uint32_t path) { return add_path(&leak->also, &leak->also_count, path); }

htrail__leak *htrail__leaks_add(htrail__leaks *leaks, htrail__leak_kind kind)
{
    htrail__leak *larger = realloc(leaks->leaks, (leaks->count + 1) * sizeof *larger);
    if (larger == NULL)
        return NULL;
    leaks->leaks = larger;
    htrail__leak *leak = &larger[leaks->count];
    *leak = (htrail__leak){.kind = kind, .at = HTRAIL__NO_SHAPE, .grows = HTRAIL__NO_SHAPE, .stayed = 1};
    leak->objects = calloc(leaks->snapshot_count, sizeof *leak->objects);
    leak->bytes = calloc(leaks->snapshot_count, sizeof *leak->bytes);
    leak->items = calloc(leaks->snapshot_count, sizeof *leak->items);
    leak->steps = calloc(leaks->snapshot_count, sizeof *leak->steps);
    leaks->count++;
    return leak->objects == NULL || leak->bytes == NULL || leak->items == NULL || leak->steps == NULL ? NULL : leak;
}

bool htrail__leaks_absorb(htrail__leaks *leaks, htrail__leak *into, htrail__leak *from)
{
    (void)leaks;
    for (uint32_t i = 0; i < from->part_count; i++)
        if (!htrail__leaks_add_part(into, from->parts[i]))
            return false;
    for (uint32_t i = 0; i < from->joint_count; i++)
        if (!htrail__leaks_add_joint(into, from->joint[i]))
            return false;
    for (uint32_t i = 0; i < from->also_count; i++)
        if (!htrail__leaks_add_also(into, from->also[i]))
            return false;
    from->part_count = 0;
    return true;
}

void htrail__leaks_drop_empty(htrail__leaks *leaks)
{
    size_t kept = 0;
    for (size_t i = 0; i < leaks->count; i++) {
        if (leaks->leaks[i].part_count == 0)
            htrail__leak_release(&leaks->leaks[i]);
        else
            leaks->leaks[kept++] = leaks->leaks[i];
    }
    leaks->count = kept;
}

/* Figures of paths. */

const htrail__path_count *htrail__leaks_count(const htrail__leaks *leaks, unsigned snapshot, uint32_t path) { return htrail__paths_count(&leaks->paths, snapshot, path); }

int64_t htrail__leaks_grown(const htrail__leaks *leaks, uint32_t path)
{
    return (int64_t)htrail__leaks_count(leaks, leaks->snapshot_count - 1, path)->below - (int64_t)htrail__leaks_count(leaks, 0, path)->below;
}

/* Whether what came is new in the heap. Of a type of the program's own its growth in the whole heap says so, wherever its objects
 * stand (of a list with two ends half of what is new was at the other end before). What happens to a type that everything is made of
 * says nothing: there the objects are asked, whether they were elsewhere before. */
static bool came_new(const htrail__leaks *leaks, uint32_t path, const uint64_t *steps)
{
    uint32_t type = leaks->paths.shapes.shapes[path].type;
    htrail_str name = htrail__texts_get(&leaks->paths.texts, type);
    bool is_common = memchr(name.data, '.', name.len) == NULL;
    int64_t all = 0, net = 0;
    uint64_t fresh = 0, moved = 0;
    for (unsigned i = 1; i < leaks->snapshot_count; i++) {
        const htrail__path_count *count = htrail__leaks_count(leaks, i, path);
        all += (int64_t)steps[i - 1];
        net += (int64_t)leaks->type_objects[type][i] - (int64_t)leaks->type_objects[type][i - 1];
        fresh += count->fresh;
        moved += count->moved;
    }
    bool is_net = (double)net >= HTRAIL__LEAKS_NEW * (double)all;
    if (!is_common || fresh + moved < HTRAIL__LEAKS_SAMPLES_MIN)
        return is_net;
    return (double)fresh >= HTRAIL__LEAKS_NEW * (double)(fresh + moved);
}

double htrail__leaks_stayed(const htrail__leaks *leaks, uint32_t path)
{
    double least = 1;
    for (unsigned i = 0; i + 1 < leaks->snapshot_count; i++) {
        const htrail__path_count *count = htrail__leaks_count(leaks, i, path);
        double part = count->sampled < (leaks->paths.sample_mask == 0 ? 1 : HTRAIL__LEAKS_SAMPLES_MIN) ? 1 : (double)count->stayed / count->sampled;
        least = part < least ? part : least;
    }
    return least;
}

int64_t htrail__leaks_bytes_min(const htrail__leaks *leaks)
{
    int64_t least = (int64_t)HTRAIL__LEAKS_STEP_BYTES_MIN * (leaks->snapshot_count - 1), share = leaks->heap_change / HTRAIL__LEAKS_HEAP_SHARE;
    return share > least ? share : least;
}

/* Whether it goes by itself: garbage, unless the collector is off; entries of the interpreter's cache of attributes of types, which has
 * a fixed size; and weak references to the subclasses of a class, which go with those. */
static bool is_passing(const htrail__leaks *leaks, uint32_t path)
{
    for (; !htrail__path_is_root(&leaks->paths, path); path = leaks->paths.shapes.shapes[path].parent) {
        const htrail__shape *shape = &leaks->paths.shapes.shapes[path];
        if (shape->ref_kind == HTRAIL_REF_FIELD && htrail__str_is(htrail__texts_get(&leaks->paths.texts, shape->label), "__subclasses__"))
            return true;
    }
    const htrail__shape *root = &leaks->paths.shapes.shapes[path];
    return root->root_kind == HTRAIL__ROOT_GARBAGE ? !leaks->is_uncollected
                                                   : root->root_kind == HTRAIL_ROOT_INTERPRETER && htrail__str_is(htrail__texts_get(&leaks->paths.texts, root->name), "type cache");
}

static growth growth_of(const htrail__leaks *leaks, uint32_t path)
{
    uint64_t objects[HTRAIL__LEAKS_SNAPSHOTS_MAX], steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned count = leaks->snapshot_count;
    growth g = {.noisy = "not at all"};
    if (htrail__path_is_root(&leaks->paths, path) || htrail__leaks_count(leaks, count - 1, path)->objects <= htrail__leaks_count(leaks, 0, path)->objects)
        return g;
    g.grows = true;
    bool is_large = true;
    for (unsigned i = 0; i < count; i++) {
        objects[i] = htrail__leaks_count(leaks, i, path)->objects;
        is_large &= i == 0 || htrail__leaks_count(leaks, i, path)->below >= htrail__leaks_count(leaks, i - 1, path)->below + HTRAIL__LEAKS_STEP_LARGE_MIN;
    }
    g.noisy = htrail__leaks_steady(objects, count, is_large ? 1 : HTRAIL__LEAKS_STEP_OBJECTS_MIN, HTRAIL__LEAKS_STEADY, steps);
    if (g.noisy != NULL)
        return g;
    g.stays = htrail__leaks_stayed(leaks, path) >= HTRAIL__LEAKS_STAYED;
    g.is_new = came_new(leaks, path, steps);
    return g;
}

/* Whether the objects of path grow only because those of above, which holds them, do. */
static bool is_explained(const htrail__leaks *leaks, uint32_t path, uint32_t above)
{
    unsigned last = leaks->snapshot_count - 1;
    double before = htrail__leaks_count(leaks, 0, above)->objects > 0 ? (double)htrail__leaks_count(leaks, 0, path)->objects / (double)htrail__leaks_count(leaks, 0, above)->objects : 0;
    double after = (double)htrail__leaks_count(leaks, last, path)->objects / (double)htrail__leaks_count(leaks, last, above)->objects;
    double more = (double)(htrail__leaks_count(leaks, last, path)->objects - htrail__leaks_count(leaks, 0, path)->objects) /
                  (double)(htrail__leaks_count(leaks, last, above)->objects - htrail__leaks_count(leaks, 0, above)->objects);
    return htrail__leaks_count(leaks, 0, above)->objects == 0 || after <= 1.5 * before || more <= 1.5 * before || more <= 64;
}

/* Where what path has more gathers: its holder; what a root holds itself, and what is linked, gathers where it is. Garbage is
 * one place. */
static uint32_t place_of(const htrail__leaks *leaks, uint32_t path)
{
    const htrail__shape *shape = &leaks->paths.shapes.shapes[path];
    if (leaks->paths.shapes.shapes[shape->parent].root_kind == HTRAIL__ROOT_GARBAGE)
        return shape->parent;
    return htrail__path_is_root(&leaks->paths, shape->parent) || shape->folded ? path : shape->parent;
}

static htrail__leak *leak_at(htrail__leaks *leaks, uint32_t at)
{
    for (size_t i = 0; i < leaks->count; i++)
        if (leaks->leaks[i].at == at)
            return &leaks->leaks[i];
    htrail__leak *leak = htrail__leaks_add(leaks, HTRAIL__LEAK_CONTAINER);
    if (leak != NULL)
        leak->at = at;
    return leak;
}

static htrail__leak_kind kind_of(const htrail__leaks *leaks, const htrail__leak *leak)
{
    const htrail__shape *shape = &leaks->paths.shapes.shapes[leak->at];
    if (leak->kind == HTRAIL__LEAK_LENGTH || leak->kind == HTRAIL__LEAK_THREADS || leak->kind == HTRAIL__LEAK_MODULES)
        return leak->kind;
    if (shape->root_kind == HTRAIL__ROOT_GARBAGE)
        return HTRAIL__LEAK_GARBAGE;
    if (leak->at == leak->grows && htrail__path_is_root(&leaks->paths, shape->parent))
        return leaks->paths.shapes.shapes[shape->parent].root_kind == HTRAIL_ROOT_C_REFERENCE ? HTRAIL__LEAK_C_CODE : HTRAIL__LEAK_ROOT;
    if (leak->at == leak->grows)
        return HTRAIL__LEAK_LINKED;
    return htrail__leaks_count(leaks, leaks->snapshot_count - 1, leak->at)->objects > 8 ? HTRAIL__LEAK_SPREAD : HTRAIL__LEAK_CONTAINER;
}

/* What grows. */

/* Whether something was found above path or below it. */
static bool is_known(const htrail__leaks *leaks, uint32_t path)
{
    for (size_t i = 0; i < leaks->count; i++)
        for (uint32_t k = 0; k < leaks->leaks[i].part_count; k++)
            if (htrail__shapes_is_below(&leaks->paths.shapes, path, leaks->leaks[i].parts[k]) || htrail__shapes_is_below(&leaks->paths.shapes, leaks->leaks[i].parts[k], path))
                return true;
    return false;
}

/* Whether as many others came to the same holder from elsewhere: then this is what they are known by there, a key. */
static bool has_moved_sibling(const htrail__leaks *leaks, uint32_t path)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    unsigned last = leaks->snapshot_count - 1;
    uint64_t more = htrail__leaks_count(leaks, last, path)->objects - htrail__leaks_count(leaks, 0, path)->objects;
    if (shapes[path].ref_kind != HTRAIL_REF_KEY)
        return false;
    for (uint32_t i = shapes[path].parent + 1; i < leaks->paths.shapes.count; i++) {
        if (shapes[i].parent != shapes[path].parent || shapes[i].ref_kind == HTRAIL_REF_KEY || htrail__leaks_count(leaks, last, i)->objects < htrail__leaks_count(leaks, 0, i)->objects + more / 2)
            continue;
        growth other = growth_of(leaks, i);
        if (other.noisy == NULL && !other.is_new)
            return true;
    }
    return false;
}

static htrail_status find_growing(htrail__leaks *leaks, bool with_noise)
{
    uint32_t count = leaks->paths.shapes.count;
    growth *of = calloc((size_t)count + 1, sizeof *of);
    uint32_t *growing_above = malloc(((size_t)count + 1) * sizeof *growing_above); /* the path itself or the nearest above that grows steadily */
    htrail_status status = of == NULL || growing_above == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    int64_t least = htrail__leaks_bytes_min(leaks);
    for (uint32_t path = 0; path < count && status == HTRAIL_OK; path++) {
        uint32_t parent = leaks->paths.shapes.shapes[path].parent;
        uint32_t above = parent == HTRAIL__NO_SHAPE ? HTRAIL__NO_SHAPE : growing_above[parent];
        growing_above[path] = above;
        of[path] = growth_of(leaks, path);
        if (!of[path].grows || is_passing(leaks, path))
            continue;
        bool is_steady = of[path].noisy == NULL && of[path].is_new;
        if (above != HTRAIL__NO_SHAPE && is_explained(leaks, path, above))
            continue;
        /* What came from elsewhere brought what hangs on it. */
        if (of[path].noisy == NULL)
            growing_above[path] = path;
        if (is_steady == with_noise || htrail__leaks_grown(leaks, path) < (is_steady ? least / 8 : least) || (with_noise && is_known(leaks, path)))
            continue;
        if (is_steady && has_moved_sibling(leaks, path))
            continue;
        htrail__leak *leak = leak_at(leaks, place_of(leaks, path));
        if (leak == NULL || !htrail__leaks_add_part(leak, path)) {
            status = HTRAIL_E_NOMEM;
            break;
        }
        const char *noisy = of[path].noisy != NULL ? of[path].noisy : !of[path].is_new ? "moved there from elsewhere" : !of[path].stays ? "replaced all the time" : NULL;
        if (leak->part_count == 1)
            leak->noisy = noisy;
        else if (noisy == NULL)
            leak->noisy = NULL;
    }
    free(of);
    free(growing_above);
    return status;
}

/* Of a linked list that is held by both ends half of what came hangs on the other end, by the links back: as it grows, what stood
 * there moves over to this one, so that it looks replaced all the time. */
static htrail_status join_ends(htrail__leaks *leaks)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    for (size_t i = 0; i < leaks->count; i++) {
        htrail__leak *leak = &leaks->leaks[i];
        if (leak->part_count == 0 || leak->noisy != NULL || !shapes[leak->at].folded || leak->at != leak->parts[0] || htrail__path_is_root(&leaks->paths, shapes[leak->at].parent))
            continue;
        for (size_t k = 0; k < leaks->count; k++) {
            htrail__leak *other = &leaks->leaks[k];
            if (k == i || other->part_count == 0 || !shapes[other->at].folded || other->at != other->parts[0] || shapes[other->at].type != shapes[leak->at].type ||
                shapes[shapes[other->at].parent].parent != shapes[shapes[leak->at].parent].parent)
                continue;
            if (!htrail__leaks_absorb(leaks, leak, other))
                return HTRAIL_E_NOMEM;
        }
    }
    htrail__leaks_drop_empty(leaks);
    return HTRAIL_OK;
}

/* Whether the items are objects that were counted where they are held. */
static bool objects_came(const htrail__leaks *leaks, uint32_t path)
{
    unsigned last = leaks->snapshot_count - 1;
    uint64_t items = htrail__leaks_count(leaks, last, path)->length - htrail__leaks_count(leaks, 0, path)->length, came = 0;
    for (uint32_t i = path + 1; i < leaks->paths.shapes.count; i++)
        if (leaks->paths.shapes.shapes[i].parent == path && htrail__leaks_count(leaks, last, i)->objects > htrail__leaks_count(leaks, 0, i)->objects)
            came += htrail__leaks_count(leaks, last, i)->objects - htrail__leaks_count(leaks, 0, i)->objects;
    return 2 * came > items;
}

/* Whether other objects of the type did not lose what this one got. */
static bool items_came(const htrail__leaks *leaks, uint32_t path)
{
    unsigned last = leaks->snapshot_count - 1;
    uint32_t type = leaks->paths.shapes.shapes[path].type;
    double items = (double)(htrail__leaks_count(leaks, last, path)->length - htrail__leaks_count(leaks, 0, path)->length);
    return (double)leaks->type_lengths[type][last] - (double)leaks->type_lengths[type][0] >= HTRAIL__LEAKS_NEW * items;
}

/* Objects that stay as many as they are, and become longer. */
static htrail_status find_lengthening(htrail__leaks *leaks)
{
    uint64_t lengths[HTRAIL__LEAKS_SNAPSHOTS_MAX], steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned count = leaks->snapshot_count;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++) {
        bool is_same = !htrail__path_is_root(&leaks->paths, path) && htrail__leaks_count(leaks, 0, path)->objects > 0;
        for (unsigned i = 0; i < count && is_same; i++) {
            lengths[i] = htrail__leaks_count(leaks, i, path)->length;
            is_same = htrail__leaks_count(leaks, i, path)->objects == htrail__leaks_count(leaks, 0, path)->objects;
        }
        if (!is_same || htrail__leaks_count(leaks, count - 1, path)->bytes < htrail__leaks_count(leaks, 0, path)->bytes + (uint64_t)htrail__leaks_bytes_min(leaks) || is_passing(leaks, path))
            continue;
        if (htrail__leaks_steady(lengths, count, 16, HTRAIL__LEAKS_REGULAR, steps) != NULL)
            continue;
        if (is_known(leaks, path) || objects_came(leaks, path) || !items_came(leaks, path))
            continue;
        htrail__leak *leak = htrail__leaks_add(leaks, HTRAIL__LEAK_LENGTH);
        if (leak == NULL || !htrail__leaks_add_part(leak, path))
            return HTRAIL_E_NOMEM;
        leak->at = path;
    }
    return HTRAIL_OK;
}

static int by_bytes(const void *left, const void *right)
{
    const htrail__leak *a = left, *b = right;
    if ((a->noisy == NULL) != (b->noisy == NULL))
        return a->noisy == NULL ? -1 : 1;
    if (a->bytes_growth != b->bytes_growth)
        return a->bytes_growth > b->bytes_growth ? -1 : 1;
    return a->grows < b->grows ? -1 : a->grows > b->grows;
}

/* From paths to leaks. */
static htrail_status find_leaks(htrail__leaks *leaks, sqlite3 *const *dbs, bool with_noise, char *message, size_t message_cap)
{
    htrail_status status;
    sqlite3 *last = dbs[leaks->snapshot_count - 1];
    if ((status = find_growing(leaks, false)) != HTRAIL_OK || (status = join_ends(leaks)) != HTRAIL_OK || (status = find_lengthening(leaks)) != HTRAIL_OK ||
        (with_noise && (status = find_growing(leaks, true)) != HTRAIL_OK))
        return status;
    for (size_t i = 0; i < leaks->count; i++) {
        htrail__leaks_choose_main(leaks, &leaks->leaks[i]);
        htrail__leaks_measure(leaks, &leaks->leaks[i]);
    }
    if ((status = htrail__leaks_find_threads(leaks, dbs, message, message_cap)) != HTRAIL_OK ||
        (status = htrail__leaks_find_modules(leaks, dbs, message, message_cap)) != HTRAIL_OK ||
        (status = htrail__leaks_join_holders(leaks, last, message, message_cap)) != HTRAIL_OK)
        return status;
    htrail__leaks_drop_empty(leaks);
    for (size_t i = 0; i < leaks->count; i++) {
        htrail__leak *leak = &leaks->leaks[i];
        if (leak->kind == HTRAIL__LEAK_THREADS)
            htrail__leaks_choose_main(leaks, leak);
        leak->kind = kind_of(leaks, leak);
        htrail__leaks_measure(leaks, leak);
        htrail__leaks_judge(leaks, leak);
        if ((status = htrail__leaks_find_example(leaks, leak, last)) != HTRAIL_OK) {
            snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(last));
            return status;
        }
    }
    if (leaks->count > 0)
        qsort(leaks->leaks, leaks->count, sizeof *leaks->leaks, by_bytes);
    while (leaks->verdict_count < leaks->count && leaks->leaks[leaks->verdict_count].noisy == NULL)
        leaks->verdict_count++;
    return HTRAIL_OK;
}

/* Whether the heap grew so much that somebody will ask what it was. */
bool htrail__leaks_is_large(const htrail__leaks *leaks)
{
    return leaks->heap_change >= LARGE_BYTES_MIN && 100 * (double)leaks->heap_change >= LARGE_PERCENT_MIN * (double)leaks->paths.snapshots[0].bytes;
}

/* Where the verdicts say little of a heap that grew much, what carries most of it otherwise: it is looked for anew, so that what
 * is noisy changes no verdict. */
static htrail_status add_what_carries_most(htrail__leaks *leaks, sqlite3 *const *dbs, char *message, size_t message_cap)
{
    int64_t named = 0;
    htrail__leak *verdicts = leaks->leaks;
    size_t count = leaks->count, verdict_count = leaks->verdict_count, kept = 0;
    for (size_t i = 0; i < count; i++)
        named += verdicts[i].bytes_growth;
    if (!htrail__leaks_is_large(leaks) || 2 * named >= leaks->heap_change)
        return HTRAIL_OK;
    leaks->leaks = NULL;
    leaks->count = leaks->verdict_count = 0;
    htrail_status status = find_leaks(leaks, dbs, true, message, message_cap);
    for (size_t i = 0; i < leaks->count; i++) {
        htrail__leak *leak = &leaks->leaks[i];
        if (status == HTRAIL_OK && leak->noisy != NULL && 2 * leak->bytes_growth >= leaks->heap_change)
            leaks->leaks[kept++] = *leak;
        else
            htrail__leak_release(leak);
    }
    leaks->count = kept;
    if (status == HTRAIL_OK && count > 0) {
        htrail__leak *all = realloc(verdicts, (count + kept) * sizeof *all);
        if (all == NULL)
            status = HTRAIL_E_NOMEM;
        else if (kept > 0)
            memcpy(all + count, leaks->leaks, kept * sizeof *all);
        verdicts = all != NULL ? all : verdicts;
    }
    if (status != HTRAIL_OK) { /* what was kept is freed with leaks */
        for (size_t i = 0; i < count; i++)
            htrail__leak_release(&verdicts[i]);
        free(verdicts);
        return status;
    }
    if (count > 0) {
        free(leaks->leaks);
        leaks->leaks = verdicts;
    } else {
        free(verdicts);
    }
    leaks->count = count + kept;
    leaks->verdict_count = verdict_count;
    return HTRAIL_OK;
}

htrail_status htrail__leaks_find(htrail__leaks **out, sqlite3 *const *dbs, unsigned count, bool with_noise, htrail__leaks_progress progress,
                                 void *arg, char *message, size_t message_cap)
{
    htrail__leaks *leaks = calloc(1, sizeof *leaks);
    htrail_status status = HTRAIL_E_NOMEM;
    uint64_t objects_max = 0;

    *out = NULL;
    snprintf(message, message_cap, "out of memory");
    if (leaks == NULL)
        return status;
    leaks->snapshot_count = count;
    leaks->is_uncollected = htrail__leaks_is_uncollected(dbs, count);
    for (unsigned i = 0; i < count; i++) {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(dbs[i], "SELECT value FROM snapshot WHERE key = 'objects'", -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
            (uint64_t)sqlite3_column_int64(statement, 0) > objects_max)
            objects_max = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
    }
    if ((status = htrail__paths_init(&leaks->paths, count, objects_max)) != HTRAIL_OK)
        goto done;
    if ((status = htrail__leaks_read(leaks, dbs, objects_max, progress, arg, message, message_cap)) != HTRAIL_OK || (status = htrail__paths_join(&leaks->paths)) != HTRAIL_OK || (status = htrail__leaks_sum_heap(leaks)) != HTRAIL_OK ||
        (status = find_leaks(leaks, dbs, with_noise, message, message_cap)) != HTRAIL_OK ||
        (!with_noise && (status = add_what_carries_most(leaks, dbs, message, message_cap)) != HTRAIL_OK))
        goto done;
    if ((status = htrail__leaks_find_sites(leaks, dbs[count - 1])) != HTRAIL_OK) {
        snprintf(message, message_cap, "cannot read where memory was asked for: %s", status == HTRAIL_E_NOMEM ? "out of memory" : sqlite3_errmsg(dbs[count - 1]));
        goto done;
    }
    *out = leaks;
    leaks = NULL;
done:
    htrail__leaks_free(leaks);
    return status;
}

void htrail__leaks_path_text(htrail__text *out, const htrail__paths *paths, uint32_t path)
{
    uint32_t steps[256];
    size_t count = 0;
    for (; path != HTRAIL__NO_SHAPE && count < sizeof steps / sizeof *steps; path = paths->shapes.shapes[path].parent)
        steps[count++] = path;
    while (count-- > 0) {
        const htrail__shape *shape = &paths->shapes.shapes[steps[count]];
        htrail_str type = htrail__texts_get(&paths->texts, shape->type), name = htrail__texts_get(&paths->texts, shape->name);
        if (shape->parent == HTRAIL__NO_SHAPE) {
            if (shape->root_kind == HTRAIL__ROOT_GARBAGE)
                htrail__text_add_string(out, "garbage");
            else
                htrail__chain_root_text(out, type, name);
            continue;
        }
        htrail__text_add_string(out, " -");
        if (shape->ref_kind == HTRAIL_REF_VALUE && shape->label == 0)
            htrail__text_add_string(out, "[...]");
        else if (shape->ref_kind <= HTRAIL_REF_WEAK && !htrail__path_is_root(paths, shape->parent))
            htrail__chain_label(out, shape->ref_kind, htrail__texts_get(&paths->texts, shape->label), HTRAIL__ANY_POSITION);
        htrail__text_add_string(out, "-> ");
        if (type.len == 0)
            htrail__text_add_string(out, "...");
        htrail__text_add(out, type.data, type.len);
    }
}
