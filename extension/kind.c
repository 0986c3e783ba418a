/* extension/kind.c - all kinds of tables but the references. See the header. */
#include "extension/kind.h"

#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

SQLITE_EXTENSION_INIT3

void htrail__result_text(sqlite3_context *context, htrail_str text)
{
    if (htrail__utf8_is_clean(text)) {
        sqlite3_result_text64(context, text.len > 0 ? text.data : "", text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        return;
    }
    char *clean = htrail__utf8_copy(text);
    if (clean == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, clean, strlen(clean), free, SQLITE_UTF8);
}

static void result_words(sqlite3_context *context, const char *words) { sqlite3_result_text(context, words, -1, SQLITE_TRANSIENT); }
static void result_number(sqlite3_context *context, uint64_t number) { sqlite3_result_int64(context, (sqlite3_int64)number); }

/* NULL is left where nothing is said. */
static void result_known(sqlite3_context *context, uint64_t number)
{
    if (number != 0)
        result_number(context, number);
}

static bool passes(const htrail__scan *scan, uint64_t address)
{
    return !scan->filter.has_addresses || (address >= scan->filter.first_address && address <= scan->filter.last_address);
}

/* object */

static bool object_is_row(htrail__scan *scan)
{
    return scan->record.kind == HTRAIL_RECORD_OBJECT && !(scan->record.u.object.flags & HTRAIL_OBJECT_CONTINUED) &&
           scan->types.items[scan->type].is_wanted && passes(scan, scan->record.u.object.id);
}

void htrail__object_column(const htrail__object_row *row, sqlite3_context *context, int column)
{
    switch (column) {
    case HTRAIL__OBJECT_ID:
    case HTRAIL__OBJECT_ADDRESS: result_number(context, row->address); break;
    case HTRAIL__OBJECT_TYPE: result_words(context, row->type); break;
    case HTRAIL__OBJECT_LENGTH:
        if (row->flags & HTRAIL_OBJECT_LENGTH)
            result_number(context, row->length);
        break;
    case HTRAIL__OBJECT_SIZE: result_number(context, row->size_bytes < INT64_MAX ? row->size_bytes : INT64_MAX); break;
    case HTRAIL__OBJECT_REFCOUNT:
        if (!(row->flags & HTRAIL_OBJECT_PSEUDO))
            result_known(context, row->refcount);
        break;
    case HTRAIL__OBJECT_TRACKED: result_number(context, (row->flags & HTRAIL_OBJECT_TRACKED) != 0); break;
    case HTRAIL__OBJECT_PSEUDO: result_number(context, (row->flags & HTRAIL_OBJECT_PSEUDO) != 0); break;
    case HTRAIL__OBJECT_IMMORTAL: result_number(context, (row->flags & HTRAIL_OBJECT_IMMORTAL) != 0); break;
    }
}

static void object_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_object *object = &scan->record.u.object;
    htrail__object_row row = {.address = object->id, .size_bytes = object->size_bytes, .length = object->length, .refcount = object->refcount,
                              .type = scan->types.items[scan->type].name, .flags = object->flags};
    htrail__object_column(&row, context, column);
}

const htrail__kind htrail__kind_object = {
    .name = "object", .other_name = "objects",
    .declaration = "CREATE TABLE x(id INTEGER HIDDEN, address INTEGER, type TEXT, length INTEGER, size INTEGER, refcount INTEGER, "
                   "is_tracked INTEGER, is_pseudo INTEGER, is_immortal INTEGER)",
    .type_column = HTRAIL__OBJECT_TYPE, .address_columns = {HTRAIL__OBJECT_ID, HTRAIL__OBJECT_ADDRESS},
    .is_row = object_is_row, .column = object_column,
};

/* type */

static bool type_has_more(htrail__scan *scan) { return scan->row <= scan->types.count; }

static void type_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail__scan_type *type = &scan->types.items[scan->row - 1];
    switch (column) {
    case 0: result_words(context, type->name); break;
    case 1: result_words(context, type->module); break;
    case 2: result_words(context, type->qualname); break;
    case 3: result_number(context, type->address); break;
    case 4: result_known(context, type->base); break;
    case 5: result_number(context, type->basic_bytes); break;
    case 6: result_number(context, type->item_bytes); break;
    case 7: result_number(context, (type->flags & HTRAIL_TYPE_HEAP) != 0); break;
    case 8: result_number(context, (type->flags & HTRAIL_TYPE_PSEUDO) != 0); break;
    case 9: result_number(context, type->objects); break;
    case 10: result_number(context, type->size_bytes < INT64_MAX ? type->size_bytes : INT64_MAX); break;
    }
}

