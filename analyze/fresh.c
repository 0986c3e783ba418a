/* analyze/fresh.c - see the header. The names are those of the query in analyze/identity.c. */
#include "analyze/fresh.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/identity.h"
#include "analyze/text.h"

enum {
    OTHER = 1,       /* another kind of object stood at its address, or none */
    SAME_PLACE = 2,
    ANCHOR = 4,      /* the collector knows it, and it is no dict */
    LISTED = 8,      /* ... and knew it before */
    NEW_ANCHOR = 16, /* one that was listed before was passed by it */
    HELD_ONCE = 32,
    CERTAIN = 64     /* nobody was passed by it, and nothing new stands in front of it */
};
enum { SQL_BYTES_MAX = 1 << 16, WHAT_SHIFT = 16 };
#define NO_FINGERPRINT INT64_MIN /* they are 32 bits, with a sign */

typedef struct old_object {
    uint64_t address, type_address;
    int64_t fingerprint, age; /* -1: it has no age */
    int64_t id, holder;       /* 0: none */
    bool is_moved;
} old_object;

typedef struct listed_object {
    int64_t age, age_before;
    uint32_t id, before; /* before: its place among the old ones */
} listed_object;

struct htrail__fresh {
    unsigned char *flags; /* by id */
    uint32_t *holders;    /* by id; 0: none */
    size_t room;
};

typedef struct work {
    htrail__fresh *out;
    sqlite3 *db;
    old_object *old; /* by id */
    uint32_t *slots; /* number + 1, by address */
    size_t old_count, old_room, slot_count;
    listed_object *listed;
    size_t listed_count, listed_room;
    int64_t settled, first_new;
    bool is_collected;
} work;

static int64_t number_or(sqlite3_stmt *statement, int column, int64_t none)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? none : sqlite3_column_int64(statement, column);
}

static size_t slot_of(const work *w, uint64_t address)
{
    return (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (w->slot_count - 1);
}

static const old_object *old_at(const work *w, uint64_t address)
{
    for (size_t slot = slot_of(w, address); w->slots[slot] != 0; slot = (slot + 1) & (w->slot_count - 1))
        if (w->old[w->slots[slot] - 1].address == address)
            return &w->old[w->slots[slot] - 1];
    return NULL;
}

static const old_object *old_numbered(const work *w, int64_t id)
{
    size_t low = 0, high = w->old_count;
    if (id > 0 && (uint64_t)id <= w->old_count && w->old[id - 1].id == id) /* they are dense but in a damaged database */
        return &w->old[id - 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->old[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->old_count && w->old[low].id == id ? &w->old[low] : NULL;
}

static htrail_status read_settled(work *w)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    htrail__text sql;
    htrail__text_init(&sql, SQL_BYTES_MAX);
    htrail__text_add_string(&sql, htrail__identity_sql);
    htrail__text_add_string(&sql, "SELECT age, is_collected FROM settled");
    if (!sql.failed && sqlite3_prepare_v2(w->db, htrail__text_string(&sql), -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        w->settled = sqlite3_column_int64(statement, 0);
        w->is_collected = sqlite3_column_int(statement, 1) != 0;
        status = HTRAIL_OK;
    }
    sqlite3_finalize(statement);
    htrail__text_release(&sql);
    return status;
}

static htrail_status read_before(work *w)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    int stepped;
    if (sqlite3_prepare_v2(w->db, "SELECT o.address, t.address, o.fingerprint, o.age, o.id, o.holder\n"
                                  "FROM before.heap_object o JOIN before.type t ON t.id = o.type ORDER BY o.id", -1, &statement,
                           NULL) != SQLITE_OK)
        goto done;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        if (w->old_count == UINT32_MAX - 1 || !htrail__grow(&w->old, &w->old_room, w->old_count, sizeof *w->old)) {
            status = w->old_count == UINT32_MAX - 1 ? HTRAIL_E_LIMIT : HTRAIL_E_NOMEM;
            goto done;
        }
        w->old[w->old_count++] = (old_object){(uint64_t)sqlite3_column_int64(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1), number_or(statement, 2, NO_FINGERPRINT),
                                              number_or(statement, 3, -1), sqlite3_column_int64(statement, 4), number_or(statement, 5, 0), false};
    }
    if (stepped != SQLITE_DONE)
        goto done;
    for (w->slot_count = 1024; w->slot_count < 2 * w->old_count; w->slot_count *= 2)
        ;
    w->slots = calloc(w->slot_count, sizeof *w->slots);
    status = w->slots == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    for (size_t i = 0; i < w->old_count && status == HTRAIL_OK; i++) {
        size_t slot = slot_of(w, w->old[i].address);
        while (w->slots[slot] != 0)
            slot = (slot + 1) & (w->slot_count - 1);
        w->slots[slot] = (uint32_t)i + 1;
    }
done:
    sqlite3_finalize(statement);
    return status;
}

static htrail_status note(work *w, sqlite3_stmt *row)
{
    htrail__fresh *out = w->out;
    int64_t id = sqlite3_column_int64(row, 0), fingerprint = number_or(row, 3, NO_FINGERPRINT), age = number_or(row, 4, -1);
    if (id <= 0 || id >= UINT32_MAX)
        return HTRAIL_E_LIMIT;
    while ((size_t)id >= out->room) {
        size_t room = out->room, more = room;
        if (!htrail__grow(&out->flags, &more, room, sizeof *out->flags) || !htrail__grow(&out->holders, &out->room, room, sizeof *out->holders))
            return HTRAIL_E_NOMEM;
        memset(out->flags + room, 0, (out->room - room) * sizeof *out->flags);
        memset(out->holders + room, 0, (out->room - room) * sizeof *out->holders);
    }
    const old_object *old = old_at(w, (uint64_t)sqlite3_column_int64(row, 1));
    bool is_anchor = age >= 0 && sqlite3_column_int(row, 7) == 0;
    bool is_known = old != NULL && fingerprint != NO_FINGERPRINT && old->fingerprint != NO_FINGERPRINT && old->fingerprint >> WHAT_SHIFT == fingerprint >> WHAT_SHIFT;
    unsigned flags = (is_anchor ? ANCHOR : 0) | (is_known ? 0 : OTHER) | (number_or(row, 6, 1) == 1 ? HELD_ONCE : 0);
    if (is_known && (old->fingerprint & 0xff00) == (fingerprint & 0xff00))
        flags |= SAME_PLACE;
    if (is_anchor && (old == NULL || old->type_address != (uint64_t)sqlite3_column_int64(row, 2)) && age < w->first_new)
        w->first_new = age;
    if (age >= 0 && is_known && old->age >= 0) {
        flags |= LISTED;
        if (!htrail__grow(&w->listed, &w->listed_room, w->listed_count, sizeof *w->listed))
            return HTRAIL_E_NOMEM;
        w->listed[w->listed_count++] = (listed_object){age, old->age, (uint32_t)id, (uint32_t)(old - w->old)};
    }
    out->flags[id] = (unsigned char)flags;
    out->holders[id] = (uint32_t)number_or(row, 5, 0);
    return HTRAIL_OK;
}

static htrail_status read_after(work *w)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_OK;
    int stepped = SQLITE_ERROR;
    if (sqlite3_prepare_v2(w->db, "SELECT o.id, o.address, t.address, o.fingerprint, o.age, o.holder, o.referrers, t.name = 'dict'\n"
                                  "FROM after.heap_object o JOIN after.type t ON t.id = o.type", -1, &statement, NULL) == SQLITE_OK)
        while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW)
            status = note(w, statement);
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = HTRAIL_E_DATABASE;
    sqlite3_finalize(statement);
    return status;
}

