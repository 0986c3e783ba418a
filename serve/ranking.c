/* serve/ranking.c - see the header. One pass over the rows, then sorts that compare nothing: first by what is retained, then
 * into groups, which keeps that order within each. */
#include "serve/ranking.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct htrail__ranking {
    size_t objects, types;
    uint32_t *below, *below_first;   /* those of group g stand at below[below_first[g] .. below_first[g + 1]) */
    uint32_t *of_type, *type_first;
    uint32_t *by_address;
};

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, STOP_EVERY = 1 << 16 };

typedef struct rows {
    uint64_t *retained, *address; /* of object i + 1 */
    uint32_t *dominator, *type;
    uint32_t *representative;     /* of a type, the first of its name */
} rows;

/* ids in the order of their keys, digit by digit; other is room for as many, used a digit of all keys that is one is passed over. */
static uint32_t *sort_ids(uint32_t *ids, uint32_t *other, const uint64_t *keys, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        size_t starts[DIGITS] = {0}, at = 0;
        for (size_t i = 0; i < count; i++)
            starts[keys[i] >> shift & (DIGITS - 1)]++;
        if (count == 0 || starts[keys[0] >> shift & (DIGITS - 1)] == count)
            continue;
        for (size_t digit = 0; digit < DIGITS; digit++) {
            size_t many = starts[digit];
            starts[digit] = at;
            at += many;
        }
        for (size_t i = 0; i < count; i++)
            other[starts[keys[ids[i] - 1] >> shift & (DIGITS - 1)]++] = ids[i];
        uint32_t *sorted = other;
        other = ids;
        ids = sorted;
    }
    return ids;
}

/* ids into groups, in the order that they have. first has groups + 2 places. */
static void group(uint32_t *out, uint32_t *first, size_t groups, const uint32_t *ids, const uint32_t *group_of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        first[group_of[i] + 2]++;
    for (size_t g = 2; g < groups + 2; g++)
        first[g] += first[g - 1];
    for (size_t i = 0; i < count; i++)
        out[first[group_of[ids[i] - 1] + 1]++] = ids[i];
}

static bool number(sqlite3 *db, const char *sql, uint64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool fine = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    *out = fine ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return fine;
}

static bool read_types(sqlite3 *db, rows *r, uint64_t types)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(db, "SELECT id, min(id) OVER (PARTITION BY name) FROM type", -1, &statement, NULL) == SQLITE_OK)
        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
            if ((uint64_t)sqlite3_column_int64(statement, 0) <= types)
                r->representative[sqlite3_column_int64(statement, 0)] = (uint32_t)sqlite3_column_int64(statement, 1);
    sqlite3_finalize(statement);
    return step == SQLITE_DONE;
}

static htrail_status read_objects(sqlite3 *db, rows *r, uint64_t objects, uint64_t types, const atomic_bool *stop)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_OK;
    int step = SQLITE_ERROR;
    size_t seen = 0;

    if (sqlite3_prepare_v2(db, "SELECT id, type, coalesce(dominator, holder, 0), coalesce(retained, size), address FROM heap_object", -1, &statement, NULL) == SQLITE_OK)
        while (status == HTRAIL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
            uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0), type = (uint64_t)sqlite3_column_int64(statement, 1);
            uint64_t dominator = (uint64_t)sqlite3_column_int64(statement, 2);
            if (id == 0 || id > objects || dominator > objects || type > types)
                status = HTRAIL_E_CORRUPT;
            else if (++seen % STOP_EVERY == 0 && atomic_load(stop))
                status = HTRAIL_E_LIMIT;
            else {
                r->type[id - 1] = r->representative[type];
                r->dominator[id - 1] = (uint32_t)dominator;
                r->retained[id - 1] = ~(uint64_t)sqlite3_column_int64(statement, 3); /* the largest first */
                r->address[id - 1] = (uint64_t)sqlite3_column_int64(statement, 4);
            }
        }
    sqlite3_finalize(statement);
    return status != HTRAIL_OK ? status : step != SQLITE_DONE ? HTRAIL_E_DATABASE : seen != objects ? HTRAIL_E_CORRUPT : HTRAIL_OK;
}

static void *room(size_t count, size_t each) { return calloc(count == 0 ? 1 : count, each); }

