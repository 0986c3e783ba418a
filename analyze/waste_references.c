/* analyze/waste_references.c - one pass over the references: what tuples hold, which attributes classes have. */
#include "analyze/waste_build.h"

#include <stdlib.h>

#include "analyze/grow.h"
#include "analyze/reference_rows.h"

typedef struct reference {
    uint32_t dst, code;
} reference;

/* The references of one object, which stand together. */
typedef struct reading {
    htrail__waste *w;
    uint32_t src, tuple, instance; /* of the lists: the next that was not met */
    bool is_tuple, is_instance;
    reference *here;
    size_t here_count, here_room;
    uint32_t dict_code; /* 0: no object has a __dict__ */
    sqlite3_stmt *of_object;
} reading;

static uint32_t place_of(const reference *r) { return r->code >> HTRAIL__CODE_PAYLOAD_SHIFT; }
static bool is_item(const reference *r) { return (r->code & (HTRAIL__CODE_KIND_MASK | HTRAIL__CODE_DIRECT)) == (HTRAIL_REF_INDEX | HTRAIL__CODE_DIRECT); }

/* All items, in their order; where one is not known the tuple has none. */
static htrail_status end_tuple(reading *r)
{
    htrail__waste *w = r->w;
    uint32_t start = w->item_count, count = 0;
    for (size_t i = 0; i < r->here_count; i++)
        count += is_item(&r->here[i]);
    if ((int64_t)count != w->objects[r->src].length)
        return HTRAIL_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (w->item_count == UINT32_MAX || !htrail__grow(&w->items, &w->item_room, w->item_count, sizeof *w->items))
            return htrail__waste_fail(w, w->item_count == UINT32_MAX ? HTRAIL_E_LIMIT : HTRAIL_E_NOMEM, NULL);
        w->items[w->item_count++] = 0;
    }
    for (size_t i = 0; i < r->here_count; i++) {
        if (!is_item(&r->here[i]))
            continue;
        if (place_of(&r->here[i]) >= count || w->items[start + place_of(&r->here[i])] != 0) {
            w->item_count = start;
            break;
        }
        w->items[start + place_of(&r->here[i])] = r->here[i].dst;
    }
    return HTRAIL_OK;
}

static htrail_status add_attribute(htrail__waste *w, uint32_t type, uint32_t code, bool is_inline)
{
    const uint64_t key[] = {type, code | (uint64_t)is_inline << HTRAIL__WASTE_INLINE_SHIFT};
    uint32_t number;
    htrail_status status = htrail__key_set_add(&w->attributes, key, &number, NULL);
    return status == HTRAIL_OK ? status : htrail__waste_fail(w, status, NULL);
}

/* Its dict stands behind it as a rule, since it is what holds it, and belongs to it alone. */
static htrail_status note_dict(htrail__waste *w, uint32_t instance, uint32_t dict)
{
    uint32_t *types = &w->types_of_dict[dict], type = w->objects[instance].type;
    if (dict > instance && (*types == 0 || *types == type)) {
        *types = type;
        return HTRAIL_OK;
    }
    if (!htrail__grow(&w->late, &w->late_room, w->late_count, sizeof *w->late))
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    w->late[w->late_count].instance = instance;
    w->late[w->late_count++].dict = dict;
    return HTRAIL_OK;
}

static htrail_status end_instance(reading *r)
{
    htrail__waste *w = r->w;
    htrail_status status = HTRAIL_OK;
    uint32_t dict = 0;
    for (size_t i = 0; i < r->here_count && dict == 0; i++)
        if (r->dict_code != 0 && r->here[i].code == r->dict_code)
            dict = r->here[i].dst;
    w->dicts[r->instance] = dict;
    for (size_t i = 0; i < r->here_count && status == HTRAIL_OK; i++) {
        unsigned kind = htrail__waste_ref_kind(r->here[i].code);
        if (kind == HTRAIL_REF_ATTR || kind == HTRAIL_REF_SLOT)
            status = add_attribute(w, w->objects[r->src].type, r->here[i].code, dict == 0 && kind == HTRAIL_REF_ATTR);
    }
    return status == HTRAIL_OK && dict != 0 ? note_dict(w, r->src, dict) : status;
}

static htrail_status end_object(reading *r)
{
    htrail_status status = r->is_tuple ? end_tuple(r) : HTRAIL_OK;
    if (status == HTRAIL_OK && r->is_instance)
        status = end_instance(r);
    r->here_count = 0;
    return status;
}

/* Up to src in a list; true: it is in it. */
static bool pass(const htrail__waste_ids *list, uint32_t *next, uint32_t src)
{
    while (*next < list->count && list->ids[*next] < src)
        ++*next;
    return *next < list->count && list->ids[*next] == src;
}

