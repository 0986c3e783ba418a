/* analyze/fresh.c - see the header. The names are those of the query in analyze/identity.c. */
#include "analyze/fresh.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/identity.h"
#include "analyze/object_rows.h"
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
    int64_t fingerprint, age; /* age -1: it has none */
    uint32_t id, holder;      /* 0: none */
    bool is_moved;
} old_object;

typedef struct listed_object {
    int64_t age, age_before;
    uint32_t id, before; /* before: its place among the old ones */
} listed_object;

typedef struct type_row {
    uint64_t address;
    bool is_known, is_dict;
} type_row;

struct htrail__fresh {
    unsigned char *flags; /* by id */
    uint32_t *holders;    /* by id; 0: none. Once all are read, the nearest above that is an ANCHOR */
    size_t room;
};

typedef struct work {
    htrail__fresh *out;
    sqlite3 *db;
    type_row *types; /* by id, of the snapshot that is read */
    size_t type_room;
    old_object *old; /* by id */
    uint32_t *slots; /* number + 1, by address */
    size_t old_count, old_room, slot_count, guess; /* guess: objects that stay are mostly in the same order */
    listed_object *listed;
    size_t listed_count, listed_room;
    int64_t settled, first_new;
    bool is_collected;
} work;

static int64_t or_else(int64_t value, int64_t none) { return value == HTRAIL__BTREE_NULL ? none : value; }

