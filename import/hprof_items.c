/* import/hprof_items.c - the records of a Java heap dump, and the items of its segments, one after the other. */
#include <inttypes.h>
#include <string.h>

#include "import/hprof.h"

uint64_t hprof_number(const uint8_t *at, uint32_t bytes)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

const uint8_t *hprof_take(hprof *h, size_t len)
{
    const uint8_t *data = htrail__source_take(h->job->source, len);
    if (data == NULL)
        htrail__job_cut(h->job, h->offset, "the item that begins");
    return data;
}

/* How an item begins: an id, and so many bytes more. payload: read by its own case. */
static bool read_item(hprof *h, hprof_item *item)
{
    const uint8_t *at;
    uint32_t n = h->id_bytes, more = 0;

    switch (item->tag) {
    case HPROF_ROOT_UNKNOWN: case HPROF_ROOT_STICKY: case HPROF_ROOT_MONITOR: case HPROF_ROOT_INTERNED: case HPROF_ROOT_FINALIZING:
    case HPROF_ROOT_DEBUGGER: case HPROF_ROOT_CLEANUP: case HPROF_ROOT_VM: case HPROF_UNREACHABLE:
        break;
    case HPROF_ROOT_JNI_GLOBAL: more = n; break;
    case HPROF_ROOT_JNI_LOCAL: case HPROF_ROOT_FRAME: case HPROF_ROOT_THREAD: case HPROF_ROOT_JNI_MONITOR: more = 8; break;
    case HPROF_ROOT_NATIVE: case HPROF_ROOT_BLOCK: more = 4; break;
    case HPROF_CLASS: more = 4; break; /* the rest is the visitor's */
    case HPROF_INSTANCE: more = 4 + n + 4; break;
    case HPROF_OBJECTS: more = 8 + n; break;
    case HPROF_PRIMITIVES: case HPROF_PRIMITIVES_LEFT_OUT: more = 9; break;
    case HPROF_HEAP_INFO:
        return hprof_take(h, 4 + n) != NULL;
    default:
        return htrail__job_fail(h->job, h->offset, "what is an item with tag 0x%02" PRIx32, item->tag);
    }
    if ((at = hprof_take(h, n + more)) == NULL)
        return false;
    item->id = hprof_number(at, n);
    at += n;
    switch (item->tag) {
    case HPROF_ROOT_JNI_LOCAL: case HPROF_ROOT_FRAME: case HPROF_ROOT_THREAD: case HPROF_ROOT_JNI_MONITOR:
        item->frame = (uint32_t)hprof_number(at + 4, 4);
        item->thread = (uint32_t)hprof_number(at, 4);
        break;
    case HPROF_ROOT_NATIVE: case HPROF_ROOT_BLOCK:
        item->thread = (uint32_t)hprof_number(at, 4);
        break;
    case HPROF_INSTANCE:
        item->class_id = hprof_number(at + 4, n);
        item->payload_bytes = hprof_number(at + 4 + n, 4);
        break;
    case HPROF_OBJECTS:
        item->count = (uint32_t)hprof_number(at + 4, 4);
        item->class_id = hprof_number(at + 8, n);
        item->payload_bytes = (uint64_t)item->count * n;
        item->value = HPROF_OBJECT;
        break;
    case HPROF_PRIMITIVES: case HPROF_PRIMITIVES_LEFT_OUT:
        item->count = (uint32_t)hprof_number(at + 4, 4);
        item->value = at[8];
        if (item->value < HPROF_BOOLEAN || item->value >= HPROF_VALUES)
            return htrail__job_fail(h->job, h->offset, "what is an array of type %" PRIu32, item->value);
        if (item->tag == HPROF_PRIMITIVES)
            item->payload_bytes = (uint64_t)item->count * hprof_value_bytes[item->value];
        break;
    default:
        break;
    }
    return true;
}

static bool walk_segment(hprof *h, uint64_t end, hprof_visit *visit)
{
    htrail__source *source = h->job->source;
    while (htrail__source_offset(source) < end) {
        const uint8_t *tag;
        hprof_item item = {0};
        h->offset = htrail__source_offset(source);
        if ((tag = hprof_take(h, 1)) == NULL)
            return false;
        item.tag = *tag;
        if (!read_item(h, &item))
            return false;
        uint64_t payload = htrail__source_offset(source);
        if (item.tag != HPROF_HEAP_INFO && !visit(h, &item))
            return false;
        if (item.tag == HPROF_CLASS)
            continue;
        uint64_t taken = htrail__source_offset(source) - payload;
        if (!htrail__source_skip(source, item.payload_bytes - taken))
            return htrail__job_cut(h->job, h->offset, "the item that begins");
    }
    if (htrail__source_offset(source) != end)
        return htrail__job_fail(h->job, h->offset, "an item goes past the end of its segment");
    return true;
}

bool hprof_walk(hprof *h, hprof_visit_record *record, hprof_visit *item)
{
    htrail__source *source = h->job->source;
    const uint8_t *at;
    size_t len = 0;

    if (!htrail__source_rewind(source))
        return htrail__job_cut(h->job, 0, "its beginning");
    h->offset = 0;
    at = htrail__source_look(source, 64, &len);
    const uint8_t *end = at != NULL ? memchr(at, 0, len < 64 ? len : 64) : NULL;
    if (end == NULL)
        return htrail__job_fail(h->job, 0, "it has no name of a version");
    h->is_android = end - at >= 5 && memcmp(end - 5, "1.0.3", 5) == 0;
    htrail__source_skip(source, (uint64_t)(end - at) + 1);
    if ((at = hprof_take(h, 12)) == NULL)
        return false;
    h->id_bytes = (uint32_t)hprof_number(at, 4);
    if (h->id_bytes != 4 && h->id_bytes != 8)
        return htrail__job_fail(h->job, 0, "ids of %" PRIu32 " bytes", h->id_bytes);
    uint64_t created_ms = hprof_number(at + 4, 8);
    if (record != NULL && created_ms < UINT64_MAX / 1000000)
        htrail__job_meta_number(h->job, "created_ns", created_ms * 1000000);
    while (htrail__source_look(source, 1, &len) != NULL) {
        h->offset = htrail__source_offset(source);
        if ((at = hprof_take(h, 9)) == NULL)
            return false;
        uint32_t tag = at[0];
        uint64_t bytes = hprof_number(at + 5, 4), start = htrail__source_offset(source);
        if (tag == HPROF_DUMP || tag == HPROF_DUMP_SEGMENT) {
            if (!walk_segment(h, start + bytes, item))
                return false;
            continue;
        }
        if (record != NULL && !record(h, tag, bytes))
            return false;
        if (!htrail__source_skip(source, bytes - (htrail__source_offset(source) - start)))
            return htrail__job_cut(h->job, h->offset, "the record that begins");
    }
    if (htrail__source_error(source)[0] != '\0')
        return htrail__job_cut(h->job, htrail__source_offset(source), "a record");
    return h->job->status == HTRAIL_OK;
}
