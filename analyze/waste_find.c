/* analyze/waste_find.c - the search for waste from its beginning to the table of what was found. */
#include "analyze/waste.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/waste_build.h"

enum { TEXT_BYTES_MAX = 1 << 30 };

static const struct {
    const char *columns, *names;
} tables[HTRAIL__WASTE_KEYS] = {
    [HTRAIL__WASTE_BY_FIELD] = {"?1, ?2, ?3", "kind TEXT, type TEXT, held_by TEXT"},
    [HTRAIL__WASTE_BY_TYPE] = {"?1, ?2", "kind TEXT, type TEXT"},
    [HTRAIL__WASTE_BY_OWNER] = {"?3", "owner TEXT"},
    [HTRAIL__WASTE_BY_KIND] = {"?1", "kind TEXT"},
};

static htrail_status search(htrail__waste *w)
{
    unsigned major, minor;
    htrail_status status = htrail__waste_runtime(w->db, &major, &minor);
    if (status != HTRAIL_OK)
        return htrail__waste_fail(w, status, NULL);
    if ((status = htrail__waste_read(w)) != HTRAIL_OK)
        return status;
    w->bracketed = calloc((size_t)w->type_count + 1, sizeof *w->bracketed);
    if (w->bracketed == NULL)
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    if ((w->wanted[HTRAIL__WASTE_DUPLICATE] || w->wanted[HTRAIL__WASTE_SLOTS]) && (status = htrail__waste_read_references(w)) != HTRAIL_OK)
        return status;
    if ((status = htrail__waste_find_same(w)) != HTRAIL_OK || (status = htrail__waste_find_containers(w, major, minor)) != HTRAIL_OK)
        return status;
    if (w->wanted[HTRAIL__WASTE_SLOTS] && (status = htrail__waste_find_slots(w)) != HTRAIL_OK)
        return status;
    return htrail__waste_finish(w);
}

static void bind_text(sqlite3_stmt *statement, int column, htrail_str text)
{
    sqlite3_bind_text64(statement, column, text.data == NULL ? "" : text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static htrail_status tabulate(htrail__waste *w, sqlite3_stmt **out)
{
    sqlite3_stmt *insert = NULL;
    char *make = sqlite3_mprintf("PRAGMA query_only = 0; DROP TABLE IF EXISTS temp.wasted; CREATE TEMP TABLE wasted(%s, objects INTEGER, bytes INTEGER, back INTEGER, example INTEGER);",
                                 tables[w->by].names);
    char *add = sqlite3_mprintf("INSERT INTO temp.wasted VALUES(%s, ?4, ?5, ?6, ?7)", tables[w->by].columns);
    bool fine = make != NULL && add != NULL && sqlite3_exec(w->db, make, NULL, NULL, NULL) == SQLITE_OK && sqlite3_prepare_v2(w->db, add, -1, &insert, NULL) == SQLITE_OK;
    for (size_t i = 0; i < w->row_count && fine; i++) {
        const htrail__waste_row *row = &w->rows[i];
        const char *kind = htrail__waste_kind_name(row->kind);
        bind_text(insert, 1, (htrail_str){kind, strlen(kind)});
        bind_text(insert, 2, htrail__texts_get(&w->texts, row->type));
        bind_text(insert, 3, htrail__texts_get(&w->texts, row->place));
        sqlite3_bind_int64(insert, 4, row->sum.objects);
        sqlite3_bind_int64(insert, 5, row->sum.bytes);
        sqlite3_bind_int64(insert, 6, row->sum.back);
        sqlite3_bind_int64(insert, 7, row->sum.example);
        fine = sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
    }
    fine = fine && sqlite3_prepare_v2(w->db, "SELECT * FROM temp.wasted ORDER BY rowid", -1, out, NULL) == SQLITE_OK;
    sqlite3_finalize(insert);
    sqlite3_free(make);
    sqlite3_free(add);
    return fine ? HTRAIL_OK : htrail__waste_fail(w, HTRAIL_E_DATABASE, NULL);
}

static void release(htrail__waste *w)
{
    htrail__texts_release(&w->texts);
    free(w->types);
    free(w->labels);
    free(w->names);
    free(w->root_kinds);
    free(w->modules);
    free(w->objects);
    free(w->owners);
    free(w->containers.ids);
    free(w->tuples.ids);
    free(w->instances.ids);
    htrail__id_set_release(&w->has_text);
    free(w->first);
    free(w->items);
    free(w->item_starts);
    free(w->dicts);
    free(w->types_of_dict);
    htrail__key_set_release(&w->attributes);
    free(w->late);
    htrail__key_set_release(&w->spots);
    free(w->sums);
    free(w->bracketed);
    free(w->rows);
}

htrail_status htrail__waste_find(sqlite3_stmt **out, sqlite3 *db, const char *kind, const char *by, char *message, size_t message_cap)
{
    htrail__waste w = {.db = db, .message = message, .message_cap = message_cap, .attributes.width = 2, .spots.width = 5};
    *out = NULL;
    for (int i = 0; i < HTRAIL__WASTE_KINDS; i++)
        w.wanted[i] = kind == NULL || strcmp(kind, htrail__waste_kind_name((htrail__waste_kind)i)) == 0;
    for (int i = 0; i < HTRAIL__WASTE_KEYS; i++)
        if (strcmp(by, htrail__waste_key_name((htrail__waste_key)i)) == 0)
            w.by = (htrail__waste_key)i;
    /* One transaction, so that pages and queries are of one state. */
    bool began = sqlite3_get_autocommit(db) && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    htrail_status status = htrail__texts_init(&w.texts, TEXT_BYTES_MAX);
    status = status == HTRAIL_OK ? search(&w) : htrail__waste_fail(&w, status, NULL);
    if (began && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK && status == HTRAIL_OK)
        status = htrail__waste_fail(&w, HTRAIL_E_DATABASE, NULL);
    if (status == HTRAIL_OK)
        status = tabulate(&w, out);
    release(&w);
    return status;
}
