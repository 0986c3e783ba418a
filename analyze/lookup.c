/* analyze/lookup.c - see the header. */
#include "analyze/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/id_set.h"
#include "analyze/object_rows.h"
#include "analyze/reference_rows.h"
#include "analyze/schema.h"

enum { TEXT_BYTES_MAX = 1 << 30, BORROWED = 8, CACHE_IDS_MAX = 1 << 24, FIRST_KEYS = 1024 };

/* Whoever asks so often whether roots hold an object is told from a set of those that they hold: most are held by none. */
enum { ROOT_QUESTIONS_MAX = 5000 };
#define NOT_CACHED UINT32_MAX

enum { CLASS, HOLDER_COUNT, REFERENCE_COUNT, REFERENCE, ROOT, ROOT_OBJECTS, ROOTS_OF, TOTALS, TYPE, TYPE_MODULE, TYPE_FLAGS, MODULE, NAME, LABEL, KEY, STATEMENTS };

/* Objects, and references from either end, are rows of integers, which analyze/object_rows.h and analyze/reference_rows.h
 * have: a label is a code, as analyze/schema.h draws it, and texts are read once each. */
static const char *const queries[STATEMENTS] = {
    [CLASS] = "SELECT coalesce(type.object, 0) FROM heap_object JOIN type ON type.id = heap_object.type WHERE heap_object.id = ?1",
    /* Weak ones are counted too: telling them apart takes a look at each. */
    [HOLDER_COUNT] = "SELECT count(*) FROM heap_reference WHERE dst = ?1",
    [REFERENCE_COUNT] = "SELECT count(*) FROM heap_reference WHERE src = ?1",
    [REFERENCE] = "SELECT dst, label FROM heap_reference WHERE src = ?1 AND dst = ?2",
    [ROOT] = "SELECT id, kind, name FROM root WHERE id = ?1",
    [ROOT_OBJECTS] = "SELECT object FROM root",
    [ROOTS_OF] = "SELECT id, kind, name FROM root WHERE object = ?1 ORDER BY id",
    [TOTALS] = "SELECT coalesce(sum(objects), 0), CAST(total(bytes) AS INTEGER) FROM type",
    [TYPE] = "SELECT name FROM type WHERE id = ?1",
    [TYPE_MODULE] = "SELECT module FROM type WHERE id = ?1",
    [TYPE_FLAGS] = "SELECT flags FROM type WHERE id = ?1",
    [MODULE] = "SELECT name FROM module WHERE id = ?1",
    [NAME] = "SELECT text FROM name WHERE id = ?1",
    [LABEL] = "SELECT text FROM label WHERE id = ?1",
    [KEY] = "SELECT coalesce((SELECT text FROM object_text WHERE object = ?1),\n"
            "  (SELECT '(' || t.name || ')' FROM heap_object k JOIN type t ON t.id = k.type WHERE k.id = ?1))",
};

/* Text number of an id of a small table; of TYPE_FLAGS, the flags. */
typedef struct cache {
    uint32_t *texts; /* NOT_CACHED: not yet asked for */
    size_t room;
} cache;

struct htrail__lookup {
    sqlite3 *db;
    bool began;
    htrail__object_rows objects, dominators; /* what dominates is often near, but not near what was asked for */
    htrail__reference_rows holders_of, references_of;
    sqlite3_stmt *statements[STATEMENTS];
    htrail__texts texts;
    cache caches[STATEMENTS];
    struct { uint64_t id; uint32_t text; } *keys; /* open hash; id 0: empty */
    size_t key_count, key_room;
    struct found_list { htrail__found_holder *items; size_t room; } holders, references;
    uint64_t *ids;
    size_t id_room;
    htrail__found_root *roots;
    size_t root_room, root_questions;
    htrail__id_set root_objects; /* once there were ROOT_QUESTIONS_MAX */
    char *borrowed[BORROWED];
    unsigned next_borrowed;
    htrail_status status;
    char error[512];
};

static htrail_status fail_with(htrail__lookup *lookup, htrail_status status, const char *error)
{
    if (lookup->status == HTRAIL_OK) {
        lookup->status = status;
        snprintf(lookup->error, sizeof lookup->error, "%s", error);
    }
    return lookup->status;
}

