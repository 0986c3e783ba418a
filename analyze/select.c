/* analyze/select.c - see the header. Each kind of selector is one query. */
#include "analyze/select.h"

#include "analyze/near.h"
#include "analyze/object_rows.h"
#include "analyze/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* Two columns: the id, and whether the object is stale. Objects of a type lie between its first and last: of what
 * there is one of, that is one row and not the heap. */
static const char by_address[] = "SELECT id, 0 FROM object WHERE address = ?1";
static const char by_id[] = "SELECT id, 0 FROM object WHERE id = ?1";
#define TYPES_MEANT "FROM type t WHERE (t.name = ?1 OR (NOT EXISTS (SELECT 1 FROM type WHERE name = ?1)\n" \
                    "  AND (t.qualname = ?1 OR substr(t.name, -length(?1) - 1) = '.' || ?1)))"
static const char by_type[] =
    "SELECT o.id, 0 FROM (SELECT id, first_object, last_object " TYPES_MEANT ") t\n"
    "  CROSS JOIN heap_object o ON o.id BETWEEN t.first_object AND t.last_object AND +o.type = t.id ORDER BY o.id";
/* The same in steps: the rows between are read from the pages, which takes an eighth of the time. */
static const char types_meant[] = "SELECT id, first_object, last_object " TYPES_MEANT " AND first_object IS NOT NULL";
/* A namespace has a __name__, the dict of a class a __module__. */
static const char by_module[] =
    "WITH live(id) AS MATERIALIZED (SELECT r.dst FROM root JOIN reference r ON r.src = root.object\n"
    "    WHERE root.kind = 'sys.modules' AND r.kind = 'value' AND r.label = ?1),\n"
    "  listed(id) AS MATERIALIZED (SELECT id FROM live UNION SELECT r.dst FROM live JOIN reference r ON r.src = live.id\n"
    "    WHERE r.kind = 'field' AND r.label = '__dict__'),\n"
    "  found(id) AS (SELECT o.id FROM type t CROSS JOIN heap_object o ON o.id BETWEEN t.first_object AND t.last_object AND +o.type = t.id JOIN name n ON n.id = o.name\n"
    "    WHERE t.name = 'module' AND n.text = ?1\n"
    "  UNION SELECT o.id FROM type t CROSS JOIN heap_object o ON o.id BETWEEN t.first_object AND t.last_object AND +o.type = t.id\n"
    "    WHERE t.name = 'dict' AND (o.module IN (SELECT id FROM module WHERE name = ?1) OR (o.module IS NULL AND t.module = ?1))\n"
    "      AND EXISTS (SELECT 1 FROM reference r WHERE r.src = o.id AND r.kind = 'value' AND r.label = '__name__')\n"
    "      AND NOT EXISTS (SELECT 1 FROM reference r WHERE r.src = o.id AND r.kind = 'value' AND r.label = '__module__'))\n"
    "SELECT id, id NOT IN (SELECT id FROM listed) AS stale FROM found ORDER BY stale DESC, id";

htrail_status htrail__selector_parse(htrail__selector *out, const char *text, char *message, size_t message_cap)
{
    static const struct {
        const char *prefix;
        htrail__selector_kind kind;
        int base; /* of a number; 0: a text */
    } forms[] = {
        {"0x", HTRAIL__SELECT_ADDRESS, 16}, {"id:", HTRAIL__SELECT_ID, 10},       {"type:", HTRAIL__SELECT_TYPE, 0},
        {"module:", HTRAIL__SELECT_MODULE, 0}, {"where:", HTRAIL__SELECT_WHERE, 0},
    };
    *out = (htrail__selector){0};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t len = strlen(forms[i].prefix);
        if (strncmp(text, forms[i].prefix, len) != 0)
            continue;
        const char *rest = text + len;
        char *end = NULL;
        out->kind = forms[i].kind;
        out->text = rest;
        if (rest[0] == '\0') {
            snprintf(message, message_cap, "nothing after '%s' in '%s'", forms[i].prefix, text);
            return HTRAIL_E_MISUSE;
        }
        if (forms[i].base == 0)
            return HTRAIL_OK;
        errno = 0;
        out->number = strtoull(rest, &end, forms[i].base);
        if (errno == 0 && *end == '\0' && strspn(rest, "0123456789abcdefABCDEF") == strlen(rest))
            return HTRAIL_OK;
        snprintf(message, message_cap, "'%s' is no %s", text, forms[i].base == 16 ? "address" : "id");
        return HTRAIL_E_MISUSE;
    }
    snprintf(message, message_cap, "'%s' names no object: it takes 0xADDRESS, id:N, type:NAME, module:NAME or where:SQL", text);
    return HTRAIL_E_MISUSE;
}

