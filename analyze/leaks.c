/* analyze/leaks.c - see the header: from paths that grow to verdicts. */
#include "analyze/leaks_build.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/chain.h"
#include "analyze/str.h"

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

static const htrail__path_count *count_of(const htrail__leaks *leaks, unsigned snapshot, uint32_t path) { return htrail__paths_count(&leaks->paths, snapshot, path); }

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

static int64_t grown(const htrail__leaks *leaks, uint32_t path)
{
    return (int64_t)count_of(leaks, leaks->snapshot_count - 1, path)->below - (int64_t)count_of(leaks, 0, path)->below;
}

/* What the heap grew by, set off against what went in every interval. What only comes and goes says nothing: a
 * buffer that happens to be empty at the end hides no leak. */
static int64_t growth_of_heap(const htrail__leaks *leaks)
{
    unsigned last = leaks->snapshot_count - 1;
    int64_t all = 0;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++) {
        int64_t more = (int64_t)count_of(leaks, last, path)->bytes - (int64_t)count_of(leaks, 0, path)->bytes;
        bool always_less = true;
        for (unsigned i = 1; i <= last; i++)
            always_less &= count_of(leaks, i, path)->bytes < count_of(leaks, i - 1, path)->bytes;
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
            bytes += (int64_t)count_of(leaks, snapshot, path)->below;
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

static htrail_status sum_types(htrail__leaks *leaks)
{
    leaks->type_objects = calloc((size_t)leaks->paths.texts.count + 1, sizeof *leaks->type_objects);
    leaks->type_lengths = calloc((size_t)leaks->paths.texts.count + 1, sizeof *leaks->type_lengths);
    if (leaks->type_objects == NULL || leaks->type_lengths == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++)
        for (unsigned i = 0; i < leaks->snapshot_count; i++)
            leaks->type_objects[leaks->paths.shapes.shapes[path].type][i] += count_of(leaks, i, path)->objects;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++)
        for (unsigned i = 0; i < leaks->snapshot_count; i++)
            leaks->type_lengths[leaks->paths.shapes.shapes[path].type][i] += count_of(leaks, i, path)->length;
    leaks->heap_change = heap_bytes(leaks, leaks->snapshot_count - 1) - heap_bytes(leaks, 0);
    leaks->heap_rise = rise_of_heap(leaks);
    leaks->heap_growth = growth_of_heap(leaks);
    return HTRAIL_OK;
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
        const htrail__path_count *count = count_of(leaks, i, path);
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

static double stayed(const htrail__leaks *leaks, uint32_t path)
{
    double least = 1;
    for (unsigned i = 0; i + 1 < leaks->snapshot_count; i++) {
        const htrail__path_count *count = count_of(leaks, i, path);
        double part = count->sampled < (leaks->paths.sample_mask == 0 ? 1 : HTRAIL__LEAKS_SAMPLES_MIN) ? 1 : (double)count->stayed / count->sampled;
        least = part < least ? part : least;
    }
    return least;
}

static int64_t bytes_min(const htrail__leaks *leaks)
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
    if (htrail__path_is_root(&leaks->paths, path) || count_of(leaks, count - 1, path)->objects <= count_of(leaks, 0, path)->objects)
        return g;
    g.grows = true;
    bool is_large = true;
    for (unsigned i = 0; i < count; i++) {
        objects[i] = count_of(leaks, i, path)->objects;
        is_large &= i == 0 || count_of(leaks, i, path)->below >= count_of(leaks, i - 1, path)->below + HTRAIL__LEAKS_STEP_LARGE_MIN;
    }
    g.noisy = htrail__leaks_steady(objects, count, is_large ? 1 : HTRAIL__LEAKS_STEP_OBJECTS_MIN, HTRAIL__LEAKS_STEADY, steps);
    if (g.noisy != NULL)
        return g;
    g.stays = stayed(leaks, path) >= HTRAIL__LEAKS_STAYED;
    g.is_new = came_new(leaks, path, steps);
    return g;
}