static htrail_status fail(htrail__lookup *lookup, htrail_status status)
{
    return fail_with(lookup, status, status == HTRAIL_E_DATABASE ? sqlite3_errmsg(lookup->db) : "out of memory");
}

htrail_status htrail__lookup_open(htrail__lookup **out, sqlite3 *db, char *message, size_t message_cap)
{
    htrail__lookup *lookup = calloc(1, sizeof *lookup);
    htrail_status status = HTRAIL_E_NOMEM;

    *out = NULL;
    if (message != NULL)
        snprintf(message, message_cap, "out of memory");
    if (lookup == NULL || (status = htrail__texts_init(&lookup->texts, TEXT_BYTES_MAX)) != HTRAIL_OK)
        goto done;
    lookup->db = db;
    /* One transaction for all of it: otherwise every question locks and unlocks the file, which
     * costs more than its answer. */
    if (sqlite3_get_autocommit(db))
        lookup->began = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &lookup->statements[i], NULL) != SQLITE_OK) {
            status = HTRAIL_E_DATABASE;
            if (message != NULL)
                snprintf(message, message_cap, "cannot ask the database: %s", sqlite3_errmsg(db));
            goto done;
        }
    }
    if (!htrail__object_rows_open(&lookup->objects, db) || !htrail__object_rows_open(&lookup->dominators, db) ||
        !htrail__reference_rows_open_referrers(&lookup->holders_of, db) || !htrail__reference_rows_open(&lookup->references_of, db)) {
        status = HTRAIL_E_DATABASE;
        if (message != NULL)
            snprintf(message, message_cap, "cannot ask the database: %s", sqlite3_errmsg(db));
        goto done;
    }
    *out = lookup;
    lookup = NULL;
done:
    htrail__lookup_free(lookup);
    return status;
}

