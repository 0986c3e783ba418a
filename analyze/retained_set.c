/* analyze/retained_set.c - see the header. */
#include "analyze/retained_set.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/bits.h"
#include "analyze/grow.h"
#include "analyze/mapping.h"
#include "analyze/object_rows.h"
#include "analyze/reference_rows.h"
#include "analyze/schema.h"
#include "analyze/tree_part.h"
#include <htrail/types.h>

/* Where so much of the heap was followed one by one it is quicker to read all of it in order. */
enum { FOLLOWED_LEAST = 1024, FOLLOWED_SHARE = 32 };

typedef struct work {
    htrail__retained_set *out;
    sqlite3 *db;
    htrail__object_rows objects;
    htrail__reference_rows targets, referrers;
    uint64_t id_max, live_max;      /* ids past live_max: no root reaches them */
    uint64_t *in, *certain;         /* a bit an id: member or candidate; dominated by a member, or one */
    uint64_t *roots, *type_immortal; /* a bit an id: held by a root; a bit a type: its objects are where they do not say so */
    uint64_t type_count;
    uint32_t *candidates, *dropped;
    uint64_t candidate_count, candidate_room, dropped_count, dropped_room;
    uint64_t followed, followed_max;
    char *message;
    size_t message_cap;
} work;

typedef struct row {
    uint64_t id, size_bytes, holder, dominator, type;
    htrail__tree_part part;
    int64_t flags; /* HTRAIL__BTREE_NULL: those of its type */
} row;

static void clear_bit(uint64_t *bits, uint64_t at) { bits[at >> 6] &= ~(UINT64_C(1) << (at & 63)); }

static htrail_status fail_with(work *w, htrail_status status, const char *cause)
{
    if (w->message != NULL && w->message_cap > 0)
        snprintf(w->message, w->message_cap, "cannot ask what a set retains: %s", cause);
    return status;
}

static htrail_status fail(work *w, htrail_status status) { return fail_with(w, status, status == HTRAIL_E_NOMEM ? "out of memory" : sqlite3_errmsg(w->db)); }

static htrail_status prepare(work *w, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v2(w->db, sql, -1, statement, NULL) == SQLITE_OK ? HTRAIL_OK : fail(w, HTRAIL_E_DATABASE);
}

static htrail_status open_rows(work *w)
{
    return htrail__object_rows_open(&w->objects, w->db) && htrail__reference_rows_open(&w->targets, w->db) && htrail__reference_rows_open_referrers(&w->referrers, w->db)
               ? HTRAIL_OK
               : fail(w, HTRAIL_E_DATABASE);
}

/* HTRAIL_END: no more. */
static htrail_status step(work *w, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    return code == SQLITE_ROW ? HTRAIL_OK : code == SQLITE_DONE ? HTRAIL_END : fail(w, HTRAIL_E_DATABASE);
}

static uint64_t number(sqlite3_stmt *statement, int column) { return (uint64_t)sqlite3_column_int64(statement, column); }

static uint64_t or_else(int64_t value, uint64_t otherwise) { return value != HTRAIL__BTREE_NULL ? (uint64_t)value : otherwise; }

enum { ROW_COLUMNS = HTRAIL__OBJECT_DOMINATOR + 1 };

static void read_row(row *out, int64_t id, const int64_t *values)
{
    out->id = (uint64_t)id;
    out->type = or_else(values[HTRAIL__OBJECT_TYPE], 0);
    out->size_bytes = or_else(values[HTRAIL__OBJECT_SIZE], 0);
    out->holder = or_else(values[HTRAIL__OBJECT_HOLDER], 0);
    out->dominator = or_else(values[HTRAIL__OBJECT_DOMINATOR], out->holder);
    int64_t place = values[HTRAIL__OBJECT_TREE_PLACE];
    out->part = (htrail__tree_part){
        .first = place == HTRAIL__BTREE_NULL ? 0 : place,
        .last = htrail__object_rows_tree_last(values),
        .retained_bytes = or_else(values[HTRAIL__OBJECT_RETAINED], out->size_bytes),
    };
    out->flags = values[HTRAIL__OBJECT_FLAGS];
}

/* HTRAIL_END: there is no such object. */
static htrail_status find_row(work *w, uint64_t id, row *out)
{
    int64_t values[ROW_COLUMNS];
    htrail__btree_step found = htrail__object_rows_find(&w->objects, (int64_t)id, values, ROW_COLUMNS);
    if (found == HTRAIL__BTREE_BROKEN)
        return fail_with(w, HTRAIL_E_DATABASE, htrail__object_rows_error(&w->objects));
    if (found == HTRAIL__BTREE_DONE)
        return HTRAIL_END;
    read_row(out, (int64_t)id, values);
    return HTRAIL_OK;
}

