/* analyze/unfold_words.c - see the header. */
#include "analyze/unfold_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/schema.h"

/* A name, in 64 bits: the code of a reference; or one of these, and what it is of. */
#define KEY_OF_TYPE (UINT64_C(1) << 32)
#define OF_ROOT (UINT64_C(1) << 63) /* kind << 32 | label: numbers of texts */

#define TEXTS_BYTES_MAX (UINT64_C(1) << 34)
enum { CACHED = 1 << 14 };

/* A table of texts by id. Two ids of one place are asked for in turns. */
struct htrail__unfold_asked {
    sqlite3_stmt *statement;
    uint32_t ids[CACHED], words[CACHED]; /* ids: + 1, 0 none */
};

static uint32_t add(htrail__unfold_words *words, const char *data, size_t len)
{
    uint32_t word = 0;
    htrail_status status = data == NULL ? HTRAIL_OK : htrail__texts_add(&words->texts, (htrail_str){data, len}, &word);
    if (status != HTRAIL_OK)
        words->status = status;
    return word;
}

static uint32_t add_string(htrail__unfold_words *words, const char *text) { return add(words, text, strlen(text)); }

/* The text that the statement gives for id; "" where there is none. */
static uint32_t ask(htrail__unfold_words *words, sqlite3_stmt *statement, uint32_t id)
{
    uint32_t word = 0;
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        word = add(words, text, (size_t)sqlite3_column_bytes(statement, 0));
    } else if (step != SQLITE_DONE) {
        words->status = HTRAIL_E_DATABASE;
    }
    sqlite3_reset(statement);
    return word;
}

static uint32_t word_of(htrail__unfold_words *words, htrail__unfold_asked *asked, uint32_t id)
{
    uint32_t at = id % CACHED;
    if (id == UINT32_MAX)
        return 0;
    if (asked->ids[at] != id + 1) {
        asked->words[at] = ask(words, asked->statement, id);
        asked->ids[at] = id + 1;
    }
    return asked->words[at];
}

htrail_status htrail__unfold_words_open(htrail__unfold_words *words, sqlite3 *db, const htrail__unfold_heap *heap)
{
    static const char *const kinds[HTRAIL__UNFOLD_KINDS] = {"plain", "index", "key", "value", "attr", "slot", "field", "local", "cell", "default", "offset", "stack", "weak", "", "", ""};
    const struct { htrail__unfold_asked **asked; const char *sql; } tables[] = {
        {&words->labels, "SELECT text FROM label WHERE id = ?1"},   {&words->names, "SELECT text FROM name WHERE id = ?1"},
        {&words->modules, "SELECT name FROM module WHERE id = ?1"}, {&words->types, "SELECT name FROM type WHERE id = ?1"},
        {&words->type_modules, "SELECT module FROM type WHERE id = ?1"}};
    *words = (htrail__unfold_words){.db = db, .heap = heap};
    if ((words->status = htrail__texts_init(&words->texts, TEXTS_BYTES_MAX)) != HTRAIL_OK)
        return words->status;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if ((*tables[i].asked = calloc(1, sizeof **tables[i].asked)) == NULL)
            return HTRAIL_E_NOMEM;
        if (sqlite3_prepare_v2(db, tables[i].sql, -1, &(*tables[i].asked)->statement, NULL) != SQLITE_OK)
            return HTRAIL_E_DATABASE;
    }
    if (sqlite3_prepare_v2(db, "SELECT text FROM object_text WHERE object = ?1", -1, &words->key_text, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT label FROM heap_reference WHERE src = ?1 AND dst = ?2 AND label & 15 <> 12 ORDER BY label LIMIT 1", -1, &words->reference, NULL) != SQLITE_OK)
        return HTRAIL_E_DATABASE;
    htrail__btree_scan_open(&words->references, db, "heap_reference");
    for (size_t i = 0; i < HTRAIL__UNFOLD_KINDS; i++)
        words->kinds[i] = add_string(words, kinds[i]);
    words->dict = add_string(words, "dict");
    words->builtins = add_string(words, "builtins");
    return words->status;
}

void htrail__unfold_words_release(htrail__unfold_words *words)
{
    htrail__unfold_asked *const tables[] = {words->labels, words->names, words->modules, words->types, words->type_modules};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (tables[i] != NULL)
            sqlite3_finalize(tables[i]->statement);
        free(tables[i]);
    }
    sqlite3_finalize(words->key_text);
    sqlite3_finalize(words->reference);
    htrail__btree_scan_release(&words->references);
    free(words->has_text);
    htrail__texts_release(&words->texts);
    *words = (htrail__unfold_words){0};
}

/* Which objects have a text: asked once, for a registry may have a million keys. */
static bool has_text(htrail__unfold_words *words, uint32_t id)
{
    sqlite3_stmt *statement = NULL;
    if (words->has_text == NULL) {
        if ((words->has_text = calloc((size_t)words->heap->count / 8 + 1, 1)) == NULL) {
            words->status = HTRAIL_E_NOMEM;
            return false;
        }
        int step = SQLITE_ERROR;
        if (sqlite3_prepare_v2(words->db, "SELECT object FROM object_text WHERE text IS NOT NULL", -1, &statement, NULL) == SQLITE_OK)
            while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
                sqlite3_int64 object = sqlite3_column_int64(statement, 0);
                if (object >= 0 && object <= words->heap->count)
                    words->has_text[object / 8] |= (unsigned char)(1u << object % 8);
            }
        if (step != SQLITE_DONE)
            words->status = HTRAIL_E_DATABASE;
        sqlite3_finalize(statement);
    }
    return words->has_text[id / 8] >> id % 8 & 1;
}