void htrail__lookup_free(htrail__lookup *lookup)
{
    if (lookup == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(lookup->statements[i]);
    htrail__object_rows_release(&lookup->objects);
    htrail__object_rows_release(&lookup->dominators);
    htrail__reference_rows_release(&lookup->holders_of);
    htrail__reference_rows_release(&lookup->references_of);
    if (lookup->began)
        sqlite3_exec(lookup->db, "COMMIT", NULL, NULL, NULL);
    for (int i = 0; i < BORROWED; i++)
        free(lookup->borrowed[i]);
    for (int i = 0; i < STATEMENTS; i++) {
        free(lookup->caches[i].texts);
    }
    htrail__texts_release(&lookup->texts);
    free(lookup->keys);
    free(lookup->holders.items);
    free(lookup->references.items);
    free(lookup->ids);
    free(lookup->roots);
    htrail__id_set_release(&lookup->root_objects);
    free(lookup);
}

static sqlite3_stmt *start(htrail__lookup *lookup, int query, uint64_t id)
{
    sqlite3_stmt *statement = lookup->statements[query];
    sqlite3_reset(statement);
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    return statement;
}

static uint64_t number(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static uint32_t text(htrail__lookup *lookup, sqlite3_stmt *statement, int column)
{
    uint32_t out = 0;
    const char *data = (const char *)sqlite3_column_text(statement, column);
    if (data != NULL && htrail__texts_add(&lookup->texts, (htrail_str){data, (size_t)sqlite3_column_bytes(statement, column)}, &out) != HTRAIL_OK)
        fail(lookup, HTRAIL_E_NOMEM);
    return out;
}

static uint32_t root_kind(sqlite3_stmt *statement, int column)
{
    const char *kind = (const char *)sqlite3_column_text(statement, column);
    if (kind != NULL) {
#define X(name, number, text)       \
    if (strcmp(text, kind) == 0)    \
        return number;
        HTRAIL_ROOT_MAP(X)
#undef X
    }
    return UINT8_MAX; /* of a kind that came later, or none: it has its name all the same */
}

/* Room for id, or false: then it is asked for each time. */
static bool reserve(htrail__lookup *lookup, cache *of, uint64_t id)
{
    if (id < of->room)
        return true;
    if (id >= CACHE_IDS_MAX || lookup->status != HTRAIL_OK)
        return false;
    size_t room = of->room ? of->room : 256;
    while (room <= id)
        room *= 2;
    uint32_t *texts = realloc(of->texts, room * sizeof *texts);
    if (texts == NULL) {
        fail(lookup, HTRAIL_E_NOMEM);
        return false;
    }
    of->texts = texts;
    memset(of->texts + of->room, 0xff, (room - of->room) * sizeof *texts);
    of->room = room;
    return true;
}

/* The text, or of TYPE_FLAGS the number, that query has for id. */
static uint32_t text_by_id(htrail__lookup *lookup, int query, uint64_t id)
{
    cache *of = &lookup->caches[query];
    bool cached = query != KEY && reserve(lookup, of, id);
    uint32_t found = 0;
    if (cached && of->texts[id] != NOT_CACHED)
        return of->texts[id];
    sqlite3_stmt *statement = start(lookup, query, id);
    int stepped = sqlite3_step(statement);
    if (stepped == SQLITE_ROW) {
        found = query == TYPE_FLAGS ? (uint32_t)number(statement, 0) : text(lookup, statement, 0);
    } else if (stepped != SQLITE_DONE) {
        fail(lookup, HTRAIL_E_DATABASE);
    }
    sqlite3_reset(statement);
    if (cached)
        of->texts[id] = found;
    return found;
}

/* The text of a key object. */
static uint32_t key_text(htrail__lookup *lookup, uint64_t id)
{
    if (id == 0)
        return 0;
    if (lookup->key_count * 2 >= lookup->key_room) {
        size_t room = lookup->key_room ? lookup->key_room * 2 : FIRST_KEYS;
        void *fresh = calloc(room, sizeof *lookup->keys);
        if (fresh == NULL) {
            fail(lookup, HTRAIL_E_NOMEM);
            return 0;
        }
        /* Forgetting is simpler than moving, and as quick. */
        free(lookup->keys);
        lookup->keys = fresh;
        lookup->key_room = room;
        lookup->key_count = 0;
    }
    size_t slot = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (lookup->key_room - 1);
    for (; lookup->keys[slot].id != 0; slot = (slot + 1) & (lookup->key_room - 1))
        if (lookup->keys[slot].id == id)
            return lookup->keys[slot].text;
    lookup->keys[slot].id = id;
    lookup->keys[slot].text = text_by_id(lookup, KEY, id);
    lookup->key_count++;
    return lookup->keys[slot].text;
}

/* A label's code: its kind, text and position. */
static void read_label(htrail__lookup *lookup, uint64_t code, uint32_t *kind, uint32_t *label, uint64_t *position)
{
    bool direct = code & HTRAIL__CODE_DIRECT;
    *label = 0;
    *position = 0;
    *kind = code & HTRAIL__CODE_KIND_MASK;
    code >>= HTRAIL__CODE_PAYLOAD_SHIFT;
    if (!direct)
        *label = text_by_id(lookup, LABEL, code);
    else if (*kind == HTRAIL_REF_VALUE)
        *label = key_text(lookup, code);
    else
        *position = code;
}

static int64_t or_else(int64_t value, int64_t otherwise) { return value != HTRAIL__BTREE_NULL ? value : otherwise; }

/* A row that is found, or why not. */
static htrail_status find_row(htrail__lookup *lookup, htrail__object_rows *rows, uint64_t id, int64_t *row)
{
    htrail__btree_step step = htrail__object_rows_find(rows, (int64_t)id, row, HTRAIL__OBJECT_COLUMNS);
    if (step == HTRAIL__BTREE_BROKEN)
        fail_with(lookup, HTRAIL_E_DATABASE, htrail__object_rows_error(rows));
    return step == HTRAIL__BTREE_ROW ? HTRAIL_OK : step == HTRAIL__BTREE_DONE ? HTRAIL_E_NOT_FOUND : lookup->status;
}

htrail_status htrail__lookup_object(htrail__lookup *lookup, uint64_t id, htrail__found_object *out)
{
    int64_t row[HTRAIL__OBJECT_COLUMNS], above[HTRAIL__OBJECT_COLUMNS];
    htrail_status status = find_row(lookup, &lookup->objects, id, row);

    *out = (htrail__found_object){0};
    if (status != HTRAIL_OK)
        return status;
    uint64_t type = (uint64_t)or_else(row[HTRAIL__OBJECT_TYPE], 0);
    int64_t size_bytes = or_else(row[HTRAIL__OBJECT_SIZE], 0), place = row[HTRAIL__OBJECT_TREE_PLACE];
    uint64_t flags = row[HTRAIL__OBJECT_FLAGS] != HTRAIL__BTREE_NULL ? (uint64_t)row[HTRAIL__OBJECT_FLAGS] : text_by_id(lookup, TYPE_FLAGS, type);
    *out = (htrail__found_object){
        .id = id,
        .address = (uint64_t)or_else(row[HTRAIL__OBJECT_ADDRESS], 0),
        .length = row[HTRAIL__OBJECT_LENGTH] == HTRAIL__BTREE_NULL ? HTRAIL__NO_LENGTH : (uint64_t)row[HTRAIL__OBJECT_LENGTH],
        .size_bytes = (uint64_t)size_bytes,
        .refcount = flags & (HTRAIL_OBJECT_IMMORTAL | HTRAIL_OBJECT_PSEUDO) ? 0 : (uint64_t)or_else(row[HTRAIL__OBJECT_REFCOUNT], or_else(row[HTRAIL__OBJECT_REFERRERS], 1)),
        .holder = (uint64_t)or_else(row[HTRAIL__OBJECT_HOLDER], 0),
        .root = row[HTRAIL__OBJECT_DEPTH] == HTRAIL__BTREE_NULL ? 0 : (uint64_t)or_else(row[HTRAIL__OBJECT_ROOT], 1),
        .dominator = (uint64_t)or_else(row[HTRAIL__OBJECT_DOMINATOR], or_else(row[HTRAIL__OBJECT_HOLDER], 0)),
        .retained_bytes = (uint64_t)or_else(row[HTRAIL__OBJECT_RETAINED], size_bytes),
        .tree_first = or_else(place, 0),
        .tree_last = htrail__object_rows_tree_last(row),
    };
    if (place == HTRAIL__BTREE_NULL && out->dominator != 0) {
        if ((status = find_row(lookup, &lookup->dominators, out->dominator, above)) == HTRAIL_OK)
            out->tree_first = or_else(above[HTRAIL__OBJECT_TREE_PLACE], 0);
        else if (status != HTRAIL_E_NOT_FOUND)
            return status;
    }
    /* Objects are numbered from the roots on (analyze/reach.h): a chain upwards ends. */
    if (out->holder >= id && lookup->status == HTRAIL_OK) {
        lookup->status = HTRAIL_E_CORRUPT;
        snprintf(lookup->error, sizeof lookup->error, "the database is damaged: object %llu is held by a later one", (unsigned long long)id);
    }
    out->type = text_by_id(lookup, TYPE, type);
    out->module = row[HTRAIL__OBJECT_MODULE] == HTRAIL__BTREE_NULL ? text_by_id(lookup, TYPE_MODULE, type) : text_by_id(lookup, MODULE, (uint64_t)row[HTRAIL__OBJECT_MODULE]);
    out->owner = row[HTRAIL__OBJECT_OWNER] == HTRAIL__BTREE_NULL ? out->module : text_by_id(lookup, MODULE, (uint64_t)row[HTRAIL__OBJECT_OWNER]);
    out->name = text_by_id(lookup, NAME, (uint64_t)or_else(row[HTRAIL__OBJECT_NAME], 0));
    if (out->holder != 0)
        read_label(lookup, (uint64_t)or_else(row[HTRAIL__OBJECT_LABEL], 0), &out->holder_kind, &out->holder_label, &out->holder_position);
    return lookup->status;
}

/* The references of an object, or to it. */
static bool begin_list(htrail__lookup *lookup, htrail__reference_rows *rows, uint64_t id)
{
    if (htrail__reference_rows_find(rows, (int64_t)id))
        return true;
    fail_with(lookup, HTRAIL_E_DATABASE, htrail__reference_rows_error(rows));
    return false;
}

/* The next strong one. */
static bool next_strong(htrail__lookup *lookup, htrail__reference_rows *rows, int64_t *row)
{
    htrail__btree_step step;
    while ((step = htrail__reference_rows_next_found(rows, row)) == HTRAIL__BTREE_ROW)
        if ((row[HTRAIL__REFERENCE_LABEL] & HTRAIL__CODE_KIND_MASK) != HTRAIL_REF_WEAK)
            return true;
    if (step == HTRAIL__BTREE_BROKEN)
        fail_with(lookup, HTRAIL_E_DATABASE, htrail__reference_rows_error(rows));
    return false;
}

static htrail_status find_list(htrail__lookup *lookup, htrail__reference_rows *rows, htrail__reference_column end, struct found_list *list, uint64_t id, size_t limit,
                               size_t *count, bool *more)
{
    int64_t row[HTRAIL__REFERENCE_COLUMNS];

    *count = 0;
    *more = false;
    if (!begin_list(lookup, rows, id))
        return lookup->status;
    while (next_strong(lookup, rows, row)) {
        if (*count == limit) {
            *more = true;
            break;
        }
        if (!htrail__grow(&list->items, &list->room, *count, sizeof *list->items))
            return fail(lookup, HTRAIL_E_NOMEM);
        htrail__found_holder *found = &list->items[(*count)++];
        found->id = (uint64_t)row[end];
        read_label(lookup, (uint64_t)row[HTRAIL__REFERENCE_LABEL], &found->kind, &found->label, &found->position);
    }
    return lookup->status;
}

htrail_status htrail__lookup_holders(htrail__lookup *lookup, uint64_t id, size_t limit, const htrail__found_holder **holders, size_t *count, bool *more)
{
    htrail_status status = find_list(lookup, &lookup->holders_of, HTRAIL__REFERENCE_SRC, &lookup->holders, id, limit, count, more);
    *holders = lookup->holders.items;
    return status;
}

htrail_status htrail__lookup_references(htrail__lookup *lookup, uint64_t id, size_t limit, const htrail__found_holder **references, size_t *count, bool *more)
{
    htrail_status status = find_list(lookup, &lookup->references_of, HTRAIL__REFERENCE_DST, &lookup->references, id, limit, count, more);
    *references = lookup->references.items;
    return status;
}

htrail_status htrail__lookup_holder_ids(htrail__lookup *lookup, uint64_t id, size_t limit, const uint64_t **ids, size_t *count, bool *more)
{
    int64_t row[HTRAIL__REFERENCE_COLUMNS];

    *count = 0;
    *more = false;
    if (!begin_list(lookup, &lookup->holders_of, id))
        return lookup->status;
    while (next_strong(lookup, &lookup->holders_of, row)) {
        uint64_t holder = (uint64_t)row[HTRAIL__REFERENCE_SRC];
        if (*count > 0 && lookup->ids[*count - 1] == holder)
            continue;
        if (*count == limit) {
            *more = true;
            break;
        }
        if (!htrail__grow(&lookup->ids, &lookup->id_room, *count, sizeof *lookup->ids))
            return fail(lookup, HTRAIL_E_NOMEM);
        lookup->ids[(*count)++] = holder;
    }
    *ids = lookup->ids;
    return lookup->status;
}

htrail_status htrail__lookup_reference(htrail__lookup *lookup, uint64_t src, uint64_t dst, htrail__found_holder *out)
{
    sqlite3_stmt *statement = start(lookup, REFERENCE, src);
    int stepped;

    *out = (htrail__found_holder){0};
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)dst);
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        out->id = src;
        read_label(lookup, number(statement, 1), &out->kind, &out->label, &out->position);
        if (out->kind != HTRAIL_REF_WEAK)
            break;
    }
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE)
        fail(lookup, HTRAIL_E_DATABASE);
    sqlite3_reset(statement);
    return lookup->status != HTRAIL_OK ? lookup->status : out->id == 0 ? HTRAIL_E_NOT_FOUND : HTRAIL_OK;
}