static htrail_status begin_references(work *w, htrail__reference_rows *rows, uint64_t id)
{
    return htrail__reference_rows_find(rows, (int64_t)id) ? HTRAIL_OK : fail_with(w, HTRAIL_E_DATABASE, htrail__reference_rows_error(rows));
}

/* The next strong one's other end; HTRAIL_END: no more. */
static htrail_status next_reference(work *w, htrail__reference_rows *rows, htrail__reference_column end, uint64_t *out)
{
    int64_t values[HTRAIL__REFERENCE_COLUMNS];
    htrail__btree_step found;
    while ((found = htrail__reference_rows_next_found(rows, values)) == HTRAIL__BTREE_ROW) {
        /* No object has another number: where a page says so there is no bit for it. */
        *out = values[end] > 0 && (uint64_t)values[end] <= w->id_max ? (uint64_t)values[end] : 0;
        if (*out != 0 && (values[HTRAIL__REFERENCE_LABEL] & HTRAIL__CODE_KIND_MASK) != HTRAIL_REF_WEAK)
            return HTRAIL_OK;
    }
    return found == HTRAIL__BTREE_DONE ? HTRAIL_END : fail_with(w, HTRAIL_E_DATABASE, htrail__reference_rows_error(rows));
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
    int64_t values[HTRAIL__OBJECT_DEPTH + 1];
    htrail_status status = prepare(w, &statement, "SELECT coalesce(max(id), 0) FROM heap_object");
    if (status == HTRAIL_OK && (status = step(w, statement)) == HTRAIL_OK)
        w->id_max = number(statement, 0);
    sqlite3_finalize(statement);
    for (uint64_t low = 0, high = w->id_max; status == HTRAIL_OK;) {
        uint64_t middle = low + (high - low + 1) / 2;
        w->live_max = low;
        if (low == high)
            break;
        htrail__btree_step found = htrail__object_rows_find(&w->objects, (int64_t)middle, values, HTRAIL__OBJECT_DEPTH + 1);
        if (found == HTRAIL__BTREE_BROKEN)
            return fail_with(w, HTRAIL_E_DATABASE, htrail__object_rows_error(&w->objects));
        if (found == HTRAIL__BTREE_DONE)
            break;
        if (values[HTRAIL__OBJECT_DEPTH] != HTRAIL__BTREE_NULL)
            low = middle;
        else
            high = middle - 1;
    }
    return status;
}

/* What holds without being referred to: roots, and types whose objects are immortal. */
static htrail_status find_pinned(work *w)
{
    static const char roots[] = "SELECT object FROM root", types[] = "SELECT id FROM type WHERE flags & 32";
    sqlite3_stmt *statement = NULL;
    htrail_status status = prepare(w, &statement, roots);
    w->roots = htrail__mapping_new((size_t)(w->id_max / 64 + 1), sizeof *w->roots);
    if (w->roots == NULL)
        status = fail(w, HTRAIL_E_NOMEM);
    while (status == HTRAIL_OK && (status = step(w, statement)) == HTRAIL_OK)
        if (number(statement, 0) <= w->id_max)
            htrail__set_bit(w->roots, number(statement, 0));
    sqlite3_finalize(statement);
    statement = NULL;
    if (status == HTRAIL_END)
        status = prepare(w, &statement, "SELECT coalesce(max(id), 0) FROM type");
    if (status == HTRAIL_OK && (status = step(w, statement)) == HTRAIL_OK)
        w->type_count = number(statement, 0) < UINT32_MAX ? number(statement, 0) + 1 : 0;
    sqlite3_finalize(statement);
    statement = NULL;
    if (status == HTRAIL_OK && (w->type_immortal = htrail__mapping_new((size_t)(w->type_count / 64 + 1), sizeof *w->type_immortal)) == NULL)
        status = fail(w, HTRAIL_E_NOMEM);
    if (status == HTRAIL_OK)
        status = prepare(w, &statement, types);
    while (status == HTRAIL_OK && (status = step(w, statement)) == HTRAIL_OK)
        if (number(statement, 0) < w->type_count)
            htrail__set_bit(w->type_immortal, number(statement, 0));
    sqlite3_finalize(statement);
    return status == HTRAIL_END ? HTRAIL_OK : status;
}