static bool add_id(htrail__selection *selection, size_t *room, uint64_t id)
{
    if (selection->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        uint64_t *ids = realloc(selection->ids, more * sizeof *ids);
        if (ids == NULL)
            return false;
        selection->ids = ids;
        *room = more;
    }
    selection->ids[selection->count++] = id;
    return true;
}

typedef struct place {
    uint64_t id;
    size_t at;
} place;

static int by_id_and_place(const void *left, const void *right)
{
    const place *a = left, *b = right;
    return a->id != b->id ? (a->id < b->id ? -1 : 1) : a->at < b->at ? -1 : a->at > b->at;
}

/* Leave out from `from` on what was there before. stale counts from `from` on. */
static bool leave_out_repeated(htrail__selection *selection, size_t from)
{
    size_t kept = from;
    place *places = malloc((selection->count + 1) * sizeof *places);
    if (places == NULL)
        return false;
    for (size_t i = 0; i < selection->count; i++)
        places[i] = (place){selection->ids[i], i};
    htrail__sort(places, selection->count, sizeof *places, by_id_and_place);
    for (size_t i = 1; i < selection->count; i++)
        if (places[i].id == places[i - 1].id)
            selection->ids[places[i].at] = 0; /* no object has the id 0 */
    size_t stale = selection->stale;
    for (size_t i = from; i < selection->count; i++) {
        if (selection->ids[i] != 0)
            selection->ids[kept++] = selection->ids[i];
        else if (i - from < stale)
            selection->stale--;
    }
    selection->count = kept;
    free(places);
    return true;
}

void htrail__selector_query(const htrail__selector *selector, htrail__text *out)
{
    static const char *const queries[] = {by_address, by_id, by_type, by_module};
    /* On a line of its own, so that a comment at its end ends there. */
    if (selector->kind == HTRAIL__SELECT_WHERE)
        htrail__text_format(out, "SELECT id, 0 FROM object WHERE (%s\n) ORDER BY id", selector->text);
    else
        htrail__text_add_string(out, queries[selector->kind]);
}

void htrail__selector_bind(const htrail__selector *selector, sqlite3_stmt *statement)
{
    if (selector->kind == HTRAIL__SELECT_ADDRESS || selector->kind == HTRAIL__SELECT_ID)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)selector->number);
    else if (selector->kind != HTRAIL__SELECT_WHERE)
        sqlite3_bind_text(statement, 1, selector->text, -1, SQLITE_STATIC);
}