htrail_status htrail__lookup_class(htrail__lookup *lookup, uint64_t id, uint64_t *class_id)
{
    sqlite3_stmt *statement = start(lookup, CLASS, id);
    int stepped = sqlite3_step(statement);
    *class_id = stepped == SQLITE_ROW ? number(statement, 0) : 0;
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE)
        fail(lookup, HTRAIL_E_DATABASE);
    sqlite3_reset(statement);
    return lookup->status;
}

static htrail_status count_rows(htrail__lookup *lookup, int query, uint64_t id, uint64_t *count)
{
    sqlite3_stmt *statement = start(lookup, query, id);
    if (sqlite3_step(statement) != SQLITE_ROW)
        fail(lookup, HTRAIL_E_DATABASE);
    else
        *count = number(statement, 0);
    sqlite3_reset(statement);
    return lookup->status;
}

htrail_status htrail__lookup_holder_count(htrail__lookup *lookup, uint64_t id, uint64_t *count)
{
    return count_rows(lookup, HOLDER_COUNT, id, count);
}

htrail_status htrail__lookup_reference_count(htrail__lookup *lookup, uint64_t id, uint64_t *count)
{
    return count_rows(lookup, REFERENCE_COUNT, id, count);
}

static htrail__found_root read_root(htrail__lookup *lookup, sqlite3_stmt *statement)
{
    return (htrail__found_root){.id = number(statement, 0), .kind = root_kind(statement, 1), .kind_text = text(lookup, statement, 1), .name = text(lookup, statement, 2)};
}

