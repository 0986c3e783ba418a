/* analyze/leaks_figures.c - what is known of each leak: how much it is, how sure, and one of its objects. */
#include "analyze/leaks_build.h"

#include <string.h>

#include "analyze/str.h"

/* What would go with a path: from dominators, where one place holds its objects. Of objects that several places
 * hold together no dominator knows; there it is what lies below them on the shortest chains. */
static uint64_t held_by(const htrail__leaks *leaks, const htrail__leak *leak, unsigned snapshot, uint32_t path)
{
    const htrail__path_count *count = htrail__leaks_count(leaks, snapshot, path);
    return leak->joint_count == 0 && leak->is_exact ? count->retained : count->below;
}

static bool is_own_type(const htrail__leaks *leaks, uint32_t path)
{
    htrail_str type = htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[path].type);
    return memchr(type.data, '.', type.len) != NULL;
}

int64_t htrail__leaks_weight(const htrail__leaks *leaks, uint32_t path)
{
    const htrail__shape *shape = &leaks->paths.shapes.shapes[path];
    unsigned last = leaks->snapshot_count - 1;
    int64_t below = htrail__leaks_grown(leaks, path), retained = (int64_t)htrail__leaks_count(leaks, last, path)->retained - (int64_t)htrail__leaks_count(leaks, 0, path)->retained;
    int64_t weight = (retained > below ? retained : below) * (is_own_type(leaks, path) ? 8 : 1);
    return shape->ref_kind == HTRAIL_REF_KEY ? weight / 8 : weight;
}

static uint64_t came(const htrail__leaks *leaks, uint32_t path)
{
    uint64_t before = htrail__leaks_count(leaks, 0, path)->objects, after = htrail__leaks_count(leaks, leaks->snapshot_count - 1, path)->objects;
    return after > before ? after - before : 0;
}

/* The part that says most. Where the program's own objects stand beside what they hold (in gc.garbage), they do. */
void htrail__leaks_choose_main(htrail__leaks *leaks, htrail__leak *leak)
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

/* Of what gathers; of a linked list from all its ends, with its first link, which is held otherwise. */
static uint64_t objects_of(const htrail__leaks *leaks, const htrail__leak *leak, unsigned snapshot)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    uint64_t objects = htrail__leaks_count(leaks, snapshot, leak->grows)->objects;
    for (uint32_t i = 0; i < leak->part_count && shapes[leak->grows].folded; i++)
        if (leak->parts[i] != leak->grows && shapes[leak->parts[i]].folded && shapes[leak->parts[i]].type == shapes[leak->grows].type)
            objects += htrail__leaks_count(leaks, snapshot, leak->parts[i])->objects;
    uint32_t first = shapes[leak->grows].parent;
    if (shapes[leak->grows].folded && first != HTRAIL__NO_SHAPE && shapes[first].type == shapes[leak->grows].type && !shapes[first].folded)
        objects += htrail__leaks_count(leaks, snapshot, first)->objects;
    return objects;
}

void htrail__leaks_measure(htrail__leaks *leaks, htrail__leak *leak)
{
    unsigned last = leaks->snapshot_count - 1;
    int64_t below = 0, retained = 0;
    for (uint32_t k = 0; k < leak->part_count; k++)
        if (!is_above_a_part(leaks, leak, k)) {
            below += htrail__leaks_grown(leaks, leak->parts[k]);
            retained += (int64_t)htrail__leaks_count(leaks, last, leak->parts[k])->retained - (int64_t)htrail__leaks_count(leaks, 0, leak->parts[k])->retained;
        }
    leak->is_exact = 2 * retained > below;
    bool place_is_other = leak->at != HTRAIL__NO_SHAPE && leak->at != leak->grows;
    for (unsigned i = 0; i <= last; i++) {
        uint64_t bytes = 0;
        if (leak->has_figures) {
            bytes = leak->bytes[i];
        } else if (leak->kind == HTRAIL__LEAK_LENGTH) {
            bytes = htrail__leaks_count(leaks, i, leak->at)->bytes;
        } else {
            for (uint32_t k = 0; k < leak->part_count; k++)
                if (!is_above_a_part(leaks, leak, k))
                    bytes += held_by(leaks, leak, i, leak->parts[k]);
            if (place_is_other && htrail__leaks_count(leaks, i, leak->at)->objects == htrail__leaks_count(leaks, 0, leak->at)->objects)
                bytes += htrail__leaks_count(leaks, i, leak->at)->bytes;
        }
        leak->bytes[i] = bytes;
        if (leak->kind != HTRAIL__LEAK_THREADS)
            leak->objects[i] = objects_of(leaks, leak, i);
        leak->items[i] = leak->at == HTRAIL__NO_SHAPE ? 0 : htrail__leaks_count(leaks, i, leak->at)->length;
        uint64_t now = leak->kind == HTRAIL__LEAK_LENGTH ? leak->items[i] : leak->objects[i];
        uint64_t before = i == 0 ? 0 : leak->kind == HTRAIL__LEAK_LENGTH ? leak->items[i - 1] : leak->objects[i - 1];
        if (i > 0 && leak->kind != HTRAIL__LEAK_THREADS && leak->kind != HTRAIL__LEAK_MODULES)
            leak->steps[i - 1] = now > before ? now - before : 0;
    }
    leak->bytes_growth = (int64_t)leak->bytes[last] - (int64_t)leak->bytes[0];
    if (leak->bytes_growth > leaks->heap_growth) {
        if (leaks->heap_growth < htrail__leaks_bytes_min(leaks) || leaks->heap_growth < leak->bytes_growth / 4)
            leak->noisy = leak->noisy != NULL ? leak->noisy : "the heap as a whole does not grow so much";
        leak->bytes_growth = leaks->heap_growth > 0 ? leaks->heap_growth : 0;
    }
    /* Nor is more said than the whole heap grew by: from first to last or, where other things happened to go, between
     * any two of the snapshots. */
    int64_t whole = leaks->heap_change >= htrail__leaks_bytes_min(leaks) ? leaks->heap_change : leaks->heap_rise;
    if (leak->bytes_growth > whole) {
        if (whole < htrail__leaks_bytes_min(leaks))
            leak->noisy = leak->noisy != NULL ? leak->noisy : "the heap as a whole does not grow";
        leak->bytes_growth = whole > 0 ? whole : 0;
    }
    if (leak->noisy == NULL && leak->bytes_growth < htrail__leaks_bytes_min(leaks) && leak->kind != HTRAIL__LEAK_THREADS)
        leak->noisy = "too little";
    if (leak->at != HTRAIL__NO_SHAPE)
        leak->holders = htrail__leaks_count(leaks, last, leak->at)->objects;
    leak->stayed = 0;
    for (uint32_t k = 0; k < leak->part_count; k++)
        leak->stayed = htrail__leaks_stayed(leaks, leak->parts[k]) > leak->stayed ? htrail__leaks_stayed(leaks, leak->parts[k]) : leak->stayed;
}

void htrail__leaks_judge(htrail__leaks *leaks, htrail__leak *leak)
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
htrail_status htrail__leaks_find_example(htrail__leaks *leaks, htrail__leak *leak, sqlite3 *last)
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