static htrail_status arrange(htrail__ranking *ranking, const rows *r)
{
    size_t count = ranking->objects;
    uint32_t *ids = room(count, sizeof *ids), *other = room(count, sizeof *other), *sorted;
    htrail_status status = HTRAIL_E_NOMEM;
    if (ids == NULL || other == NULL)
        goto done;
    for (size_t i = 0; i < count; i++)
        ids[i] = (uint32_t)(i + 1);
    sorted = sort_ids(ids, other, r->retained, count);
    group(ranking->below, ranking->below_first, count + 1, sorted, r->dominator, count);
    group(ranking->of_type, ranking->type_first, ranking->types + 1, sorted, r->type, count);
    sorted = sort_ids(ids, other, r->address, count);
    memcpy(ranking->by_address, sorted, count * sizeof *sorted);
    status = HTRAIL_OK;
done:
    free(ids);
    free(other);
    return status;
}

htrail_status htrail__ranking_build(htrail__ranking **out, sqlite3 *db, const atomic_bool *stop, char *message, size_t cap)
{
    htrail__ranking *ranking = room(1, sizeof *ranking);
    rows r = {NULL};
    uint64_t objects, types;
    htrail_status status = HTRAIL_E_DATABASE;

    *out = NULL;
    if (ranking == NULL || !number(db, "SELECT coalesce(max(id), 0) FROM heap_object", &objects) || !number(db, "SELECT coalesce(max(id), 0) FROM type", &types))
        goto done;
    status = HTRAIL_E_LIMIT;
    if (objects >= UINT32_MAX - 2 || types >= UINT32_MAX - 2)
        goto done;
    ranking->objects = objects;
    ranking->types = types;
    status = HTRAIL_E_NOMEM;
    if ((ranking->below = room(objects, sizeof *ranking->below)) == NULL || (ranking->below_first = room(objects + 3, sizeof *ranking->below_first)) == NULL ||
        (ranking->of_type = room(objects, sizeof *ranking->of_type)) == NULL || (ranking->type_first = room(types + 3, sizeof *ranking->type_first)) == NULL ||
        (ranking->by_address = room(objects, sizeof *ranking->by_address)) == NULL || (r.retained = room(objects, sizeof *r.retained)) == NULL ||
        (r.address = room(objects, sizeof *r.address)) == NULL || (r.dominator = room(objects, sizeof *r.dominator)) == NULL ||
        (r.type = room(objects, sizeof *r.type)) == NULL || (r.representative = room(types + 1, sizeof *r.representative)) == NULL)
        goto done;
    status = HTRAIL_E_DATABASE;
    if (read_types(db, &r, types) && (status = read_objects(db, &r, objects, types, stop)) == HTRAIL_OK)
        status = arrange(ranking, &r);
    if (status == HTRAIL_OK) {
        *out = ranking;
        ranking = NULL;
    }
done:
    if (status != HTRAIL_OK)
        snprintf(message, cap, "cannot put the objects in order: %s", status == HTRAIL_E_DATABASE ? sqlite3_errmsg(db) : htrail_status_text(status));
    free(r.retained);
    free(r.address);
    free(r.dominator);
    free(r.type);
    free(r.representative);
    htrail__ranking_free(ranking);
    return status;
}

static htrail__ranked of_group(const uint32_t *ids, const uint32_t *first, size_t groups, uint64_t wanted)
{
    if (wanted >= groups)
        return (htrail__ranked){NULL, 0};
    return (htrail__ranked){ids + first[wanted], first[wanted + 1] - first[wanted]};
}

htrail__ranked htrail__ranking_below(const htrail__ranking *ranking, uint64_t id) { return of_group(ranking->below, ranking->below_first, ranking->objects + 1, id); }
htrail__ranked htrail__ranking_of_type(const htrail__ranking *ranking, uint64_t type) { return of_group(ranking->of_type, ranking->type_first, ranking->types + 1, type); }
htrail__ranked htrail__ranking_by_address(const htrail__ranking *ranking) { return (htrail__ranked){ranking->by_address, ranking->objects}; }

void htrail__ranking_free(htrail__ranking *ranking)
{
    if (ranking == NULL)
        return;
    free(ranking->below);
    free(ranking->below_first);
    free(ranking->of_type);
    free(ranking->type_first);
    free(ranking->by_address);
    free(ranking);
}