htrail_status htrail__lookup_root(htrail__lookup *lookup, uint64_t root, htrail__found_root *out)
{
    sqlite3_stmt *statement = start(lookup, ROOT, root);
    int stepped = sqlite3_step(statement);
    *out = (htrail__found_root){0};
    if (stepped == SQLITE_ROW)
        *out = read_root(lookup, statement);
    else if (stepped != SQLITE_DONE)
        fail(lookup, HTRAIL_E_DATABASE);
    sqlite3_reset(statement);
    return stepped == SQLITE_DONE ? HTRAIL_E_NOT_FOUND : lookup->status;
}

static htrail_status read_root_objects(htrail__lookup *lookup)
{
    sqlite3_stmt *statement = start(lookup, ROOT_OBJECTS, 0);
    int stepped;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW && lookup->status == HTRAIL_OK)
        if (htrail__id_set_add(&lookup->root_objects, number(statement, 0)) != HTRAIL_OK)
            fail_with(lookup, HTRAIL_E_CORRUPT, "the database is damaged: what a root holds is no object");
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE)
        fail(lookup, HTRAIL_E_DATABASE);
    sqlite3_reset(statement);
    return lookup->status;
}

htrail_status htrail__lookup_roots_of(htrail__lookup *lookup, uint64_t id, const htrail__found_root **roots, size_t *count)
{
    sqlite3_stmt *statement;
    int stepped;

    *count = 0;
    *roots = lookup->roots;
    if (lookup->root_questions <= ROOT_QUESTIONS_MAX && lookup->root_questions++ == ROOT_QUESTIONS_MAX && read_root_objects(lookup) != HTRAIL_OK)
        return lookup->status;
    if (lookup->root_questions > ROOT_QUESTIONS_MAX && !htrail__id_set_has(&lookup->root_objects, id))
        return lookup->status;
    statement = start(lookup, ROOTS_OF, id);
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        if (*count == lookup->root_room) {
            size_t room = lookup->root_room ? lookup->root_room * 2 : 16;
            htrail__found_root *larger = realloc(lookup->roots, room * sizeof *larger);
            if (larger == NULL)
                return fail(lookup, HTRAIL_E_NOMEM);
            lookup->roots = larger;
            lookup->root_room = room;
        }
        lookup->roots[(*count)++] = read_root(lookup, statement);
    }
    if (stepped != SQLITE_DONE)
        fail(lookup, HTRAIL_E_DATABASE);
    sqlite3_reset(statement);
    *roots = lookup->roots;
    return lookup->status;
}

htrail_status htrail__lookup_totals(htrail__lookup *lookup, uint64_t *objects, uint64_t *size_bytes)
{
    sqlite3_stmt *statement = start(lookup, TOTALS, 0);
    if (sqlite3_step(statement) != SQLITE_ROW) {
        fail(lookup, HTRAIL_E_DATABASE);
    } else {
        *objects = number(statement, 0);
        *size_bytes = number(statement, 1);
    }
    sqlite3_reset(statement);
    return lookup->status;
}

htrail__texts *htrail__lookup_texts(htrail__lookup *lookup) { return &lookup->texts; }

const char *htrail__lookup_text(htrail__lookup *lookup, uint32_t number_of_text)
{
    htrail_str found = htrail__texts_get(&lookup->texts, number_of_text);
    char **slot = &lookup->borrowed[lookup->next_borrowed++ % BORROWED];
    free(*slot);
    *slot = found.len > 0 ? strndup(found.data, found.len) : NULL;
    return *slot != NULL ? *slot : "";
}

const char *htrail__lookup_error(const htrail__lookup *lookup) { return lookup->error; }