/* Members that are garbage: those that no other dominates. certain: so that each is met once. */
static htrail_status add_garbage(work *w, const uint64_t *ids, size_t count)
{
    htrail_status status = HTRAIL_OK;
    htrail__tree_part *parts = NULL;
    size_t part_count = 0, room = 0;
    row at, above;
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        if (ids[i] <= w->live_max || ids[i] > w->id_max || htrail__bit(w->certain, ids[i]))
            continue;
        htrail__set_bit(w->certain, ids[i]);
        if ((status = find_row(w, ids[i], &at)) == HTRAIL_OK && at.part.last < 0 && at.dominator != 0 && (status = find_row(w, at.dominator, &above)) == HTRAIL_OK)
            at.part.first = above.part.first;
        if (status == HTRAIL_OK && !htrail__grow(&parts, &room, part_count, sizeof *parts))
            status = fail(w, HTRAIL_E_NOMEM);
        if (status == HTRAIL_OK)
            parts[part_count++] = at.part;
        status = status == HTRAIL_END ? HTRAIL_OK : status;
    }
    w->out->members += part_count;
    w->out->objects += part_count;
    part_count = htrail__tree_parts_highest(parts, part_count);
    for (size_t i = 0; i < part_count && status == HTRAIL_OK; i++)
        w->out->bytes = sum_of(w->out->bytes, parts[i].retained_bytes);
    free(parts);
    return status;
}

static void add_member(work *w, const row *at)
{
    htrail__set_bit(w->certain, at->id);
    w->out->members++;
    w->out->objects++;
    w->out->bytes = sum_of(w->out->bytes, at->size_bytes);
}

/* What is held through a member. It has a greater id than what dominates it, and of that it is known whether a member does. */
static void add_candidate(work *w, const row *at)
{
    htrail__set_bit(w->in, at->id);
    if (at->dominator <= w->id_max && htrail__bit(w->certain, at->dominator))
        htrail__set_bit(w->certain, at->id);
    else
        w->out->together = sum_of(w->out->together, at->size_bytes);
    w->out->objects++;
    w->out->bytes = sum_of(w->out->bytes, at->size_bytes);
}

/* All that is held through the members, one by one. HTRAIL_END: they are too many for that. */
static htrail_status follow(work *w, const uint64_t *ids, size_t count)
{
    htrail_status status = HTRAIL_OK;
    row at;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == 0 || ids[i] > w->live_max || htrail__bit(w->certain, ids[i]))
            continue;
        if (w->followed++ >= w->followed_max)
            return HTRAIL_END;
        if ((status = find_row(w, ids[i], &at)) == HTRAIL_OK) {
            add_member(w, &at);
            status = push(w, &w->candidates, &w->candidate_count, &w->candidate_room, ids[i]);
        }
        if (status != HTRAIL_OK && status != HTRAIL_END)
            return status;
    }
    for (uint64_t place = 0; place < w->candidate_count; place++) {
        uint64_t target, id = w->candidates[place];
        if ((status = begin_references(w, &w->targets, id)) != HTRAIL_OK)
            return status;
        while ((status = next_reference(w, &w->targets, HTRAIL__REFERENCE_DST, &target)) == HTRAIL_OK) {
            if (target <= id || htrail__bit(w->in, target))
                continue;
            if (w->followed++ >= w->followed_max)
                return HTRAIL_END;
            if ((status = find_row(w, target, &at)) == HTRAIL_OK && at.holder == id) {
                add_candidate(w, &at);
                status = push(w, &w->candidates, &w->candidate_count, &w->candidate_room, target);
            }
            if (status != HTRAIL_OK && status != HTRAIL_END)
                return status;
        }
        if (status != HTRAIL_END)
            return status;
    }
    return HTRAIL_OK;
}

/* The same of all that lives, in its order: whoever holds or dominates has a smaller id. */
static htrail_status sweep(work *w)
{
    int64_t values[ROW_COLUMNS], id, before = 0;
    htrail__btree_step found = HTRAIL__BTREE_BROKEN;
    htrail_status status = HTRAIL_OK;
    bool is_begun = htrail__object_rows_seek(&w->objects, 1);
    while (is_begun && status == HTRAIL_OK && (found = htrail__object_rows_next(&w->objects, &id, values, ROW_COLUMNS)) == HTRAIL__BTREE_ROW) {
        row at;
        if (id <= before)
            return fail_with(w, HTRAIL_E_DATABASE, "a page of its objects is broken");
        if ((uint64_t)id > w->live_max)
            break;
        before = id;
        read_row(&at, id, values);
        if (htrail__bit(w->in, at.id)) {
            add_member(w, &at);
        } else if (at.holder < at.id && htrail__bit(w->in, at.holder)) {
            add_candidate(w, &at);
            if (!htrail__bit(w->certain, at.id))
                status = push(w, &w->candidates, &w->candidate_count, &w->candidate_room, at.id);
        }
    }
    if (found == HTRAIL__BTREE_BROKEN)
        status = fail_with(w, HTRAIL_E_DATABASE, htrail__object_rows_error(&w->objects));
    return status;
}