static size_t slot_of(const work *w, uint64_t address)
{
    return (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (w->slot_count - 1);
}

static const old_object *old_at(work *w, uint64_t address)
{
    if (w->guess < w->old_count && w->old[w->guess].address == address)
        return &w->old[w->guess++];
    for (size_t slot = slot_of(w, address); w->slots[slot] != 0; slot = (slot + 1) & (w->slot_count - 1))
        if (w->old[w->slots[slot] - 1].address == address) {
            w->guess = w->slots[slot];
            return &w->old[w->slots[slot] - 1];
        }
    return NULL;
}

static const old_object *old_numbered(const work *w, uint32_t id)
{
    size_t low = 0, high = w->old_count;
    if (id > 0 && id <= w->old_count && w->old[id - 1].id == id) /* they are dense but in a damaged database */
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

static htrail_status read_types(work *w, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int stepped = SQLITE_ERROR;
    htrail_status status = HTRAIL_OK;
    if (w->type_room > 0)
        memset(w->types, 0, w->type_room * sizeof *w->types);
    if (sqlite3_prepare_v2(db, "SELECT id, address, name = 'dict' FROM type", -1, &statement, NULL) == SQLITE_OK)
        while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW) {
            int64_t id = sqlite3_column_int64(statement, 0);
            if (id < 0 || id >= UINT32_MAX / 2)
                continue;
            while ((size_t)id >= w->type_room && status == HTRAIL_OK) {
                size_t room = w->type_room;
                if (!htrail__grow(&w->types, &w->type_room, room, sizeof *w->types))
                    status = HTRAIL_E_NOMEM;
                else
                    memset(w->types + room, 0, (w->type_room - room) * sizeof *w->types);
            }
            if (status == HTRAIL_OK)
                w->types[id] = (type_row){(uint64_t)sqlite3_column_int64(statement, 1), true, sqlite3_column_int(statement, 2) != 0};
        }
    sqlite3_finalize(statement);
    return status == HTRAIL_OK && stepped != SQLITE_DONE ? HTRAIL_E_DATABASE : status;
}

/* What is of no type that the snapshot knows is no object: NULL. */
static const type_row *type_of(const work *w, const int64_t *values)
{
    int64_t id = values[HTRAIL__OBJECT_TYPE];
    return id < 0 || (uint64_t)id >= w->type_room || !w->types[id].is_known ? NULL : &w->types[id];
}

static htrail_status note_before(work *w, int64_t id, const int64_t *values)
{
    const type_row *type = type_of(w, values);
    if (type == NULL)
        return HTRAIL_OK;
    if (id <= 0 || id >= UINT32_MAX)
        return HTRAIL_E_LIMIT;
    if (!htrail__grow(&w->old, &w->old_room, w->old_count, sizeof *w->old))
        return HTRAIL_E_NOMEM;
    w->old[w->old_count++] = (old_object){(uint64_t)values[HTRAIL__OBJECT_ADDRESS], type->address, or_else(values[HTRAIL__OBJECT_FINGERPRINT], NO_FINGERPRINT),
                                          or_else(values[HTRAIL__OBJECT_AGE], -1), (uint32_t)id, (uint32_t)or_else(values[HTRAIL__OBJECT_HOLDER], 0), false};
    return HTRAIL_OK;
}

static htrail_status index_before(work *w)
{
    for (w->slot_count = 1024; w->slot_count < 2 * w->old_count; w->slot_count *= 2)
        ;
    w->slots = calloc(w->slot_count, sizeof *w->slots);
    if (w->slots == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < w->old_count; i++) {
        size_t slot = slot_of(w, w->old[i].address);
        /* Two at one address are in a damaged database only: the first is found. */
        while (w->slots[slot] != 0 && w->old[w->slots[slot] - 1].address != w->old[i].address)
            slot = (slot + 1) & (w->slot_count - 1);
        if (w->slots[slot] == 0)
            w->slots[slot] = (uint32_t)i + 1;
    }
    return HTRAIL_OK;
}

static htrail_status note_after(work *w, int64_t id, const int64_t *values)
{
    htrail__fresh *out = w->out;
    const type_row *type = type_of(w, values);
    int64_t fingerprint = or_else(values[HTRAIL__OBJECT_FINGERPRINT], NO_FINGERPRINT), age = or_else(values[HTRAIL__OBJECT_AGE], -1);
    if (type == NULL)
        return HTRAIL_OK;
    if (id <= 0 || id >= UINT32_MAX)
        return HTRAIL_E_LIMIT;
    while ((size_t)id >= out->room) {
        size_t room = out->room, more = room;
        if (!htrail__grow(&out->flags, &more, room, sizeof *out->flags) || !htrail__grow(&out->holders, &out->room, room, sizeof *out->holders))
            return HTRAIL_E_NOMEM;
        memset(out->flags + room, 0, (out->room - room) * sizeof *out->flags);
        memset(out->holders + room, 0, (out->room - room) * sizeof *out->holders);
    }
    const old_object *old = old_at(w, (uint64_t)values[HTRAIL__OBJECT_ADDRESS]);
    bool is_anchor = age >= 0 && !type->is_dict;
    bool is_known = old != NULL && fingerprint != NO_FINGERPRINT && old->fingerprint != NO_FINGERPRINT && old->fingerprint >> WHAT_SHIFT == fingerprint >> WHAT_SHIFT;
    unsigned flags = (is_anchor ? ANCHOR : 0) | (is_known ? 0 : OTHER) | (or_else(values[HTRAIL__OBJECT_REFERRERS], 1) == 1 ? HELD_ONCE : 0);
    if (is_known && (old->fingerprint & 0xff00) == (fingerprint & 0xff00))
        flags |= SAME_PLACE;
    if (is_anchor && (old == NULL || old->type_address != type->address) && age < w->first_new)
        w->first_new = age;
    if (age >= 0 && is_known && old->age >= 0) {
        flags |= LISTED;
        if (!htrail__grow(&w->listed, &w->listed_room, w->listed_count, sizeof *w->listed))
            return HTRAIL_E_NOMEM;
        w->listed[w->listed_count++] = (listed_object){age, old->age, (uint32_t)id, (uint32_t)(old - w->old)};
    }
    out->flags[id] = (unsigned char)flags;
    out->holders[id] = (uint32_t)or_else(values[HTRAIL__OBJECT_HOLDER], 0);
    return HTRAIL_OK;
}

/* Every object of the one snapshot or the other, over a connection to it alone: of an attached database no pages are read. */
static htrail_status read_objects(work *w, const char *attached, htrail_status (*note)(work *, int64_t, const int64_t *))
{
    enum { COLUMNS = HTRAIL__OBJECT_REFERRERS + 1 };
    int64_t id, values[COLUMNS];
    htrail__object_rows rows;
    sqlite3 *db = NULL;
    const char *path = sqlite3_db_filename(w->db, attached);
    htrail__btree_step step = HTRAIL__BTREE_BROKEN;
    htrail_status status = HTRAIL_E_DATABASE;
    if (path == NULL || sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK || sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        (status = read_types(w, db)) != HTRAIL_OK)
        goto done;
    if (!htrail__object_rows_open(&rows, db)) {
        status = HTRAIL_E_DATABASE;
        goto done;
    }
    while (status == HTRAIL_OK && (step = htrail__object_rows_next(&rows, &id, values, COLUMNS)) == HTRAIL__BTREE_ROW)
        status = note(w, id, values);
    if (status == HTRAIL_OK && step != HTRAIL__BTREE_DONE)
        status = HTRAIL_E_DATABASE;
    htrail__object_rows_release(&rows);
done:
    sqlite3_close(db);
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

/* Ages are places in a list: all in one pass, unless they say otherwise. */
static void sort_by_age(work *w)
{
    int64_t oldest = -1;
    for (size_t i = 0; i < w->listed_count; i++)
        oldest = w->listed[i].age > oldest ? w->listed[i].age : oldest;
    bool is_list = oldest >= 0 && (uint64_t)oldest < 8 * (uint64_t)w->listed_count;
    uint32_t *at = is_list ? calloc((size_t)oldest + 1, sizeof *at) : NULL; /* by age: number + 1 */
    for (size_t i = 0; i < w->listed_count && is_list; i++) {
        is_list = at != NULL && at[w->listed[i].age] == 0;
        if (is_list)
            at[w->listed[i].age] = (uint32_t)i + 1;
    }
    listed_object *sorted = is_list ? malloc(w->listed_count * sizeof *sorted) : NULL;
    if (sorted != NULL) {
        size_t used = 0;
        for (size_t age = 0; age <= (size_t)oldest; age++)
            if (at[age] != 0)
                sorted[used++] = w->listed[at[age] - 1];
        free(w->listed);
        w->listed = sorted;
        w->listed_room = w->listed_count;
    } else if (w->listed_count > 0) {
        qsort(w->listed, w->listed_count, sizeof *w->listed, by_age);
    }
    free(at);
}

/* An object that an older one now stands behind is a new one at its address. */
static void find_passed(work *w)
{
    int64_t oldest = -1;
    sort_by_age(w);
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

/* A chain of a million dicts would else be gone up from each of them. A holder has the smaller number. */
static void find_anchors(htrail__fresh *out)
{
    for (size_t id = 1; id < out->room; id++) {
        uint32_t holder = out->holders[id] < id ? out->holders[id] : 0;
        out->holders[id] = out->flags[holder] & ANCHOR ? holder : out->holders[holder];
    }
}

htrail_status htrail__fresh_open(htrail__fresh **out, sqlite3 *db)
{
    work w = {.db = db, .first_new = INT64_MAX};
    htrail_status status = HTRAIL_E_NOMEM;
    *out = NULL;
    w.out = calloc(1, sizeof *w.out);
    if (w.out == NULL || (status = read_settled(&w)) != HTRAIL_OK || (status = read_objects(&w, "before", note_before)) != HTRAIL_OK || (status = index_before(&w)) != HTRAIL_OK ||
        (status = read_objects(&w, "after", note_after)) != HTRAIL_OK)
        goto done;
    find_moved(&w);
    find_passed(&w);
    find_anchors(w.out);
    *out = w.out;
    w.out = NULL;
done:
    htrail__fresh_free(w.out);
    free(w.types);
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
    /* What the collector does not know follows what holds it. */
    uint32_t anchor = fresh->holders[id];
    return anchor != 0 && (!(fresh->flags[anchor] & LISTED) || (fresh->flags[anchor] & NEW_ANCHOR));
}

void htrail__fresh_free(htrail__fresh *fresh)
{
    if (fresh == NULL)
        return;
    free(fresh->flags);
    free(fresh->holders);
    free(fresh);
}