static int by_number(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Objects of a type. HTRAIL_E_CORRUPT: a page is broken. */
static htrail_status select_between(htrail__selection *selection, size_t *room, htrail__object_rows *rows, int64_t type, int64_t first, int64_t last)
{
    int64_t id = INT64_MIN, before, row[HTRAIL__OBJECT_TYPE + 1];
    htrail__btree_step step = htrail__object_rows_seek(rows, first) ? HTRAIL__BTREE_ROW : HTRAIL__BTREE_BROKEN;
    while (step == HTRAIL__BTREE_ROW && id < last) {
        before = id;
        step = htrail__object_rows_next(rows, &id, row, HTRAIL__OBJECT_TYPE + 1);
        if (step == HTRAIL__BTREE_ROW && id <= before)
            step = HTRAIL__BTREE_BROKEN;
        if (step == HTRAIL__BTREE_ROW && id <= last && row[HTRAIL__OBJECT_TYPE] == type && !add_id(selection, room, (uint64_t)id))
            return HTRAIL_E_NOMEM;
    }
    return step == HTRAIL__BTREE_BROKEN ? HTRAIL_E_CORRUPT : HTRAIL_OK;
}

/* What by_type gives. */
static htrail_status select_type(htrail__selection *selection, size_t *room, sqlite3 *db, const htrail__selector *selector, char *message, size_t message_cap)
{
    sqlite3_stmt *types = NULL;
    htrail__object_rows rows = {0};
    htrail_status status = HTRAIL_E_DATABASE;
    size_t from = selection->count, type_count = 0;
    bool began = sqlite3_get_autocommit(db) && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    int stepped = SQLITE_ERROR;
    if (sqlite3_prepare_v2(db, types_meant, -1, &types, NULL) == SQLITE_OK && htrail__object_rows_open(&rows, db)) {
        htrail__selector_bind(selector, types);
        status = HTRAIL_OK;
        for (; status == HTRAIL_OK && (stepped = sqlite3_step(types)) == SQLITE_ROW; type_count++)
            status = select_between(selection, room, &rows, sqlite3_column_int64(types, 0), sqlite3_column_int64(types, 1), sqlite3_column_int64(types, 2));
    }
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = HTRAIL_E_DATABASE;
    if (type_count > 1 && selection->count > from)
        htrail__sort(selection->ids + from, selection->count - from, sizeof *selection->ids, by_number);
    if (status != HTRAIL_OK)
        snprintf(message, message_cap, "cannot look for the object: %s",
                 status == HTRAIL_E_NOMEM ? "out of memory" : status == HTRAIL_E_CORRUPT ? htrail__object_rows_error(&rows) : sqlite3_errmsg(db));
    sqlite3_finalize(types);
    htrail__object_rows_release(&rows);
    if (began)
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return status;
}

/* That there is none, and what is called nearly so. */
static void add_near(sqlite3 *db, const htrail__selector *selector, const char *names_sql, const char *format, char *message, size_t message_cap)
{
    htrail__near near = {.wanted = selector->text};
    htrail__near_look_in(&near, db, names_sql, NULL);
    snprintf(message, message_cap, format, selector->text);
    htrail__near_append(&near, message, message_cap);
}

/* "type = dict": the shell took the quotes, or there were none. */
static void add_quotes(char *message, size_t message_cap)
{
    static const char no_column[] = "no such column: ";
    const char *found = strstr(message, no_column);
    size_t used = strlen(message);
    char name[64];
    if (found == NULL || used + 1 >= message_cap)
        return;
    snprintf(name, sizeof name, "%.60s", found + sizeof no_column - 1);
    snprintf(message + used, message_cap - used, "; a text stands in quotes, '%s'", name);
}

htrail_status htrail__select(htrail__selection *selection, sqlite3 *db, const htrail__selector *selector, char *message, size_t message_cap)
{
    htrail_status status = HTRAIL_E_NOMEM;
    sqlite3_stmt *statement = NULL;
    size_t from = selection->count, room = from;
    htrail__text expression;
    const char *tail = NULL;
    int stepped;

    htrail__text_init(&expression, 1 << 20);
    selection->stale = 0;
    snprintf(message, message_cap, "out of memory");
    if (selector->kind == HTRAIL__SELECT_TYPE) {
        status = select_type(selection, &room, db, selector, message, message_cap);
        if (status != HTRAIL_OK)
            goto done;
        status = HTRAIL_E_NOMEM;
        goto found;
    }
    htrail__selector_query(selector, &expression);
    if (expression.failed)
        goto done;
    if (sqlite3_prepare_v2(db, htrail__text_string(&expression), -1, &statement, &tail) != SQLITE_OK || statement == NULL || tail[0] != '\0' ||
        !sqlite3_stmt_readonly(statement) || sqlite3_column_count(statement) != 2) {
        bool bad_expression = selector->kind == HTRAIL__SELECT_WHERE;
        status = bad_expression ? HTRAIL_E_MISUSE : HTRAIL_E_DATABASE;
        snprintf(message, message_cap, "%s: %s%s%s", bad_expression ? "no expression over the object table" : "cannot look for the object",
                 bad_expression ? selector->text : "", bad_expression ? ": " : "", sqlite3_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db) : "more than one statement");
        if (bad_expression)
            add_quotes(message, message_cap);
        goto done;
    }
    htrail__selector_bind(selector, statement);
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!add_id(selection, &room, (uint64_t)sqlite3_column_int64(statement, 0)))
            goto done;
        selection->stale += sqlite3_column_int(statement, 1) != 0;
    }
    if (stepped != SQLITE_DONE) {
        status = HTRAIL_E_DATABASE;
        snprintf(message, message_cap, "cannot look for the object: %s", sqlite3_errmsg(db));
        goto done;
    }
found:
    if (selection->count == from) {
        status = HTRAIL_E_NOT_FOUND;
        if (selector->kind == HTRAIL__SELECT_ADDRESS)
            snprintf(message, message_cap, "no object is at 0x%llx", (unsigned long long)selector->number);
        else if (selector->kind == HTRAIL__SELECT_ID)
            snprintf(message, message_cap, "there is no object with the id %llu", (unsigned long long)selector->number);
        else if (selector->kind == HTRAIL__SELECT_TYPE)
            add_near(db, selector, "SELECT name FROM type WHERE first_object IS NOT NULL", "there is no object of a type '%s'", message, message_cap);
        else if (selector->kind == HTRAIL__SELECT_MODULE)
            add_near(db, selector, "SELECT name FROM module", "there is no module '%s', and no namespace of one", message, message_cap);
        else
            snprintf(message, message_cap, "no object fits: %s", selector->text);
        goto done;
    }
    if (!leave_out_repeated(selection, from))
        goto done;
    message[0] = '\0';
    status = HTRAIL_OK;
done:
    sqlite3_finalize(statement);
    htrail__text_release(&expression);
    return status;
}

void htrail__selection_release(htrail__selection *selection)
{
    free(selection->ids);
    *selection = (htrail__selection){0};
}