/* Whether the objects of path grow only because those of above, which holds them, do. */
static bool is_explained(const htrail__leaks *leaks, uint32_t path, uint32_t above)
{
    unsigned last = leaks->snapshot_count - 1;
    double before = count_of(leaks, 0, above)->objects > 0 ? (double)count_of(leaks, 0, path)->objects / (double)count_of(leaks, 0, above)->objects : 0;
    double after = (double)count_of(leaks, last, path)->objects / (double)count_of(leaks, last, above)->objects;
    double more = (double)(count_of(leaks, last, path)->objects - count_of(leaks, 0, path)->objects) /
                  (double)(count_of(leaks, last, above)->objects - count_of(leaks, 0, above)->objects);
    return count_of(leaks, 0, above)->objects == 0 || after <= 1.5 * before || more <= 1.5 * before || more <= 64;
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
    return count_of(leaks, leaks->snapshot_count - 1, leak->at)->objects > 8 ? HTRAIL__LEAK_SPREAD : HTRAIL__LEAK_CONTAINER;
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
    uint64_t more = count_of(leaks, last, path)->objects - count_of(leaks, 0, path)->objects;
    if (shapes[path].ref_kind != HTRAIL_REF_KEY)
        return false;
    for (uint32_t i = shapes[path].parent + 1; i < leaks->paths.shapes.count; i++) {
        if (shapes[i].parent != shapes[path].parent || shapes[i].ref_kind == HTRAIL_REF_KEY || count_of(leaks, last, i)->objects < count_of(leaks, 0, i)->objects + more / 2)
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
    int64_t least = bytes_min(leaks);
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
        if (is_steady == with_noise || grown(leaks, path) < (is_steady ? least / 8 : least) || (with_noise && is_known(leaks, path)))
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
    uint64_t items = count_of(leaks, last, path)->length - count_of(leaks, 0, path)->length, came = 0;
    for (uint32_t i = path + 1; i < leaks->paths.shapes.count; i++)
        if (leaks->paths.shapes.shapes[i].parent == path && count_of(leaks, last, i)->objects > count_of(leaks, 0, i)->objects)
            came += count_of(leaks, last, i)->objects - count_of(leaks, 0, i)->objects;
    return 2 * came > items;
}

/* Whether other objects of the type did not lose what this one got. */
static bool items_came(const htrail__leaks *leaks, uint32_t path)
{
    unsigned last = leaks->snapshot_count - 1;
    uint32_t type = leaks->paths.shapes.shapes[path].type;
    double items = (double)(count_of(leaks, last, path)->length - count_of(leaks, 0, path)->length);
    return (double)leaks->type_lengths[type][last] - (double)leaks->type_lengths[type][0] >= HTRAIL__LEAKS_NEW * items;
}

/* Objects that stay as many as they are, and become longer. */
static htrail_status find_lengthening(htrail__leaks *leaks)
{
    uint64_t lengths[HTRAIL__LEAKS_SNAPSHOTS_MAX], steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned count = leaks->snapshot_count;
    for (uint32_t path = 0; path < leaks->paths.shapes.count; path++) {
        bool is_same = !htrail__path_is_root(&leaks->paths, path) && count_of(leaks, 0, path)->objects > 0;
        for (unsigned i = 0; i < count && is_same; i++) {
            lengths[i] = count_of(leaks, i, path)->length;
            is_same = count_of(leaks, i, path)->objects == count_of(leaks, 0, path)->objects;
        }
        if (!is_same || count_of(leaks, count - 1, path)->bytes < count_of(leaks, 0, path)->bytes + (uint64_t)bytes_min(leaks) || is_passing(leaks, path))
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

/* What is known of each. */

/* What would go with a path: from dominators, where one place holds its objects. Of objects that several places
 * hold together no dominator knows; there it is what lies below them on the shortest chains. */
static uint64_t held_by(const htrail__leaks *leaks, const htrail__leak *leak, unsigned snapshot, uint32_t path)
{
    const htrail__path_count *count = count_of(leaks, snapshot, path);
    return leak->joint_count == 0 && leak->is_exact ? count->retained : count->below;
}

int64_t htrail__leaks_weight(const htrail__leaks *leaks, uint32_t path)
{
    const htrail__shape *shape = &leaks->paths.shapes.shapes[path];
    htrail_str type = htrail__texts_get(&leaks->paths.texts, shape->type);
    unsigned last = leaks->snapshot_count - 1;
    int64_t below = grown(leaks, path), retained = (int64_t)count_of(leaks, last, path)->retained - (int64_t)count_of(leaks, 0, path)->retained;
    int64_t weight = (retained > below ? retained : below) * (memchr(type.data, '.', type.len) != NULL ? 8 : 1);
    return shape->ref_kind == HTRAIL_REF_KEY ? weight / 8 : weight;
}

static uint64_t came(const htrail__leaks *leaks, uint32_t path)
{
    uint64_t before = count_of(leaks, 0, path)->objects, after = count_of(leaks, leaks->snapshot_count - 1, path)->objects;
    return after > before ? after - before : 0;
}

static bool is_own_type(const htrail__leaks *leaks, uint32_t path)
{
    htrail_str type = htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[path].type);
    return memchr(type.data, '.', type.len) != NULL;
}

/* The part that says most. Where the program's own objects stand beside what they hold (in gc.garbage), they do. */
static void choose_main(htrail__leaks *leaks, htrail__leak *leak)
{
    uint32_t best = 0;
    uint64_t most = 0;
    for (uint32_t i = 0; i < leak->part_count; i++)
        most = came(leaks, leak->parts[i]) > most ? came(leaks, leak->parts[i]) : most;
    for (uint32_t i = 1; i < leak->part_count; i++) {
        bool is_own = is_own_type(leaks, leak->parts[i]) && 8 * came(leaks, leak->parts[i]) >= most;
        bool best_is_own = is_own_type(leaks, leak->parts[best]) && 8 * came(leaks, leak->parts[best]) >= most;
        if (leak->kind != HTRAIL__LEAK_THREADS && is_own != best_is_own ? is_own : htrail__leaks_weight(leaks, leak->parts[i]) > htrail__leaks_weight(leaks, leak->parts[best]))
            best = i;
    }
    uint32_t path = leak->parts[best];
    leak->parts[best] = leak->parts[0];
    leak->parts[0] = leak->grows = path;
}

static bool is_above_a_part(const htrail__leaks *leaks, const htrail__leak *leak, uint32_t index)
{
    for (uint32_t i = 0; i < leak->part_count; i++)
        if (i != index && leak->parts[i] != leak->parts[index] && htrail__shapes_is_below(&leaks->paths.shapes, leak->parts[index], leak->parts[i]))
            return true;
    return false;
}

/* Of what gathers; of a linked list from all its ends. */
static uint64_t objects_of(const htrail__leaks *leaks, const htrail__leak *leak, unsigned snapshot)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    uint64_t objects = count_of(leaks, snapshot, leak->grows)->objects;
    for (uint32_t i = 0; i < leak->part_count && shapes[leak->grows].folded; i++)
        if (leak->parts[i] != leak->grows && shapes[leak->parts[i]].folded && shapes[leak->parts[i]].type == shapes[leak->grows].type)
            objects += count_of(leaks, snapshot, leak->parts[i])->objects;
    return objects;
}

static void measure(htrail__leaks *leaks, htrail__leak *leak)
{
    unsigned last = leaks->snapshot_count - 1;
    int64_t below = 0, retained = 0;
    for (uint32_t k = 0; k < leak->part_count; k++)
        if (!is_above_a_part(leaks, leak, k)) {
            below += grown(leaks, leak->parts[k]);
            retained += (int64_t)count_of(leaks, last, leak->parts[k])->retained - (int64_t)count_of(leaks, 0, leak->parts[k])->retained;
        }
    leak->is_exact = 2 * retained > below;
    bool place_is_other = leak->at != HTRAIL__NO_SHAPE && leak->at != leak->grows;
    for (unsigned i = 0; i <= last; i++) {
        uint64_t bytes = 0;
        if (leak->has_figures) {
            bytes = leak->bytes[i];
        } else if (leak->kind == HTRAIL__LEAK_LENGTH) {
            bytes = count_of(leaks, i, leak->at)->bytes;
        } else {
            for (uint32_t k = 0; k < leak->part_count; k++)
                if (!is_above_a_part(leaks, leak, k))
                    bytes += held_by(leaks, leak, i, leak->parts[k]);
            if (place_is_other && count_of(leaks, i, leak->at)->objects == count_of(leaks, 0, leak->at)->objects)
                bytes += count_of(leaks, i, leak->at)->bytes;
        }
        leak->bytes[i] = bytes;
        if (leak->kind != HTRAIL__LEAK_THREADS)
            leak->objects[i] = objects_of(leaks, leak, i);
        leak->items[i] = leak->at == HTRAIL__NO_SHAPE ? 0 : count_of(leaks, i, leak->at)->length;
        uint64_t now = leak->kind == HTRAIL__LEAK_LENGTH ? leak->items[i] : leak->objects[i];
        uint64_t before = i == 0 ? 0 : leak->kind == HTRAIL__LEAK_LENGTH ? leak->items[i - 1] : leak->objects[i - 1];
        if (i > 0 && leak->kind != HTRAIL__LEAK_THREADS && leak->kind != HTRAIL__LEAK_MODULES)
            leak->steps[i - 1] = now > before ? now - before : 0;
    }
    leak->bytes_growth = (int64_t)leak->bytes[last] - (int64_t)leak->bytes[0];
    if (leak->bytes_growth > leaks->heap_growth) {
        if (leaks->heap_growth < bytes_min(leaks) || leaks->heap_growth < leak->bytes_growth / 4)
            leak->noisy = leak->noisy != NULL ? leak->noisy : "the heap as a whole does not grow so much";
        leak->bytes_growth = leaks->heap_growth > 0 ? leaks->heap_growth : 0;
    }
    /* Nor is more said than the whole heap grew by: from first to last or, where other things happened to go, between
     * any two of the snapshots. */
    int64_t whole = leaks->heap_change >= bytes_min(leaks) ? leaks->heap_change : leaks->heap_rise;
    if (leak->bytes_growth > whole) {
        if (whole < bytes_min(leaks))
            leak->noisy = leak->noisy != NULL ? leak->noisy : "the heap as a whole does not grow";
        leak->bytes_growth = whole > 0 ? whole : 0;
    }
    if (leak->noisy == NULL && leak->bytes_growth < bytes_min(leaks) && leak->kind != HTRAIL__LEAK_THREADS)
        leak->noisy = "too little";
    if (leak->at != HTRAIL__NO_SHAPE)
        leak->holders = count_of(leaks, last, leak->at)->objects;
    leak->stayed = 0;
    for (uint32_t k = 0; k < leak->part_count; k++)
        leak->stayed = stayed(leaks, leak->parts[k]) > leak->stayed ? stayed(leaks, leak->parts[k]) : leak->stayed;
}

static void judge(htrail__leaks *leaks, htrail__leak *leak)
{
    uint64_t smallest = UINT64_MAX, largest = 1;
    for (unsigned i = 0; i + 1 < leaks->snapshot_count; i++) {
        smallest = leak->steps[i] < smallest ? leak->steps[i] : smallest;
        largest = leak->steps[i] > largest ? leak->steps[i] : largest;
    }
    leak->confidence = HTRAIL__LEAK_MEDIUM;
    if (leaks->snapshot_count == 2)
        leak->confidence = HTRAIL__LEAK_LOW;
    else if (leaks->snapshot_count > 3 && 2 * smallest >= largest && leak->stayed >= 0.9 && leak->kind != HTRAIL__LEAK_LENGTH)
        leak->confidence = HTRAIL__LEAK_HIGH;
}

/* The newest object of grows, and what holds it. */
static htrail_status find_example(htrail__leaks *leaks, htrail__leak *leak, sqlite3 *last)
{
    const htrail__paths_snapshot *now = &leaks->paths.snapshots[leaks->snapshot_count - 1];
    sqlite3_stmt *statement = NULL;
    if (leak->grows == HTRAIL__NO_SHAPE)
        return HTRAIL_OK;
    if (leak->kind == HTRAIL__LEAK_THREADS && leak->example != 0)
        return HTRAIL_OK;
    leak->example = now->counts[leak->grows].last;
    leak->container = leak->at == HTRAIL__NO_SHAPE ? 0 : now->counts[leak->at].first;
    if (leak->at == leak->grows || leak->example == 0)
        return HTRAIL_OK;
    if (sqlite3_prepare_v2(last, "SELECT holder FROM heap_object WHERE id = ?", -1, &statement, NULL) != SQLITE_OK)
        return HTRAIL_E_DATABASE;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)leak->example);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int64(statement, 0) > 0 && now->path_of[sqlite3_column_int64(statement, 0)] == leak->at)
        leak->container = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
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

