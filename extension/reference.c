/* extension/reference.c - references as rows: one record, an object, is as many rows as it has references. */
#include <inttypes.h>
#include <stdio.h>

#include "extension/kind.h"

SQLITE_EXTENSION_INIT3

enum { SRC, DST, KIND, LABEL, KEY };

static const char *kind_text(uint32_t kind)
{
    static const char *const texts[] = {"plain", "index", "key", "value", "attr", "slot", "field", "local", "cell", "default", "offset", "stack", "weak"};
    return kind < sizeof texts / sizeof *texts ? texts[kind] : "plain";
}

/* What the label of the reference hangs on: the key before it, the position after the one before. */
static void learn(htrail__scan *scan)
{
    const htrail_ref *ref = &scan->record.u.object.refs[scan->ref];
    if (ref->kind == HTRAIL_REF_INDEX || ref->kind == HTRAIL_REF_STACK) {
        uint64_t *next = ref->kind == HTRAIL_REF_INDEX ? &scan->next_index : &scan->next_stack;
        scan->position = ref->label == 0 ? *next : ref->label - 1;
        *next = scan->position + 1;
    }
    if (ref->kind == HTRAIL_REF_KEY)
        scan->key = ref->target;
    else if (ref->kind != HTRAIL_REF_VALUE)
        scan->key = 0;
}

static bool passes(const htrail__scan *scan)
{
    uint64_t target = scan->record.u.object.refs[scan->ref].target;
    return !scan->filter.has_addresses || (target >= scan->filter.first_address && target <= scan->filter.last_address);
}

/* The next reference of the record that passes, from scan->ref on. */
static bool find(htrail__scan *scan)
{
    const htrail_object *object = &scan->record.u.object;
    for (; scan->ref < object->ref_count; scan->ref++) {
        learn(scan);
        if (passes(scan))
            return true;
        if (object->refs[scan->ref].kind == HTRAIL_REF_VALUE)
            scan->key = 0;
    }
    struct htrail__names_entry *part = htrail__names_entry(&scan->parts, object->id, false);
    if (part != NULL) {
        part->next_index = scan->next_index;
        part->next_stack = scan->next_stack;
        part->key_object = scan->key;
    }
    return false;
}

static bool is_row(htrail__scan *scan)
{
    if (scan->record.kind != HTRAIL_RECORD_OBJECT)
        return false;
    const struct htrail__names_entry *part = htrail__names_entry(&scan->parts, scan->record.u.object.id, false);
    bool goes_on = part != NULL && (scan->record.u.object.flags & HTRAIL_OBJECT_CONTINUED);
    scan->next_index = goes_on ? part->next_index : 0;
    scan->next_stack = goes_on ? part->next_stack : 0;
    scan->key = goes_on ? part->key_object : 0;
    scan->ref = 0;
    return find(scan);
}

static bool has_more(htrail__scan *scan)
{
    if (scan->record.u.object.refs[scan->ref].kind == HTRAIL_REF_VALUE)
        scan->key = 0;
    scan->ref++;
    return find(scan);
}

static void result_label(const htrail__scan *scan, sqlite3_context *context, const htrail_ref *ref)
{
    const char *text = NULL;
    char number[32];
    uint64_t position = ref->kind == HTRAIL_REF_OFFSET ? ref->label - 1 : scan->position;
    switch (ref->kind) {
    case HTRAIL_REF_PLAIN:
    case HTRAIL_REF_KEY: text = ""; break;
    case HTRAIL_REF_INDEX:
    case HTRAIL_REF_STACK:
    case HTRAIL_REF_OFFSET:
        snprintf(number, sizeof number, "%" PRIu64, position);
        text = ref->kind == HTRAIL_REF_OFFSET && ref->label == 0 ? "" : number;
        break;
    case HTRAIL_REF_VALUE:
        if (ref->label == 0 && scan->key != 0) { /* of a key that is no text there is column key */
            text = htrail__names_get(&scan->names, scan->key);
            text = text != NULL ? text : htrail__names_get(&scan->contents, scan->key);
            break;
        }
        /* fallthrough */
    default:
        text = htrail__names_get(&scan->names, ref->label);
        text = text == NULL ? "" : text;
    }
    if (text != NULL)
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void column(const htrail__scan *scan, sqlite3_context *context, int number)
{
    const htrail_ref *ref = &scan->record.u.object.refs[scan->ref];
    switch (number) {
    case SRC: sqlite3_result_int64(context, (sqlite3_int64)scan->record.u.object.id); break;
    case DST: sqlite3_result_int64(context, (sqlite3_int64)ref->target); break;
    case KIND: sqlite3_result_text(context, kind_text(ref->kind), -1, SQLITE_STATIC); break;
    case LABEL: result_label(scan, context, ref); break;
    case KEY:
        if (ref->kind == HTRAIL_REF_VALUE && ref->label == 0 && scan->key != 0 && htrail__names_get(&scan->names, scan->key) == NULL)
            sqlite3_result_int64(context, (sqlite3_int64)scan->key);
        break;
    }
}

const htrail__kind htrail__kind_reference = {
    .name = "reference", .other_name = "references",
    .declaration = "CREATE TABLE x(src INTEGER, dst INTEGER, kind TEXT, label TEXT, key INTEGER)",
    .type_column = -1, .address_columns = {DST, DST}, .label_columns = 1 << LABEL | 1 << KEY,
    .is_row = is_row, .has_more = has_more, .column = column,
};