static htrail_status begin_object(reading *r, uint32_t src)
{
    htrail__waste *w = r->w;
    htrail_status status = end_object(r);
    uint32_t before = r->tuple;
    r->src = src;
    r->is_tuple = pass(&w->tuples, &r->tuple, src);
    r->is_instance = pass(&w->instances, &r->instance, src);
    for (uint32_t i = before; i < r->tuple; i++)
        w->item_starts[i + 1] = w->item_count;
    return status;
}

static htrail_status read_reference(reading *r, const int64_t *row)
{
    htrail__waste *w = r->w;
    int64_t src = row[HTRAIL__REFERENCE_SRC], dst = row[HTRAIL__REFERENCE_DST];
    uint32_t code = (uint32_t)row[HTRAIL__REFERENCE_LABEL];
    htrail_status status = HTRAIL_OK;
    if (src <= 0 || src > w->object_count || dst <= 0 || dst > w->object_count)
        return HTRAIL_OK;
    if (src != r->src && (status = begin_object(r, (uint32_t)src)) != HTRAIL_OK)
        return status;
    if (w->types_of_dict != NULL && w->types_of_dict[src] != 0 && htrail__waste_ref_kind(code) == HTRAIL_REF_VALUE &&
        (status = add_attribute(w, w->types_of_dict[src], code, false)) != HTRAIL_OK)
        return status;
    if (!r->is_tuple && !r->is_instance)
        return HTRAIL_OK;
    if (!htrail__grow(&r->here, &r->here_room, r->here_count, sizeof *r->here))
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    r->here[r->here_count++] = (reference){(uint32_t)dst, code};
    return HTRAIL_OK;
}

static htrail_status read_late(reading *r, uint32_t at)
{
    htrail__waste *w = r->w;
    htrail_status status = HTRAIL_OK;
    int stepped = SQLITE_DONE;
    sqlite3_bind_int64(r->of_object, 1, w->late[at].dict);
    while (status == HTRAIL_OK && (stepped = sqlite3_step(r->of_object)) == SQLITE_ROW)
        status = add_attribute(w, w->objects[w->late[at].instance].type, (uint32_t)sqlite3_column_int64(r->of_object, 0), false);
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = htrail__waste_fail(w, HTRAIL_E_DATABASE, NULL);
    sqlite3_reset(r->of_object);
    return status;
}

static htrail_status find_dict_code(reading *r)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = sqlite3_prepare_v2(r->w->db, "SELECT id << 5 | 6 FROM label WHERE text = '__dict__'", -1, &statement, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_DATABASE;
    if (status == HTRAIL_OK && sqlite3_step(statement) == SQLITE_ROW)
        r->dict_code = (uint32_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status == HTRAIL_OK ? status : htrail__waste_fail(r->w, status, NULL);
}

static bool reserve(htrail__waste *w)
{
    if (w->wanted[HTRAIL__WASTE_DUPLICATE] && (w->item_starts = calloc((size_t)w->tuples.count + 1, sizeof *w->item_starts)) == NULL)
        return false;
    return !w->wanted[HTRAIL__WASTE_SLOTS] || ((w->dicts = calloc((size_t)w->instances.count + 1, sizeof *w->dicts)) != NULL &&
                                               (w->types_of_dict = calloc((size_t)w->object_count + 1, sizeof *w->types_of_dict)) != NULL);
}

htrail_status htrail__waste_read_references(htrail__waste *w)
{
    reading r = {.w = w};
    int64_t row[HTRAIL__REFERENCE_COLUMNS];
    htrail__reference_rows rows = {0};
    htrail__btree_step step = HTRAIL__BTREE_BROKEN;
    htrail_status status = reserve(w) ? find_dict_code(&r) : htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    if (status != HTRAIL_OK)
        return status;
    if (!htrail__reference_rows_open(&rows, w->db) || sqlite3_prepare_v2(w->db, "SELECT label FROM heap_reference WHERE src = ? AND label & 15 = 3", -1, &r.of_object, NULL) != SQLITE_OK) {
        status = htrail__waste_fail(w, HTRAIL_E_DATABASE, NULL);
        goto done;
    }
    while (status == HTRAIL_OK && (step = htrail__reference_rows_next(&rows, row)) == HTRAIL__BTREE_ROW)
        status = read_reference(&r, row);
    if (status == HTRAIL_OK && step != HTRAIL__BTREE_DONE)
        status = htrail__waste_fail(w, HTRAIL_E_DATABASE, htrail__reference_rows_error(&rows));
    if (status == HTRAIL_OK)
        status = begin_object(&r, UINT32_MAX); /* the last, and tuples after it */
    for (uint32_t i = 0; i < w->late_count && status == HTRAIL_OK; i++)
        status = read_late(&r, i);
done:
    free(r.here);
    sqlite3_finalize(r.of_object);
    htrail__reference_rows_release(&rows);
    return status;
}