static const htrail__kind kind_type = {
    .name = "type", .other_name = "types",
    .declaration = "CREATE TABLE x(name TEXT, module TEXT, qualname TEXT, address INTEGER, base INTEGER, basic_size INTEGER, item_size INTEGER, "
                   "is_heap INTEGER, is_pseudo INTEGER, objects INTEGER, bytes INTEGER)",
    .type_column = -1, .address_columns = {-1, -1}, .is_summary = true, .has_more = type_has_more, .column = type_column,
};

/* snapshot */

static bool fact_has_more(htrail__scan *scan) { return scan->row <= scan->meta.count; }

static void fact_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const struct htrail__texts_pair *pair = &scan->meta.pairs[scan->row - 1];
    result_words(context, column == 0 ? pair->key : pair->value);
}

/* That a file is cut is a fact of it. */
static const htrail__kind kind_snapshot = {
    .name = "snapshot", .other_name = "meta",
    .declaration = "CREATE TABLE x(key TEXT, value TEXT)",
    .type_column = -1, .address_columns = {-1, -1}, .is_summary = true, .has_more = fact_has_more, .column = fact_column,
};

/* root */

static bool root_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_ROOT && passes(scan, scan->record.u.root.object); }

static const char *root_kind_text(uint32_t kind)
{
    switch (kind) {
#define X(name, number, text) case number: return text;
        HTRAIL_ROOT_MAP(X)
#undef X
    }
    return "unknown kind of root";
}

static void root_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_root *root = &scan->record.u.root;
    switch (column) {
    case 0: result_number(context, root->object); break;
    case 1: result_words(context, root_kind_text(root->kind)); break;
    case 2: htrail__result_text(context, root->name); break;
    case 3: result_known(context, root->thread_id); break;
    case 4:
        if (root->kind == HTRAIL_ROOT_FRAME)
            result_number(context, root->depth);
        break;
    }
}

static const htrail__kind kind_root = {
    .name = "root", .other_name = "roots",
    .declaration = "CREATE TABLE x(object INTEGER, kind TEXT, name TEXT, thread INTEGER, depth INTEGER)",
    .type_column = -1, .address_columns = {0, 0}, .is_row = root_is_row, .column = root_column,
};

/* name and value: what the file says of objects beside themselves */

static bool name_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_NAME && passes(scan, scan->record.u.name.object); }

static void name_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_name *name = &scan->record.u.name;
    if (column == 0)
        result_number(context, name->object);
    else
        htrail__result_text(context, column == 1 ? name->name : name->module);
}

static const htrail__kind kind_name = {
    .name = "name", .other_name = "names",
    .declaration = "CREATE TABLE x(object INTEGER, text TEXT, module TEXT)",
    .type_column = -1, .address_columns = {0, 0}, .is_row = name_is_row, .column = name_column,
};

static bool value_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_VALUE && passes(scan, scan->record.u.value.object); }

static void value_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_value *value = &scan->record.u.value;
    switch (column) {
    case 0: result_number(context, value->object); break;
    case 1:
        if (value->flags & HTRAIL_VALUE_TEXT)
            htrail__result_text(context, value->text);
        break;
    case 2:
        if (value->flags & HTRAIL_VALUE_HASH)
            result_number(context, value->hash);
        break;
    case 3: result_number(context, (value->flags & HTRAIL_VALUE_CUT) != 0); break;
    }
}

static const htrail__kind kind_value = {
    .name = "value", .other_name = "values",
    .declaration = "CREATE TABLE x(object INTEGER, text TEXT, hash INTEGER, is_cut INTEGER)",
    .type_column = -1, .address_columns = {0, 0}, .is_row = value_is_row, .column = value_column,
};

/* thread and frame: as the kernel and the runtime each tell of them */

static bool thread_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_THREAD; }

static void thread_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_thread *thread = &scan->record.u.thread;
    char state = (char)thread->state;
    switch (column) {
    case 0: result_known(context, thread->tid); break;
    case 1: result_known(context, thread->ident); break;
    case 2: htrail__result_text(context, thread->name); break;
    case 3: htrail__result_text(context, thread->comm); break;
    case 4: htrail__result_text(context, (htrail_str){&state, state != '\0'}); break;
    case 5: htrail__result_text(context, thread->wait); break;
    case 6: result_known(context, thread->start_ns); break;
    case 7: result_number(context, thread->user_ns); break;
    case 8: result_number(context, thread->system_ns); break;
    case 9: result_number(context, (thread->flags & HTRAIL_THREAD_MAIN) != 0); break;
    case 10: result_number(context, (thread->flags & HTRAIL_THREAD_RUNTIME) != 0); break;
    case 11: result_number(context, (thread->flags & HTRAIL_THREAD_DAEMON) != 0); break;
    case 12: result_number(context, (thread->flags & HTRAIL_THREAD_CAPTURE) != 0); break;
    case 13: result_known(context, thread->object); break;
    }
}