static bool ask_for_code(htrail__unfold_words *words, uint32_t above, uint32_t id, uint32_t *code)
{
    sqlite3_bind_int64(words->reference, 1, above);
    sqlite3_bind_int64(words->reference, 2, id);
    int step = sqlite3_step(words->reference);
    *code = step == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(words->reference, 0) : 0;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        words->status = HTRAIL_E_DATABASE;
    sqlite3_reset(words->reference);
    return step == SQLITE_ROW;
}

enum { SRC, DST, LABEL, REFERENCE_COLUMNS };

/* The row after; where pages are broken SQLite is asked from then on, which says so. */
static void next_reference(htrail__unfold_words *words)
{
    int64_t id;
    htrail__btree_step step = htrail__btree_scan_next(&words->references, &id, words->reference_row, REFERENCE_COLUMNS);
    if (step == HTRAIL__BTREE_BROKEN)
        htrail__btree_scan_release(&words->references);
    if (step != HTRAIL__BTREE_ROW)
        words->reference_row[SRC] = 0;
}

/* The code of the first reference by which one holds the other; false: there is none. */
static bool code_between(htrail__unfold_words *words, uint32_t above, uint32_t id, uint32_t *code)
{
    int64_t *row = words->reference_row;
    if (words->references.map != NULL && (row[SRC] != above || row[DST] > id)) {
        if (htrail__btree_scan_seek(&words->references, above))
            next_reference(words);
        else
            htrail__btree_scan_release(&words->references);
    }
    while (words->references.map != NULL && row[SRC] == above && (row[DST] < id || (row[DST] == id && (row[LABEL] & HTRAIL__CODE_KIND_MASK) == HTRAIL_REF_WEAK)))
        next_reference(words);
    if (words->references.map == NULL)
        return ask_for_code(words, above, id, code);
    *code = (uint32_t)row[LABEL];
    return row[SRC] == above && row[DST] == id;
}

uint64_t htrail__unfold_chosen_name(void) { return OF_ROOT; }

uint64_t htrail__unfold_name(htrail__unfold_words *words, uint32_t above, uint32_t id)
{
    uint32_t code = words->heap->objects[id].code, kind, key;
    if (code == HTRAIL__UNFOLD_APART && !code_between(words, above, id, &code))
        return OF_ROOT;
    kind = code & HTRAIL__CODE_KIND_MASK;
    if (kind == HTRAIL_REF_INDEX || kind == HTRAIL_REF_KEY || kind == HTRAIL_REF_STACK)
        return kind;
    if (kind != HTRAIL_REF_VALUE || !(code & HTRAIL__CODE_DIRECT))
        return code;
    key = code >> HTRAIL__CODE_PAYLOAD_SHIFT;
    return key > words->heap->count || has_text(words, key) ? code : KEY_OF_TYPE | words->heap->objects[key].type;
}

uint64_t htrail__unfold_top_name(htrail__unfold_words *words, const htrail__unfold_top *top, const char *root_kind, const char *root_key)
{
    uint32_t kind, label, type = words->heap->objects[top->id].type;
    if (root_kind[0] != '\0') {
        kind = add_string(words, root_kind);
        label = add_string(words, root_key);
    } else {
        kind = add_string(words, top->is_reached ? "(several roots)" : "(garbage)");
        label = word_of(words, words->names, top->name);
        if (label == 0 && htrail__unfold_type_word(words, type) == words->dict) {
            label = top->module == 0 ? word_of(words, words->type_modules, type) : word_of(words, words->modules, top->module);
            label = label == words->builtins ? 0 : label;
        }
    }
    return OF_ROOT | (uint64_t)kind << 32 | label;
}

uint32_t htrail__unfold_type_word(htrail__unfold_words *words, uint32_t type) { return word_of(words, words->types, type); }

/* "(int)" */
static uint32_t type_in_brackets(htrail__unfold_words *words, uint32_t type)
{
    htrail_str name = htrail__texts_get(&words->texts, htrail__unfold_type_word(words, type));
    char *text = malloc(name.len + 3);
    uint32_t word = 0;
    if (text == NULL) {
        words->status = HTRAIL_E_NOMEM;
        return 0;
    }
    text[0] = '(';
    memcpy(text + 1, name.data, name.len);
    text[name.len + 1] = ')';
    word = add(words, text, name.len + 2);
    free(text);
    return word;
}

void htrail__unfold_name_words(htrail__unfold_words *words, uint64_t name, uint32_t *kind, uint32_t *label)
{
    uint32_t code = (uint32_t)name, payload = code >> HTRAIL__CODE_PAYLOAD_SHIFT;
    if (name & OF_ROOT) {
        *kind = (uint32_t)((name & ~OF_ROOT) >> 32);
        *label = code;
        return;
    }
    if (name & KEY_OF_TYPE) {
        *kind = words->kinds[HTRAIL_REF_VALUE];
        *label = type_in_brackets(words, code);
        return;
    }
    *kind = words->kinds[code & HTRAIL__CODE_KIND_MASK];
    if (code == HTRAIL_REF_INDEX || code == HTRAIL_REF_KEY || code == HTRAIL_REF_STACK)
        *label = 0;
    else if (!(code & HTRAIL__CODE_DIRECT))
        *label = word_of(words, words->labels, payload);
    else if ((code & HTRAIL__CODE_KIND_MASK) == HTRAIL_REF_VALUE)
        *label = ask(words, words->key_text, payload);
    else {
        char number[16];
        snprintf(number, sizeof number, "%u", payload);
        *label = add_string(words, number);
    }
}