/* Whether something that lives and does not go refers to the object, or a root holds it. */
static htrail_status is_held_otherwise(work *w, uint64_t id, bool *held)
{
    htrail_status status;
    uint64_t referrer;
    row at;
    *held = htrail__bit(w->roots, id);
    if (*held)
        return HTRAIL_OK;
    if ((status = begin_references(w, &w->referrers, id)) != HTRAIL_OK)
        return status;
    while (!*held && (status = next_reference(w, &w->referrers, HTRAIL__REFERENCE_SRC, &referrer)) == HTRAIL_OK)
        *held = referrer <= w->live_max && !htrail__bit(w->in, referrer);
    if (*held || status != HTRAIL_END)
        return status;
    if ((status = find_row(w, id, &at)) == HTRAIL_OK)
        *held = at.flags != HTRAIL__BTREE_NULL ? (at.flags & HTRAIL_OBJECT_IMMORTAL) != 0 : at.type < w->type_count && htrail__bit(w->type_immortal, at.type);
    return status == HTRAIL_END ? HTRAIL_OK : status;
}

static htrail_status drop(work *w, uint64_t id)
{
    row at;
    htrail_status status;

    clear_bit(w->in, id);
    if ((status = find_row(w, id, &at)) != HTRAIL_OK)
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
    uint64_t target;
    bool held;

    for (uint64_t place = 0; place < w->candidate_count && status == HTRAIL_OK; place++) {
        if (htrail__bit(w->certain, w->candidates[place]) || !htrail__bit(w->in, w->candidates[place]))
            continue;
        if (w->roots == NULL && (status = find_pinned(w)) != HTRAIL_OK)
            return status;
        if ((status = is_held_otherwise(w, w->candidates[place], &held)) == HTRAIL_OK && held)
            status = drop(w, w->candidates[place]);
    }
    for (uint64_t place = 0; place < w->dropped_count && status == HTRAIL_OK; place++) {
        if ((status = begin_references(w, &w->targets, w->dropped[place])) != HTRAIL_OK)
            return status;
        while ((status = next_reference(w, &w->targets, HTRAIL__REFERENCE_DST, &target)) == HTRAIL_OK)
            if (htrail__bit(w->in, target) && !htrail__bit(w->certain, target) && (status = drop(w, target)) != HTRAIL_OK)
                return status;
        if (status == HTRAIL_END)
            status = HTRAIL_OK;
    }
    return status;
}

static htrail_status mark_members(work *w, const uint64_t *ids, size_t count)
{
    size_t words = (size_t)(w->id_max / 64 + 1);
    htrail__mapping_free(w->in);
    htrail__mapping_free(w->certain);
    w->in = htrail__mapping_new(words, sizeof *w->in);
    w->certain = htrail__mapping_new(words, sizeof *w->certain);
    if (w->in == NULL || w->certain == NULL)
        return fail(w, HTRAIL_E_NOMEM);
    for (size_t i = 0; i < count; i++)
        if (ids[i] > 0 && ids[i] <= w->id_max)
            htrail__set_bit(w->in, ids[i]);
    return HTRAIL_OK;
}

static htrail_status find(work *w, const uint64_t *ids, size_t count)
{
    htrail_status status = open_rows(w);
    if (status != HTRAIL_OK || (status = find_limits(w)) != HTRAIL_OK)
        return status;
    if (w->followed_max == 0)
        w->followed_max = w->id_max / FOLLOWED_SHARE > FOLLOWED_LEAST ? w->id_max / FOLLOWED_SHARE : FOLLOWED_LEAST;
    if ((status = mark_members(w, ids, count)) == HTRAIL_OK)
        status = count > w->followed_max ? HTRAIL_END : follow(w, ids, count);
    if (status == HTRAIL_END && (status = mark_members(w, ids, count)) == HTRAIL_OK) {
        *w->out = (htrail__retained_set){0};
        w->candidate_count = 0;
        status = sweep(w);
    }
    if (status != HTRAIL_OK || (status = drop_candidates(w)) != HTRAIL_OK)
        return status;
    return add_garbage(w, ids, count);
}

htrail_status htrail__retained_set_find(htrail__retained_set *out, sqlite3 *db, const uint64_t *ids, size_t count, uint64_t followed_max, char *message,
                                        size_t message_cap)
{
    work w = {.out = out, .db = db, .followed_max = followed_max, .message = message, .message_cap = message_cap};
    htrail_status status;

    *out = (htrail__retained_set){0};
    status = find(&w, ids, count);
    htrail__object_rows_release(&w.objects);
    htrail__reference_rows_release(&w.targets);
    htrail__reference_rows_release(&w.referrers);
    htrail__mapping_free(w.in);
    htrail__mapping_free(w.certain);
    htrail__mapping_free(w.roots);
    htrail__mapping_free(w.type_immortal);
    htrail__mapping_free(w.candidates);
    htrail__mapping_free(w.dropped);
    return status;
}
