/* analyze/waste_read.c - the small tables, and one pass over the objects. */
#include "analyze/waste_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/object_rows.h"
#include "analyze/waste_role.h"

/* What a database claims to be an id of a small table takes no more than this. */
enum { SMALL_IDS_MAX = 1 << 27, SET_ITEMS_WITHIN = 5 };
/* Of sizes and lengths: sums and products of a few cannot overflow. */
#define NUMBER_MAX (INT64_C(1) << 56)

htrail_status htrail__waste_fail(htrail__waste *w, htrail_status status, const char *what)
{
    if (what == NULL)
        what = status == HTRAIL_E_NOMEM ? "out of memory" : status == HTRAIL_E_LIMIT ? "it holds more than can be counted" : sqlite3_errmsg(w->db);
    snprintf(w->message, w->message_cap, "%s", what);
    return status;
}

static htrail_status add_text(htrail__waste *w, sqlite3_stmt *row, int column, uint32_t *out)
{
    const char *data = (const char *)sqlite3_column_text(row, column);
    return htrail__texts_add(&w->texts, (htrail_str){data, data == NULL ? 0 : (size_t)sqlite3_column_bytes(row, column)}, out);
}

/* Room for items 0 to id. */
static bool reserve(void *array, uint32_t *count, uint32_t id, size_t item_bytes)
{
    void *old, *larger;
    size_t room = *count ? *count : 256;
    if (id < *count)
        return true;
    while (room <= id)
        room *= 2;
    memcpy(&old, array, sizeof old);
    if ((larger = realloc(old, room * item_bytes)) == NULL)
        return false;
    memset((char *)larger + *count * item_bytes, 0, (room - *count) * item_bytes);
    memcpy(array, &larger, sizeof larger);
    *count = (uint32_t)room;
    return true;
}

typedef htrail_status read_row(htrail__waste *w, sqlite3_stmt *row, uint32_t id, void *arg);

/* Of a small table, whose first column is the id. */
static htrail_status each_row(htrail__waste *w, const char *sql, read_row *read, void *arg)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = sqlite3_prepare_v2(w->db, sql, -1, &statement, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_DATABASE;
    int stepped = SQLITE_DONE;
    while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        if (id >= 0 && id < SMALL_IDS_MAX)
            status = read(w, statement, (uint32_t)id, arg);
    }
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = HTRAIL_E_DATABASE;
    if (status != HTRAIL_OK)
        htrail__waste_fail(w, status, NULL);
    sqlite3_finalize(statement);
    return status;
}

typedef struct texts_by_id {
    uint32_t **texts, *count;
} texts_by_id;

static htrail_status read_text(htrail__waste *w, sqlite3_stmt *row, uint32_t id, void *arg)
{
    texts_by_id *out = arg;
    return reserve(out->texts, out->count, id, sizeof **out->texts) ? add_text(w, row, 1, &(*out->texts)[id]) : HTRAIL_E_NOMEM;
}

/* Rows (id, text). */
static htrail_status read_texts(htrail__waste *w, const char *sql, uint32_t **texts, uint32_t *count)
{
    return each_row(w, sql, read_text, &(texts_by_id){texts, count});
}

static htrail__waste_container container_of(const char *name)
{
    static const struct {
        const char *name;
        htrail__waste_container container;
    } known[] = {{"list", HTRAIL__WASTE_LIST}, {"set", HTRAIL__WASTE_SET}, {"frozenset", HTRAIL__WASTE_FROZENSET}, {"dict", HTRAIL__WASTE_DICT},
                 {"collections.defaultdict", HTRAIL__WASTE_DICT}, {"bytearray", HTRAIL__WASTE_BYTEARRAY}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].container;
    return HTRAIL__WASTE_OTHER;
}

static int64_t bounded(int64_t value) { return value < -NUMBER_MAX ? -NUMBER_MAX : value > NUMBER_MAX ? NUMBER_MAX : value; }

