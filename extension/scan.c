/* extension/scan.c - see the header. */
#include "extension/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "extension/kind.h"

enum { FACTS_MAX = 4096 };

static htrail_status fail(htrail__scan *scan, htrail_status status, const char *message)
{
    snprintf(scan->message, sizeof scan->message, "%s", message);
    return scan->status = status;
}

static htrail_status open_reader(htrail__scan *scan, const char *path)
{
    htrail_limits limits;
    char message[sizeof scan->message] = "";
    htrail_limits_init(&limits);
    limits.read_ahead = 1;
    htrail_status status = htrail_reader_open_path(&scan->reader, path, &limits, message, sizeof message);
    return status == HTRAIL_OK ? HTRAIL_OK : fail(scan, status, message);
}

/* What labels need before their references come: all names, and which objects come in parts. */
static htrail_status find_names(htrail__scan *scan, const char *path)
{
    htrail_record record;
    htrail_status status = open_reader(scan, path), added = HTRAIL_OK;

    if (status != HTRAIL_OK)
        return status;
    while (added == HTRAIL_OK && (status = htrail_reader_next(scan->reader, &record)) == HTRAIL_OK) {
        if (record.kind == HTRAIL_RECORD_STRING)
            added = htrail__names_add(&scan->names, HTRAIL_LABEL_STRING(record.u.string.id), record.u.string.text);
        else if (record.kind == HTRAIL_RECORD_NAME)
            added = htrail__names_add(&scan->names, record.u.name.object, record.u.name.name);
        else if (record.kind == HTRAIL_RECORD_VALUE && (record.u.value.flags & HTRAIL_VALUE_TEXT))
            added = htrail__names_add(&scan->contents, record.u.value.object, record.u.value.text);
        else if (record.kind == HTRAIL_RECORD_OBJECT && (record.u.object.flags & HTRAIL_OBJECT_CONTINUED) &&
                 htrail__names_entry(&scan->parts, record.u.object.id, true) == NULL)
            added = HTRAIL_E_NOMEM;
    }
    htrail_reader_free(scan->reader);
    scan->reader = NULL;
    /* What ails the file is said when the rows get there. */
    return added != HTRAIL_OK ? fail(scan, added, "out of memory") : HTRAIL_OK;
}

htrail_status htrail__scan_open(htrail__scan *scan, const char *path, const htrail__kind *kind, const htrail__filter *filter, uint32_t wants)
{
    *scan = (htrail__scan){.kind = kind, .filter = *filter, .is_partial = (wants & HTRAIL__WANTS_PARTIAL) != 0};
    if ((wants & HTRAIL__WANTS_LABELS) && find_names(scan, path) != HTRAIL_OK)
        return scan->status;
    return open_reader(scan, path);
}

static htrail_status count(htrail__scan *scan)
{
    const htrail_record *record = &scan->record;
    htrail_status status = HTRAIL_OK;
    switch (record->kind) {
    case HTRAIL_RECORD_OBJECT:
        scan->references += record->u.object.ref_count;
        if (record->u.object.flags & HTRAIL_OBJECT_CONTINUED)
            break;
        status = htrail__types_find(&scan->types, record->u.object.type, scan->filter.type, &scan->type);
        if (status == HTRAIL_OK) {
            htrail__scan_type *type = &scan->types.items[scan->type];
            type->objects++;
            type->size_bytes += record->u.object.size_bytes;
        }
        scan->objects++;
        scan->size_bytes += record->u.object.size_bytes;
        break;
    case HTRAIL_RECORD_TYPE:
        scan->type_records++;
        status = htrail__types_add(&scan->types, &record->u.type, scan->filter.type);
        break;
    case HTRAIL_RECORD_META:
        if (scan->kind->is_summary && scan->meta.count < FACTS_MAX)
            status = htrail__texts_map_set(&scan->meta, record->u.meta.key, record->u.meta.value);
        break;
    case HTRAIL_RECORD_STRING: scan->strings++; break;
    case HTRAIL_RECORD_NAME: scan->name_records++; break;
    case HTRAIL_RECORD_VALUE: scan->values++; break;
    case HTRAIL_RECORD_ROOT: scan->roots++; break;
    case HTRAIL_RECORD_THREAD:
    case HTRAIL_RECORD_FRAME:
    case HTRAIL_RECORD_SITE:
    case HTRAIL_RECORD_SITE_OF:
    case HTRAIL_RECORD_MAPPING: break;
    }
    return status == HTRAIL_OK ? HTRAIL_OK : fail(scan, status, "out of memory");
}