static int by_age(const void *left, const void *right)
{
    const listed_object *a = left, *b = right;
    return a->age < b->age ? -1 : a->age > b->age;
}

/* What stands in front of what leads to it moves in the next full collection, and so does all below it. */
static void find_moved(work *w)
{
    for (size_t i = 0; i < w->old_count && w->is_collected; i++) {
        old_object *object = &w->old[i];
        const old_object *holder = object->holder < object->id ? old_numbered(w, object->holder) : NULL;
        if (holder != NULL)
            object->is_moved = holder->is_moved || (object->age >= 0 && object->age <= w->settled && holder->age > object->age);
    }
}

/* An object that an older one now stands behind is a new one at its address. */
static void find_passed(work *w)
{
    int64_t oldest = -1;
    if (w->listed_count > 0)
        qsort(w->listed, w->listed_count, sizeof *w->listed, by_age);
    for (size_t i = 0; i < w->listed_count; i++) {
        const listed_object *o = &w->listed[i];
        bool is_passed = oldest > o->age_before;
        if (o->age_before > oldest)
            oldest = o->age_before;
        if (o->age_before > w->settled)
            continue;
        if (is_passed && (w->out->flags[o->id] & ANCHOR) && !w->old[o->before].is_moved)
            w->out->flags[o->id] |= NEW_ANCHOR;
        else if (!is_passed && o->age < w->first_new)
            w->out->flags[o->id] |= CERTAIN;
    }
}

htrail_status htrail__fresh_open(htrail__fresh **out, sqlite3 *db)
{
    work w = {.db = db, .first_new = INT64_MAX};
    htrail_status status = HTRAIL_E_NOMEM;
    *out = NULL;
    w.out = calloc(1, sizeof *w.out);
    if (w.out == NULL || (status = read_settled(&w)) != HTRAIL_OK || (status = read_before(&w)) != HTRAIL_OK || (status = read_after(&w)) != HTRAIL_OK)
        goto done;
    find_moved(&w);
    find_passed(&w);
    *out = w.out;
    w.out = NULL;
done:
    htrail__fresh_free(w.out);
    free(w.old);
    free(w.slots);
    free(w.listed);
    return status;
}

bool htrail__fresh_is(const htrail__fresh *fresh, uint64_t id)
{
    if (id == 0 || id >= fresh->room)
        return false;
    unsigned flags = fresh->flags[id];
    if (flags & OTHER)
        return true;
    if (flags & ANCHOR)
        return (flags & NEW_ANCHOR) != 0;
    if ((flags & CERTAIN) || !(flags & SAME_PLACE) || !(flags & HELD_ONCE))
        return false;
    /* What the collector does not know follows what holds it. A holder has the smaller number, or there is none. */
    uint64_t at = fresh->holders[id];
    for (size_t steps = 0; at != 0 && at < fresh->room && !(fresh->flags[at] & ANCHOR) && steps < fresh->room; steps++)
        at = fresh->holders[at];
    return at != 0 && at < fresh->room && (!(fresh->flags[at] & LISTED) || (fresh->flags[at] & NEW_ANCHOR));
}

void htrail__fresh_free(htrail__fresh *fresh)
{
    if (fresh == NULL)
        return;
    free(fresh->flags);
    free(fresh->holders);
    free(fresh);
}
