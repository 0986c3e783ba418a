/* analyze/leaks_joint.c - objects that are held from several sides (a list and an index by number) grow in each
 * of them: who else holds the newest objects of a verdict tells which others are of the same leak. */
#include "analyze/leaks_build.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/schema.h"
#include "analyze/str.h"

enum { ASKED = 24, HOLDERS_MAX = 64, PLACES_MAX = 64 };

typedef struct place {
    uint32_t path, times;
} place;

typedef struct search {
    htrail__leaks *leaks;
    sqlite3_stmt *holders;
    place places[PLACES_MAX];
    size_t place_count;
} search;

static void note(search *s, uint32_t path, place *seen, size_t *seen_count)
{
    for (size_t i = 0; i < *seen_count; i++)
        if (seen[i].path == path)
            return;
    if (*seen_count < HOLDERS_MAX)
        seen[(*seen_count)++].path = path;
    for (size_t i = 0; i < s->place_count; i++)
        if (s->places[i].path == path) {
            s->places[i].times++;
            return;
        }
    if (s->place_count < PLACES_MAX)
        s->places[s->place_count++] = (place){path, 1};
}

/* Paths of the objects that hold this one, each once; without its own holder's and what lies below itself. */
static bool ask(search *s, const htrail__leak *leak, uint32_t id)
{
    const htrail__paths_snapshot *now = &s->leaks->paths.snapshots[s->leaks->snapshot_count - 1];
    place seen[HOLDERS_MAX];
    size_t seen_count = 0;
    int stepped = SQLITE_DONE, holders = 0;
    sqlite3_reset(s->holders);
    sqlite3_bind_int64(s->holders, 1, id);
    while (holders++ < HOLDERS_MAX && (stepped = sqlite3_step(s->holders)) == SQLITE_ROW) {
        uint32_t src = (uint32_t)sqlite3_column_int64(s->holders, 0);
        if ((sqlite3_column_int64(s->holders, 1) & HTRAIL__CODE_KIND_MASK) == HTRAIL_REF_WEAK || src == 0 || src > now->object_count)
            continue;
        uint32_t path = now->path_of[src];
        if (path != leak->at && path != s->leaks->paths.shapes.shapes[leak->grows].parent && !htrail__shapes_is_below(&s->leaks->paths.shapes, path, leak->grows))
            note(s, path, seen, &seen_count);
    }
    return stepped == SQLITE_ROW || stepped == SQLITE_DONE;
}

static bool is_of_grows(const search *s, const htrail__leak *leak, uint32_t id)
{
    return s->leaks->paths.snapshots[s->leaks->snapshot_count - 1].path_of[id] == leak->grows;
}

/* Objects of grows: those with the highest numbers, which among equals are the newest. */
static bool ask_some(search *s, const htrail__leak *leak, uint32_t *asked)
{
    const htrail__path_count *count = htrail__paths_count(&s->leaks->paths, s->leaks->snapshot_count - 1, leak->grows);
    *asked = 0;
    s->place_count = 0;
    for (uint32_t id = count->last; id >= count->first && id > 0 && *asked < ASKED; id--) {
        if (!is_of_grows(s, leak, id))
            continue;
        ++*asked;
        if (!ask(s, leak, id))
            return false;
    }
    return true;
}

/* Whether path is where leak gathers, or lies below what gathers there. */
static bool is_of(const search *s, const htrail__leak *leak, uint32_t path)
{
    if (path == leak->at)
        return true;
    for (uint32_t i = 0; i < leak->part_count; i++)
        if (htrail__shapes_is_below(&s->leaks->paths.shapes, path, leak->parts[i]))
            return true;
    return false;
}

/* A container whose length grows as the leak does, and that holds the objects asked about: they count where they were met first,
 * so that nothing grows there. */
static bool note_lengths(search *s, htrail__leak *leak, uint32_t path)
{
    uint64_t steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned last = s->leaks->snapshot_count - 1;
    for (unsigned i = 1; i <= last; i++) {
        uint64_t before = htrail__leaks_count(s->leaks, i - 1, path)->length, now = htrail__leaks_count(s->leaks, i, path)->length;
        if (now <= before)
            return true;
        steps[i - 1] = now - before;
    }
    return leak->kind == HTRAIL__LEAK_THREADS || is_of(s, leak, path) || !htrail__leaks_together(leak->steps, steps, last) || htrail__leaks_add_also(leak, path);
}

static bool are_as_many(const htrail__leak *a, const htrail__leak *b, unsigned steps)
{
    uint64_t of_a = 0, of_b = 0;
    for (unsigned i = 0; i < steps; i++) {
        of_a += a->steps[i];
        of_b += b->steps[i];
    }
    return 10 * of_a >= 9 * of_b && 10 * of_b >= 9 * of_a;
}

