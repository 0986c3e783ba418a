/* analyze/retained_set.c - see the header. */
#include "analyze/retained_set.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/schema.h"
#include <htrail/types.h>

typedef struct work {
    htrail__retained_set *out;
    sqlite3 *db;
    sqlite3_stmt *object, *references, *targets, *referrers, *is_root;
    uint64_t id_max, live_max;  /* ids past live_max: no root reaches them */
    uint64_t *in, *certain;     /* a bit an id: member or candidate; dominated by a member, or one */
    uint32_t *candidates, *dropped;
    uint64_t candidate_count, candidate_room, dropped_count, dropped_room;
    char *message;
    size_t message_cap;
} work;

typedef struct row {
    uint64_t id, size_bytes, holder, dominator, retained;
} row;

static bool bit(const uint64_t *bits, uint64_t at) { return bits[at >> 6] >> (at & 63) & 1; }
static void set_bit(uint64_t *bits, uint64_t at) { bits[at >> 6] |= UINT64_C(1) << (at & 63); }
static void clear_bit(uint64_t *bits, uint64_t at) { bits[at >> 6] &= ~(UINT64_C(1) << (at & 63)); }

static htrail_status fail(work *w, htrail_status status)
{
    if (w->message != NULL && w->message_cap > 0)
        snprintf(w->message, w->message_cap, "cannot ask what a set retains: %s", status == HTRAIL_E_NOMEM ? "out of memory" : sqlite3_errmsg(w->db));
    return status;
}

static htrail_status prepare(work *w, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v2(w->db, sql, -1, statement, NULL) == SQLITE_OK ? HTRAIL_OK : fail(w, HTRAIL_E_DATABASE);
}

static htrail_status prepare_all(work *w)
{
#define ROW "o.id, o.size, coalesce(o.holder, 0), coalesce(o.dominator, o.holder, 0), coalesce(o.retained, o.size)"
    char references[512], targets[256], referrers[256];
    htrail_status status;
    /* What an object holds has a greater id than it. */
    snprintf(references, sizeof references,
             "SELECT " ROW " FROM heap_reference r JOIN heap_object o ON o.id = r.dst WHERE r.src = ?1 AND r.dst > ?1 AND r.label & %d <> %d AND o.holder = ?1",
             (int)HTRAIL__CODE_KIND_MASK, (int)HTRAIL_REF_WEAK);
    snprintf(targets, sizeof targets, "SELECT dst FROM heap_reference WHERE src = ? AND label & %d <> %d", (int)HTRAIL__CODE_KIND_MASK, (int)HTRAIL_REF_WEAK);
    snprintf(referrers, sizeof referrers, "SELECT src FROM heap_reference WHERE dst = ? AND label & %d <> %d", (int)HTRAIL__CODE_KIND_MASK, (int)HTRAIL_REF_WEAK);
    if ((status = prepare(w, &w->object, "SELECT " ROW " FROM heap_object o WHERE o.id = ?")) != HTRAIL_OK ||
        (status = prepare(w, &w->references, references)) != HTRAIL_OK || (status = prepare(w, &w->targets, targets)) != HTRAIL_OK ||
        (status = prepare(w, &w->referrers, referrers)) != HTRAIL_OK)
        return status;
    return prepare(w, &w->is_root, "SELECT 1 FROM root WHERE object = ?1 UNION ALL SELECT 1 FROM heap_object o JOIN type t ON t.id = o.type WHERE o.id = ?1 AND coalesce(o.flags, t.flags) & 32");
#undef ROW
}

static void ask(sqlite3_stmt *statement, uint64_t id)
{
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
}

/* HTRAIL_END: no more. */
static htrail_status step(work *w, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    return code == SQLITE_ROW ? HTRAIL_OK : code == SQLITE_DONE ? HTRAIL_END : fail(w, HTRAIL_E_DATABASE);
}

static uint64_t number(sqlite3_stmt *statement, int column) { return (uint64_t)sqlite3_column_int64(statement, column); }

static htrail_status next_row(work *w, sqlite3_stmt *statement, row *out)
{
    htrail_status status = step(w, statement);
    if (status == HTRAIL_OK)
        *out = (row){number(statement, 0), number(statement, 1), number(statement, 2), number(statement, 3), number(statement, 4)};
    return status;
}