static htrail_status read_type(htrail__waste *w, sqlite3_stmt *row, uint32_t id, void *arg)
{
    const char *name = (const char *)sqlite3_column_text(row, 1);
    (void)arg;
    if (!reserve(&w->types, &w->type_count, id, sizeof *w->types))
        return HTRAIL_E_NOMEM;
    htrail__waste_type *type = &w->types[id];
    *type = (htrail__waste_type){.parts = (unsigned)sqlite3_column_int(row, 3), .container = container_of(name == NULL ? "" : name),
                                 .basic_size = bounded(sqlite3_column_int64(row, 4)), .is_number = sqlite3_column_int(row, 5) != 0};
    htrail_status status = add_text(w, row, 1, &type->name);
    return status == HTRAIL_OK ? add_text(w, row, 2, &type->module) : status;
}

static void note_least(int64_t *least, int64_t value)
{
    if (*least == HTRAIL__BTREE_NULL || value < *least)
        *least = value;
}

/* What objects of this interpreter take, from the snapshot itself; garbage is as good for that. */
static void note_facts(htrail__waste *w, const htrail__waste_type *type, const htrail__waste_object *o)
{
    if (!htrail__waste_is_known(o->length))
        return;
    if (type->container == HTRAIL__WASTE_LIST) {
        note_least(&w->list_head, o->size - 8 * o->length - type->basic_size);
        note_least(&w->list_base, o->size - 8 * o->length);
    } else if ((type->container == HTRAIL__WASTE_SET || type->container == HTRAIL__WASTE_FROZENSET) && o->length < SET_ITEMS_WITHIN)
        note_least(&w->set_base, o->size);
}

static htrail_status note_id(htrail__waste *w, htrail__waste_ids *list, uint32_t id)
{
    if (!htrail__grow(&list->ids, &list->room, list->count, sizeof *list->ids))
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    list->ids[list->count++] = id;
    return HTRAIL_OK;
}

static uint32_t number_or(int64_t value, uint32_t none) { return value < 0 || value >= UINT32_MAX ? none : (uint32_t)value; }

/* Whose an object is: of a module (1) by its number, of the module that its type says (0), or of one that it says itself (2). */
static uint64_t owner_of(const int64_t *row)
{
    int64_t owner = row[HTRAIL__OBJECT_OWNER], module = row[HTRAIL__OBJECT_MODULE];
    return htrail__waste_is_known(owner) ? (uint64_t)number_or(owner, 0) << 2 | 1 : htrail__waste_is_known(module) ? (uint64_t)number_or(module, 0) << 2 | 2 : 0;
}