static const htrail__kind kind_thread = {
    .name = "thread", .other_name = "threads",
    .declaration = "CREATE TABLE x(tid INTEGER, ident INTEGER, name TEXT, comm TEXT, state TEXT, wait TEXT, start_ns INTEGER, user_ns INTEGER, "
                   "system_ns INTEGER, is_main INTEGER, is_python INTEGER, is_daemon INTEGER, is_heaptrail INTEGER, object INTEGER)",
    .type_column = -1, .address_columns = {-1, -1}, .is_row = thread_is_row, .column = thread_column,
};

static bool frame_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_FRAME; }

static void frame_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_frame *frame = &scan->record.u.frame;
    switch (column) {
    case 0: result_known(context, frame->tid); break;
    case 1: result_known(context, frame->ident); break;
    case 2: result_number(context, frame->depth); break;
    case 3: htrail__result_text(context, frame->function); break;
    case 4: htrail__result_text(context, frame->file); break;
    case 5: result_known(context, frame->line); break;
    case 6: result_known(context, frame->object); break;
    }
}

static const htrail__kind kind_frame = {
    .name = "frame", .other_name = "frames",
    .declaration = "CREATE TABLE x(tid INTEGER, ident INTEGER, depth INTEGER, function TEXT, file TEXT, line INTEGER, object INTEGER)",
    .type_column = -1, .address_columns = {-1, -1}, .is_row = frame_is_row, .column = frame_column,
};

/* mapping */

static bool mapping_is_row(htrail__scan *scan) { return scan->record.kind == HTRAIL_RECORD_MAPPING; }

static const char *category_text(uint32_t category)
{
    switch (category) {
#define X(name, number, text) case number: return text;
        HTRAIL_MAPPING_MAP(X)
#undef X
    }
    return "other";
}

static void mapping_column(const htrail__scan *scan, sqlite3_context *context, int column)
{
    const htrail_mapping *mapping = &scan->record.u.mapping;
    const char access[4] = {mapping->flags & HTRAIL_MAPPING_READ ? 'r' : '-', mapping->flags & HTRAIL_MAPPING_WRITE ? 'w' : '-',
                            mapping->flags & HTRAIL_MAPPING_EXECUTE ? 'x' : '-', mapping->flags & HTRAIL_MAPPING_SHARED ? 's' : 'p'};
    switch (column) {
    case 0: result_number(context, mapping->start); break;
    case 1: result_number(context, mapping->end); break;
    case 2: result_words(context, category_text(mapping->category)); break;
    case 3: htrail__result_text(context, (htrail_str){access, sizeof access}); break;
    case 4: result_number(context, mapping->rss_bytes); break;
    case 5: result_number(context, mapping->pss_bytes); break;
    case 6: result_number(context, mapping->private_dirty_bytes); break;
    case 7: result_number(context, mapping->swap_bytes); break;
    case 8: htrail__result_text(context, mapping->path); break;
    }
}

static const htrail__kind kind_mapping = {
    .name = "mapping", .other_name = "mappings",
    .declaration = "CREATE TABLE x(start INTEGER, \"end\" INTEGER, category TEXT, access TEXT, rss INTEGER, pss INTEGER, private_dirty INTEGER, "
                   "swap INTEGER, path TEXT)",
    .type_column = -1, .address_columns = {-1, -1}, .is_row = mapping_is_row, .column = mapping_column,
};

const htrail__kind *const htrail__kinds[] = {
    &htrail__kind_object, &htrail__kind_reference, &kind_type, &kind_root, &kind_name, &kind_value,
    &kind_thread, &kind_frame, &kind_mapping, &kind_snapshot, NULL,
};

const htrail__kind *htrail__kind_find(const char *name)
{
    for (size_t i = 0; htrail__kinds[i] != NULL; i++)
        if (strcmp(htrail__kinds[i]->name, name) == 0 || strcmp(htrail__kinds[i]->other_name, name) == 0)
            return htrail__kinds[i];
    return NULL;
}