static htrail_status push(work *w, uint32_t **ids, uint64_t *count, uint64_t *room, uint64_t id)
{
    if (*count == *room) {
        uint64_t larger = *room != 0 ? *room * 2 : 1024;
        uint32_t *grown = htrail__mapping_grow(*ids, larger * sizeof *grown);
        if (grown == NULL)
            return fail(w, HTRAIL_E_NOMEM);
        *ids = grown;
        *room = larger;
    }
    (*ids)[(*count)++] = (uint32_t)id;
    return HTRAIL_OK;
}

static uint64_t sum_of(uint64_t left, uint64_t right)
{
    return left < INT64_MAX && right < INT64_MAX - left ? left + right : INT64_MAX;
}

/* Ids of garbage come last. */
static htrail_status find_limits(work *w)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = prepare(w, &statement, "SELECT coalesce(max(id), 0) FROM heap_object");
    if (status == HTRAIL_OK && (status = step(w, statement)) == HTRAIL_OK)
        w->id_max = number(statement, 0);
    sqlite3_finalize(statement);
    statement = NULL;
    if (status == HTRAIL_OK)
        status = prepare(w, &statement, "SELECT depth IS NOT NULL FROM heap_object WHERE id = ?");
    for (uint64_t low = 0, high = w->id_max; status == HTRAIL_OK;) {
        uint64_t middle = low + (high - low + 1) / 2;
        w->live_max = low;
        if (low == high)
            break;
        ask(statement, middle);
        if ((status = step(w, statement)) != HTRAIL_OK)
            break;
        if (number(statement, 0))
            low = middle;
        else
            high = middle - 1;
    }
    sqlite3_finalize(statement);
    return status == HTRAIL_END ? HTRAIL_OK : status;
}

/* Garbage: those that no other member dominates. */
static htrail_status add_garbage(work *w, uint64_t id)
{
    row at;
    uint64_t retained;
    htrail_status status;

    ask(w->object, id);
    if ((status = next_row(w, w->object, &at)) != HTRAIL_OK)
        return status == HTRAIL_END ? HTRAIL_OK : status;
    w->out->members++;
    w->out->objects++;
    retained = at.retained;
    while (at.dominator != 0) {
        ask(w->object, at.dominator);
        if ((status = next_row(w, w->object, &at)) != HTRAIL_OK)
            return status == HTRAIL_END ? HTRAIL_OK : status;
        if (bit(w->in, at.id))
            return HTRAIL_OK;
    }
    w->out->bytes = sum_of(w->out->bytes, retained);
    return HTRAIL_OK;
}

static htrail_status add_member(work *w, uint64_t id)
{
    row at;
    htrail_status status;

    ask(w->object, id);
    if ((status = next_row(w, w->object, &at)) != HTRAIL_OK)
        return status == HTRAIL_END ? HTRAIL_OK : status;
    w->out->members++;
    w->out->objects++;
    w->out->bytes = sum_of(w->out->bytes, at.size_bytes);
    return push(w, &w->candidates, &w->candidate_count, &w->candidate_room, id);
}

/* All that is held through the members. Those that are found out are in the order of their chains, so
 * that it is known of a dominator by then whether a member dominates it. */
static htrail_status find_candidates(work *w)
{
    htrail_status status = HTRAIL_OK;
    for (uint64_t place = 0; place < w->candidate_count && status == HTRAIL_OK; place++) {
        row at;
        ask(w->references, w->candidates[place]);
        while ((status = next_row(w, w->references, &at)) == HTRAIL_OK) {
            if (bit(w->in, at.id))
                continue;
            set_bit(w->in, at.id);
            if (bit(w->certain, at.dominator))
                set_bit(w->certain, at.id);
            w->out->objects++;
            w->out->bytes = sum_of(w->out->bytes, at.size_bytes);
            if (!bit(w->certain, at.id))
                w->out->together = sum_of(w->out->together, at.size_bytes);
            if ((status = push(w, &w->candidates, &w->candidate_count, &w->candidate_room, at.id)) != HTRAIL_OK)
                return status;
        }
        if (status == HTRAIL_END)
            status = HTRAIL_OK;
    }
    return status;
}