/* Snapshots are read several at once, each in a thread of its own. */

enum { READERS_MAX = 4 };

typedef struct reader {
    pthread_t thread;
    htrail__paths paths;
    sqlite3 *db;
    htrail_status status;
    char message[512];
} reader;

static void *read_one(void *arg)
{
    reader *r = arg;
    r->status = htrail__paths_read(&r->paths, r->db, r->message, sizeof r->message);
    return NULL;
}

static htrail_status read_all(htrail__leaks *leaks, sqlite3 *const *dbs, uint64_t objects_max, htrail__leaks_progress progress, void *arg, char *message,
                              size_t message_cap)
{
    reader *readers = calloc(READERS_MAX, sizeof *readers);
    htrail_status status = readers == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned at_once = processors < 1 ? 1 : processors > READERS_MAX ? READERS_MAX : (unsigned)processors;
    for (unsigned first = 0; first < leaks->snapshot_count && status == HTRAIL_OK; first += at_once) {
        unsigned count = leaks->snapshot_count - first < at_once ? leaks->snapshot_count - first : at_once;
        bool started[READERS_MAX] = {false};
        for (unsigned i = 0; i < count; i++) {
            readers[i] = (reader){.db = dbs[first + i]};
            readers[i].status = htrail__paths_init(&readers[i].paths, 1, objects_max);
            if (readers[i].status == HTRAIL_OK && !(started[i] = pthread_create(&readers[i].thread, NULL, read_one, &readers[i]) == 0))
                read_one(&readers[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            if (started[i])
                pthread_join(readers[i].thread, NULL);
            if (status == HTRAIL_OK && readers[i].status != HTRAIL_OK) {
                status = readers[i].status;
                if (readers[i].message[0] != '\0')
                    snprintf(message, message_cap, "%s", readers[i].message);
            }
            if (status == HTRAIL_OK)
                status = htrail__paths_append(&leaks->paths, &readers[i].paths);
            else
                htrail__paths_release(&readers[i].paths);
            if (progress != NULL)
                progress(arg, first + i + 1, leaks->snapshot_count);
        }
    }
    free(readers);
    return status;
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
    leaks->is_uncollected = true;
    for (unsigned i = 0; i < count; i++) {
        leaks->is_uncollected &= i == 0 || is_uncollected(dbs[i - 1], dbs[i], i + 1 == count);
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(dbs[i], "SELECT value FROM snapshot WHERE key = 'objects'", -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
            (uint64_t)sqlite3_column_int64(statement, 0) > objects_max)
            objects_max = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
    }
    if ((status = htrail__paths_init(&leaks->paths, count, objects_max)) != HTRAIL_OK)
        goto done;
    if ((status = read_all(leaks, dbs, objects_max, progress, arg, message, message_cap)) != HTRAIL_OK || (status = htrail__paths_join(&leaks->paths)) != HTRAIL_OK || (status = sum_types(leaks)) != HTRAIL_OK ||
        (status = find_growing(leaks, false)) != HTRAIL_OK || (status = join_ends(leaks)) != HTRAIL_OK)
        goto done;
    if ((status = find_lengthening(leaks)) != HTRAIL_OK || (with_noise && (status = find_growing(leaks, true)) != HTRAIL_OK))
        goto done;
    for (size_t i = 0; i < leaks->count; i++) {
        choose_main(leaks, &leaks->leaks[i]);
        measure(leaks, &leaks->leaks[i]);
    }
    if ((status = htrail__leaks_find_threads(leaks, dbs, message, message_cap)) != HTRAIL_OK ||
        (status = htrail__leaks_find_modules(leaks, dbs, message, message_cap)) != HTRAIL_OK ||
        (status = htrail__leaks_join_holders(leaks, dbs[count - 1], message, message_cap)) != HTRAIL_OK)
        goto done;
    htrail__leaks_drop_empty(leaks);
    for (size_t i = 0; i < leaks->count; i++) {
        htrail__leak *leak = &leaks->leaks[i];
        if (leak->kind == HTRAIL__LEAK_THREADS)
            choose_main(leaks, leak);
        leak->kind = kind_of(leaks, leak);
        measure(leaks, leak);
        judge(leaks, leak);
        if ((status = find_example(leaks, leak, dbs[count - 1])) != HTRAIL_OK) {
            snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(dbs[count - 1]));
            goto done;
        }
    }
    if (leaks->count > 0)
        qsort(leaks->leaks, leaks->count, sizeof *leaks->leaks, by_bytes);
    while (leaks->verdict_count < leaks->count && leaks->leaks[leaks->verdict_count].noisy == NULL)
        leaks->verdict_count++;
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
