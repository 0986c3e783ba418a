/* analyze/waste_fields.c - the field of a wasted object, in words: from holder to holder up to the nearest that has a name for it. */
#include "analyze/waste_build.h"

#include <stdio.h>

#include "analyze/text.h"

enum { FIELD_BYTES_MAX = 1 << 20 };

static htrail_status add(htrail__waste *w, const htrail__text *text, uint32_t *out)
{
    htrail_status status = text->failed ? HTRAIL_E_NOMEM : htrail__texts_add(&w->texts, (htrail_str){htrail__text_string(text), text->len}, out);
    return status == HTRAIL_OK ? status : htrail__waste_fail(w, status, NULL);
}

/* "(int)", for a key that is no name. */
static htrail_status bracketed(htrail__waste *w, uint32_t type, uint32_t *out)
{
    htrail__text text;
    htrail_status status = HTRAIL_OK;
    *out = 0;
    if (type >= w->type_count)
        return HTRAIL_OK;
    if (w->bracketed[type] == 0) {
        htrail_str name = htrail__texts_get(&w->texts, w->types[type].name);
        htrail__text_init(&text, FIELD_BYTES_MAX);
        htrail__text_format(&text, "(%.*s)", (int)name.len, name.data);
        status = add(w, &text, &w->bracketed[type]);
        htrail__text_release(&text);
    }
    *out = w->bracketed[type];
    return status;
}

static htrail_status text_of_object(htrail__waste *w, uint32_t id, uint32_t *out)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    *out = 0;
    if (sqlite3_prepare_v2(w->db, "SELECT text FROM object_text WHERE object = ?", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, id);
        status = HTRAIL_OK;
        if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_TEXT)
            status = htrail__texts_add(&w->texts, (htrail_str){(const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)}, out);
    }
    sqlite3_finalize(statement);
    return status == HTRAIL_OK ? status : htrail__waste_fail(w, status, NULL);
}

htrail_status htrail__waste_label(htrail__waste *w, uint32_t code, uint32_t *out)
{
    uint32_t payload = code >> HTRAIL__CODE_PAYLOAD_SHIFT;
    *out = 0;
    if (!(code & HTRAIL__CODE_DIRECT)) {
        *out = payload < w->label_count ? w->labels[payload] : 0;
        return HTRAIL_OK;
    }
    if (htrail__waste_is_under_key(code)) {
        const htrail__waste_object *key = htrail__waste_object_at(w, payload);
        return htrail__id_set_has(&w->has_text, payload) ? text_of_object(w, payload, out) : key == NULL ? HTRAIL_OK : bracketed(w, key->type, out);
    }
    char number[16];
    htrail_status status = htrail__texts_add(&w->texts, (htrail_str){number, (size_t)snprintf(number, sizeof number, "%u", payload)}, out);
    return status == HTRAIL_OK ? status : htrail__waste_fail(w, status, NULL);
}

/* What a holder is called: its name, else its type. */
static uint32_t called(const htrail__waste *w, const htrail__waste_object *o)
{
    uint32_t name = o->name < w->name_count ? w->names[o->name] : 0;
    return name != 0 ? name : htrail__waste_type_at(w, o->type)->name;
}

static bool is_named(unsigned kind) { return kind >= HTRAIL_REF_ATTR && kind <= HTRAIL_REF_DEFAULT; }

/* One step up: what is written for it, and where it leads; 0: the last. */
typedef struct step {
    const char *between;
    uint32_t before, after; /* texts around it */
    uint32_t next;
} step;

static htrail_status make_step(htrail__waste *w, uint32_t id, int number, step *out)
{
    const htrail__waste_object *o = htrail__waste_object_at(w, id), *holder = o == NULL ? NULL : htrail__waste_object_at(w, o->holder), *of_dict = NULL;
    unsigned kind = o == NULL ? 0 : htrail__waste_ref_kind(o->label);
    htrail_status status;
    uint32_t label, above;
    *out = (step){.between = ""};
    if (holder == NULL) {
        out->before = o != NULL && o->label < w->root_count ? w->root_kinds[o->label] : 0;
        return HTRAIL_OK;
    }
    if ((status = htrail__waste_label(w, o->label, &label)) != HTRAIL_OK)
        return status;
    if (kind == HTRAIL_REF_VALUE && holder->holder != 0 && htrail__waste_ref_kind(holder->label) == HTRAIL_REF_FIELD) {
        if ((status = htrail__waste_label(w, holder->label, &above)) != HTRAIL_OK)
            return status;
        of_dict = above == w->dict_label ? htrail__waste_object_at(w, holder->holder) : NULL;
    }
    bool has_name = holder->name < w->name_count && w->names[holder->name] != 0;
    if (of_dict != NULL || is_named(kind)) {
        *out = (step){".", called(w, of_dict != NULL ? of_dict : holder), label, 0};
        return HTRAIL_OK;
    }
    if (has_name || number == HTRAIL__WASTE_STEPS) {
        *out = (step){"[]", called(w, holder), 0, 0};
        return HTRAIL_OK;
    }
    htrail_str key = htrail__texts_get(&w->texts, label);
    bool is_type = key.len >= 2 && key.data[0] == '(' && key.data[key.len - 1] == ')';
    *out = kind == HTRAIL_REF_VALUE && !is_type ? (step){"['", 0, label, o->holder} : (step){"[]", 0, 0, o->holder};
    return HTRAIL_OK;
}

static void write_step(const htrail__waste *w, const step *s, htrail__text *out)
{
    htrail_str before = htrail__texts_get(&w->texts, s->before), after = htrail__texts_get(&w->texts, s->after);
    htrail__text_add(out, before.data, before.len);
    htrail__text_add_string(out, s->between);
    htrail__text_add(out, after.data, after.len);
    if (s->between[0] == '[' && s->between[1] == '\'')
        htrail__text_add_string(out, "']");
}

htrail_status htrail__waste_field(htrail__waste *w, uint32_t id, uint32_t *out)
{
    step steps[HTRAIL__WASTE_STEPS + 1];
    htrail_status status = HTRAIL_OK;
    htrail__text text;
    int count = 0;
    for (uint32_t at = id; at != 0 && count <= HTRAIL__WASTE_STEPS; at = steps[count++].next)
        if ((status = make_step(w, at, count, &steps[count])) != HTRAIL_OK)
            return status;
    htrail__text_init(&text, FIELD_BYTES_MAX);
    while (count > 0)
        write_step(w, &steps[--count], &text);
    status = add(w, &text, out);
    htrail__text_release(&text);
    return status;
}