static htrail_status read_object(htrail__waste *w, int64_t id, const int64_t *row)
{
    if (id != (int64_t)w->object_count + 1 || id >= UINT32_MAX) {
        snprintf(w->message, w->message_cap, "object %lld is not where its number says", (long long)id);
        return HTRAIL_E_CORRUPT;
    }
    if (!htrail__grow(&w->objects, &w->object_room, (size_t)id, sizeof *w->objects) ||
        (w->by == HTRAIL__WASTE_BY_OWNER && !htrail__grow(&w->owners, &w->owner_room, (size_t)id, sizeof *w->owners)))
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    w->object_count = (uint32_t)id;
    htrail__waste_object *o = &w->objects[id];
    int64_t length = row[HTRAIL__OBJECT_LENGTH], label = row[HTRAIL__OBJECT_LABEL];
    *o = (htrail__waste_object){.type = number_or(row[HTRAIL__OBJECT_TYPE], UINT32_MAX), .holder = number_or(row[HTRAIL__OBJECT_HOLDER], 0), .label = number_or(label, 0),
                                .name = number_or(row[HTRAIL__OBJECT_NAME], 0), .size = bounded(row[HTRAIL__OBJECT_SIZE]),
                                .length = htrail__waste_is_known(length) ? bounded(length) : length};
    if (w->by == HTRAIL__WASTE_BY_OWNER)
        w->owners[id] = owner_of(row);
    const htrail__waste_type *type = htrail__waste_type_at(w, o->type);
    if (type->parts & HTRAIL__WASTE_IS_CONTAINER)
        note_facts(w, type, o);
    if (o->holder == 0)
        o->label = number_or(row[HTRAIL__OBJECT_ROOT], 1);
    if (!htrail__waste_is_known(row[HTRAIL__OBJECT_DEPTH])) {
        o->holder = HTRAIL__WASTE_GARBAGE;
        return HTRAIL_OK;
    }
    htrail_status status = HTRAIL_OK;
    if ((type->parts & HTRAIL__WASTE_IS_CONTAINER) && htrail__waste_is_known(label) && htrail__waste_ref_kind((uint32_t)label) != HTRAIL_REF_FIELD)
        status = note_id(w, &w->containers, (uint32_t)id);
    if (status == HTRAIL_OK && (type->parts & HTRAIL__WASTE_IS_TUPLE) && w->wanted[HTRAIL__WASTE_DUPLICATE])
        status = note_id(w, &w->tuples, (uint32_t)id);
    if (status == HTRAIL_OK && (type->parts & HTRAIL__WASTE_IS_INSTANCE) && w->wanted[HTRAIL__WASTE_SLOTS])
        status = note_id(w, &w->instances, (uint32_t)id);
    return status;
}

static htrail_status read_objects(htrail__waste *w)
{
    int64_t id, row[HTRAIL__OBJECT_COLUMNS];
    htrail__btree_step step = HTRAIL__BTREE_BROKEN;
    htrail_status status = HTRAIL_OK;
    htrail__object_rows rows;
    w->list_head = w->list_base = w->set_base = HTRAIL__BTREE_NULL;
    if (!htrail__object_rows_open(&rows, w->db))
        return htrail__waste_fail(w, HTRAIL_E_DATABASE, NULL);
    if (!htrail__grow(&w->objects, &w->object_room, 0, sizeof *w->objects))
        status = htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    while (status == HTRAIL_OK && (step = htrail__object_rows_next(&rows, &id, row, HTRAIL__OBJECT_COLUMNS)) == HTRAIL__BTREE_ROW)
        status = read_object(w, id, row);
    if (status == HTRAIL_OK && step != HTRAIL__BTREE_DONE)
        status = htrail__waste_fail(w, HTRAIL_E_DATABASE, htrail__object_rows_error(&rows));
    htrail__object_rows_release(&rows);
    return status;
}

htrail_status htrail__waste_read(htrail__waste *w)
{
    htrail_status status = htrail__texts_find(&w->texts, (htrail_str){"__dict__", 8}, &w->dict_label);
    if (status != HTRAIL_OK && (status = htrail__texts_add(&w->texts, (htrail_str){"__dict__", 8}, &w->dict_label)) != HTRAIL_OK)
        return htrail__waste_fail(w, status, NULL);
    if ((status = each_row(w, "SELECT id, name, module, " HTRAIL__WASTE_PARTS ", basic_size, " HTRAIL__WASTE_IS_NUMBER("name") " FROM type", read_type, NULL)) != HTRAIL_OK || (status = read_texts(w, "SELECT id, text FROM label", &w->labels, &w->label_count)) != HTRAIL_OK ||
        (status = read_texts(w, "SELECT id, text FROM name", &w->names, &w->name_count)) != HTRAIL_OK ||
        (status = read_texts(w, "SELECT id, kind FROM root", &w->root_kinds, &w->root_count)) != HTRAIL_OK ||
        (w->by == HTRAIL__WASTE_BY_OWNER && (status = read_texts(w, "SELECT id, name FROM module", &w->modules, &w->module_count)) != HTRAIL_OK))
        return status;
    return read_objects(w);
}