/* The next record, counted. */
static htrail_status next_record(htrail__scan *scan)
{
    htrail_status status = htrail_reader_next(scan->reader, &scan->record);
    if (status == HTRAIL_OK)
        return count(scan);
    scan->file_bytes = htrail_reader_offset(scan->reader);
    if (status == HTRAIL_E_TRUNCATED) {
        snprintf(scan->message, sizeof scan->message, "%s", htrail_reader_error(scan->reader));
        scan->is_cut = true;
        return scan->status = scan->is_partial ? HTRAIL_END : status;
    }
    return status == HTRAIL_END ? (scan->status = status) : fail(scan, status, htrail_reader_error(scan->reader));
}

static void set_fact(htrail__scan *scan, const char *key, const char *value)
{
    if (htrail__texts_map_set(&scan->meta, (htrail_str){key, strlen(key)}, (htrail_str){value, strlen(value)}) != HTRAIL_OK)
        fail(scan, HTRAIL_E_NOMEM, "out of memory");
}

static void set_number(htrail__scan *scan, const char *key, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    set_fact(scan, key, text);
}

/* Ours come last: a file cannot say them of itself. */
static void set_facts(htrail__scan *scan)
{
    const htrail_header *header = htrail_reader_header(scan->reader);
    const char *stopped = scan->is_cut ? NULL : htrail_reader_stopped_early(scan->reader);
    char text[32];
    snprintf(text, sizeof text, "%016" PRIx64, header->file_id);
    set_fact(scan, "file_id", text);
    set_number(scan, "complete", !scan->is_cut);
    if (scan->is_cut)
        set_fact(scan, "cut", scan->message);
    if (stopped != NULL)
        set_fact(scan, "stopped_early", stopped);
    set_number(scan, "file_bytes", scan->file_bytes);
    set_number(scan, "format_version", header->version_major);
    set_number(scan, "format_version_minor", header->version_minor);
    set_number(scan, "pointer_bytes", header->pointer_bytes);
    set_number(scan, "objects", scan->objects);
    set_number(scan, "references", scan->references);
    set_number(scan, "types", scan->type_records);
    set_number(scan, "strings", scan->strings);
    set_number(scan, "names", scan->name_records);
    set_number(scan, "values", scan->values);
    set_number(scan, "roots", scan->roots);
    set_number(scan, "size_bytes", scan->size_bytes);
}

static htrail_status next_of_summary(htrail__scan *scan)
{
    if (scan->row == 0) {
        while (next_record(scan) == HTRAIL_OK)
            ;
        if (scan->status != HTRAIL_END)
            return scan->status;
        set_facts(scan);
        if (scan->status != HTRAIL_END)
            return scan->status;
    }
    scan->row++;
    return scan->kind->has_more(scan) ? HTRAIL_OK : HTRAIL_END;
}

htrail_status htrail__scan_next(htrail__scan *scan)
{
    const htrail__kind *kind = scan->kind;
    htrail_status status;
    if (kind->is_summary)
        return next_of_summary(scan);
    if (scan->status != HTRAIL_OK)
        return scan->status;
    if (scan->row > 0 && kind->has_more != NULL && kind->has_more(scan)) {
        scan->row++;
        return HTRAIL_OK;
    }
    while ((status = next_record(scan)) == HTRAIL_OK)
        if (kind->is_row(scan)) {
            scan->row++;
            return HTRAIL_OK;
        }
    return status;
}

const char *htrail__scan_error(const htrail__scan *scan) { return scan->message; }

void htrail__scan_free(htrail__scan *scan)
{
    htrail_reader_free(scan->reader);
    htrail__types_release(&scan->types);
    htrail__names_release(&scan->names);
    htrail__names_release(&scan->contents);
    htrail__names_release(&scan->parts);
    htrail__texts_map_release(&scan->meta);
    *scan = (htrail__scan){0};
}