/* Whether something that lives and does not go refers to the object, or a root holds it. */
static htrail_status is_held_otherwise(work *w, uint64_t id, bool *held)
{
    htrail_status status;
    ask(w->is_root, id);
    status = step(w, w->is_root);
    *held = status == HTRAIL_OK;
    if (status != HTRAIL_END)
        return status;
    ask(w->referrers, id);
    while ((status = step(w, w->referrers)) == HTRAIL_OK) {
        uint64_t referrer = number(w->referrers, 0);
        if (referrer <= w->live_max && !bit(w->in, referrer)) {
            *held = true;
            return HTRAIL_OK;
        }
    }
    return status == HTRAIL_END ? HTRAIL_OK : status;
}

static htrail_status drop(work *w, uint64_t id)
{
    row at;
    htrail_status status;

    clear_bit(w->in, id);
    ask(w->object, id);
    if ((status = next_row(w, w->object, &at)) != HTRAIL_OK)
        return status == HTRAIL_END ? HTRAIL_OK : status;
    w->out->objects--;
    w->out->bytes -= at.size_bytes < w->out->bytes ? at.size_bytes : w->out->bytes;
    w->out->together -= at.size_bytes < w->out->together ? at.size_bytes : w->out->together;
    return push(w, &w->dropped, &w->dropped_count, &w->dropped_room, id);
}

/* What is held otherwise stays, and what it refers to. */
static htrail_status drop_candidates(work *w)
{
    htrail_status status = HTRAIL_OK;
    bool held;

    for (uint64_t place = 0; place < w->candidate_count && status == HTRAIL_OK; place++)
        if (!bit(w->certain, w->candidates[place]) && bit(w->in, w->candidates[place]) &&
            (status = is_held_otherwise(w, w->candidates[place], &held)) == HTRAIL_OK && held)
            status = drop(w, w->candidates[place]);
    for (uint64_t place = 0; place < w->dropped_count && status == HTRAIL_OK; place++) {
        ask(w->targets, w->dropped[place]);
        while ((status = step(w, w->targets)) == HTRAIL_OK) {
            uint64_t target = number(w->targets, 0);
            if (bit(w->in, target) && !bit(w->certain, target) && (status = drop(w, target)) != HTRAIL_OK)
                return status;
        }
        if (status == HTRAIL_END)
            status = HTRAIL_OK;
    }
    return status;
}

static htrail_status find(work *w, const uint64_t *ids, size_t count)
{
    htrail_status status = find_limits(w);
    size_t words = (size_t)(w->id_max / 64 + 1);

    if (status != HTRAIL_OK || (status = prepare_all(w)) != HTRAIL_OK)
        return status;
    w->in = htrail__mapping_new(words, sizeof *w->in);
    w->certain = htrail__mapping_new(words, sizeof *w->certain);
    if (w->in == NULL || w->certain == NULL)
        return fail(w, HTRAIL_E_NOMEM);
    for (size_t i = 0; i < count; i++)
        if (ids[i] > 0 && ids[i] <= w->id_max)
            set_bit(w->in, ids[i]);
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        if (ids[i] == 0 || ids[i] > w->id_max || bit(w->certain, ids[i]))
            continue;
        set_bit(w->certain, ids[i]);
        status = ids[i] <= w->live_max ? add_member(w, ids[i]) : add_garbage(w, ids[i]);
    }
    if (status != HTRAIL_OK || (status = find_candidates(w)) != HTRAIL_OK)
        return status;
    return drop_candidates(w);
}

htrail_status htrail__retained_set_find(htrail__retained_set *out, sqlite3 *db, const uint64_t *ids, size_t count, char *message, size_t message_cap)
{
    work w = {.out = out, .db = db, .message = message, .message_cap = message_cap};
    htrail_status status;

    *out = (htrail__retained_set){0};
    status = find(&w, ids, count);
    sqlite3_finalize(w.object);
    sqlite3_finalize(w.references);
    sqlite3_finalize(w.targets);
    sqlite3_finalize(w.referrers);
    sqlite3_finalize(w.is_root);
    htrail__mapping_free(w.in);
    htrail__mapping_free(w.certain);
    htrail__mapping_free(w.candidates);
    htrail__mapping_free(w.dropped);
    return status;
}