static bool join(search *s, size_t index)
{
    uint32_t asked;
    if (!ask_some(s, &s->leaks->leaks[index], &asked))
        return false;
    for (size_t p = 0; p < s->place_count; p++)
        if (2 * s->places[p].times >= asked && !note_lengths(s, &s->leaks->leaks[index], s->places[p].path))
            return false;
    for (size_t p = 0; p < s->place_count; p++) {
        if (2 * s->places[p].times < asked)
            continue;
        for (size_t i = 0; i < s->leaks->count; i++) {
            htrail__leak *leak = &s->leaks->leaks[index], *other = &s->leaks->leaks[i];
            if (i == index || other->part_count == 0 || other->grows == HTRAIL__NO_SHAPE || !is_of(s, other, s->places[p].path) ||
                !htrail__leaks_together(leak->steps, other->steps, s->leaks->snapshot_count - 1))
                continue;
            bool is_larger = htrail__leaks_weight(s->leaks, other->grows) > htrail__leaks_weight(s->leaks, leak->grows);
            htrail__leak *into = is_larger ? other : leak, *from = is_larger ? leak : other;
            /* Where the one's objects hang on those of the other and are fewer, its container holds only a part of them. */
            bool holds_all = s->places[p].path == other->at || are_as_many(leak, other, s->leaks->snapshot_count - 1);
            if (!htrail__leaks_absorb(s->leaks, into, from) || !htrail__leaks_add_joint(into, from->at) || (holds_all && !htrail__leaks_add_also(into, from->at)))
                return false;
            if (from->noisy == NULL)
                into->noisy = NULL;
            if (is_larger)
                return true;
        }
    }
    return true;
}

static bool merge(search *s, htrail__leak *a, htrail__leak *b)
{
    htrail__leak *into = a->bytes_growth >= b->bytes_growth ? a : b, *from = into == a ? b : a;
    if (from->noisy == NULL)
        into->noisy = NULL;
    return htrail__leaks_absorb(s->leaks, into, from);
}

static bool is_weak(const search *s, const htrail__leak *leak)
{
    htrail_str type = htrail__texts_get(&s->leaks->paths.texts, s->leaks->paths.shapes.shapes[leak->grows].type);
    return htrail__str_starts(type, "weakref.") || htrail__str_ends(type, "WeakMethod") || htrail__str_starts(type, "weak");
}

static bool is_namespace_or_root(const search *s, uint32_t path)
{
    const htrail__shape *shape = &s->leaks->paths.shapes.shapes[path];
    return shape->parent == HTRAIL__NO_SHAPE || shape->ref_kind == HTRAIL_REF_FIELD || htrail__path_is_root(&s->leaks->paths, shape->parent);
}

/* Weak references to what leaks are many because it is; and what the same container holds under several names, of one type,
 * is one leak. */
static bool join_alike(search *s)
{
    const htrail__shape *shapes = s->leaks->paths.shapes.shapes;
    unsigned steps = s->leaks->snapshot_count - 1;
    for (size_t i = 0; i < s->leaks->count; i++)
        for (size_t k = 0; k < s->leaks->count; k++) {
            htrail__leak *a = &s->leaks->leaks[i], *b = &s->leaks->leaks[k];
            if (i == k || a->part_count == 0 || b->part_count == 0 || a->grows == HTRAIL__NO_SHAPE || b->grows == HTRAIL__NO_SHAPE)
                continue;
            if (is_weak(s, a) && !is_weak(s, b) && htrail__leaks_together(a->steps, b->steps, steps)) {
                if (!htrail__leaks_absorb(s->leaks, b, a))
                    return false;
            } else if (i < k && a->kind == b->kind && shapes[a->at].parent == shapes[b->at].parent && shapes[a->grows].type == shapes[b->grows].type &&
                       !is_namespace_or_root(s, shapes[a->at].parent) && !merge(s, a, b)) {
                return false;
            }
        }
    return true;
}

htrail_status htrail__leaks_join_holders(htrail__leaks *leaks, sqlite3 *last, char *message, size_t message_cap)
{
    search s = {.leaks = leaks};
    htrail_status status = HTRAIL_OK;
    if (sqlite3_prepare_v2(last, "SELECT src, label FROM heap_reference WHERE dst = ?1", -1, &s.holders, NULL) != SQLITE_OK)
        status = HTRAIL_E_DATABASE;
    for (size_t i = 0; i < leaks->count && status == HTRAIL_OK; i++)
        if (leaks->leaks[i].part_count > 0 && leaks->leaks[i].grows != HTRAIL__NO_SHAPE && !join(&s, i))
            status = HTRAIL_E_DATABASE;
    if (status == HTRAIL_OK && !join_alike(&s))
        status = HTRAIL_E_NOMEM;
    if (status == HTRAIL_E_DATABASE)
        snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(last));
    sqlite3_finalize(s.holders);
    return status;
}
