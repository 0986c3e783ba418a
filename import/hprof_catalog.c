/* import/hprof_catalog.c - the first pass over a Java heap dump: names, classes, roots, stacks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import/hprof.h"

enum { TEXT_BYTES_MAX = 1 << 16 }; /* as the VM has it */

htrail_str hprof_text_of(const hprof *h, uint64_t id)
{
    uint32_t place = htrail__map_get(&h->text_of, id);
    if (place == HTRAIL__MAP_NONE)
        return (htrail_str){"", 0};
    return (htrail_str){h->text_bytes + h->texts[place].offset, h->texts[place].len};
}

uint32_t hprof_class_at(const hprof *h, uint64_t id) { return htrail__map_get(&h->class_of, id); }

size_t hprof_class_name(const hprof *h, const hprof_class *of, char *name, size_t room)
{
    static const struct { char letter; const char *text; } primitives[] = {
        {'Z', "boolean"}, {'C', "char"}, {'F', "float"}, {'D', "double"}, {'B', "byte"}, {'S', "short"}, {'I', "int"}, {'J', "long"}};
    htrail_str text = hprof_text_of(h, of->name);
    size_t dimensions = 0, used = 0;
    const char *element = text.data;
    size_t len = text.len;

    if (len == 0)
        return (size_t)snprintf(name, room, "unknown class 0x%" PRIx64, of->id);
    while (dimensions < len && dimensions < 255 && text.data[dimensions] == '[')
        dimensions++;
    if (dimensions > 0) {
        element += dimensions;
        len -= dimensions;
        for (size_t i = 0; len == 1 && i < sizeof primitives / sizeof *primitives; i++)
            if (primitives[i].letter == element[0]) {
                element = primitives[i].text;
                len = strlen(element);
            }
        if (len > 2 && element[0] == 'L' && element[len - 1] == ';') {
            element++;
            len -= 2;
        }
    }
    size_t end = dimensions * 2;
    if (len + end >= room)
        len = room - 1 - end;
    for (; used < len; used++)
        name[used] = element[used] == '/' ? '.' : element[used];
    for (size_t i = 0; i < dimensions; i++, used += 2)
        memcpy(name + used, "[]", 2);
    name[used] = '\0';
    return used;
}

static bool put(hprof *h, htrail__map *map, uint64_t key, size_t place)
{
    uint32_t *at = place < UINT32_MAX ? htrail__map_put(map, key) : NULL;
    if (at == NULL)
        return htrail__job_no_memory(h->job);
    *at = (uint32_t)place;
    return true;
}

static bool add_text(hprof *h, uint64_t len)
{
    const uint8_t *at;
    if (len < h->id_bytes)
        return htrail__job_fail(h->job, h->offset, "a name of %" PRIu64 " bytes has no id", len);
    if ((at = hprof_take(h, h->id_bytes)) == NULL)
        return false;
    uint64_t id = hprof_number(at, h->id_bytes);
    size_t kept = len - h->id_bytes < TEXT_BYTES_MAX ? (size_t)(len - h->id_bytes) : TEXT_BYTES_MAX;
    if (!htrail__job_reserve(h->job, &h->texts, &h->text_cap, h->text_count, 1, sizeof *h->texts) ||
        !htrail__job_reserve(h->job, &h->text_bytes, &h->text_room, h->text_used, kept + 1, 1) || (at = hprof_take(h, kept)) == NULL)
        return false;
    memcpy(h->text_bytes + h->text_used, at, kept);
    h->texts[h->text_count] = (hprof_text){h->text_used, (uint32_t)kept};
    h->text_used += kept;
    return put(h, &h->text_of, id, h->text_count++);
}

/* The class of an id, made if it is met for the first time: LOAD_CLASS and CLASS come in any order. */
static hprof_class *class_for(hprof *h, uint64_t id)
{
    uint32_t place = hprof_class_at(h, id);
    if (place == HTRAIL__MAP_NONE) {
        if (!htrail__job_reserve(h->job, &h->classes, &h->class_cap, h->class_count, 1, sizeof *h->classes) || !put(h, &h->class_of, id, h->class_count))
            return NULL;
        place = (uint32_t)h->class_count++;
        h->classes[place] = (hprof_class){.id = id};
    }
    return &h->classes[place];
}

static bool add_loaded(hprof *h)
{
    const uint8_t *at = hprof_take(h, 8 + 2 * h->id_bytes);
    if (at == NULL)
        return false;
    uint32_t serial = (uint32_t)hprof_number(at, 4);
    uint64_t id = hprof_number(at + 4, h->id_bytes), name = hprof_number(at + 8 + h->id_bytes, h->id_bytes);
    hprof_class *of = class_for(h, id);
    if (of == NULL)
        return false;
    of->name = name;
    return put(h, &h->class_of_serial, serial, (size_t)(of - h->classes));
}

static bool add_frame(hprof *h)
{
    uint32_t n = h->id_bytes;
    const uint8_t *at = hprof_take(h, 4 * n + 8);
    if (at == NULL || !htrail__job_reserve(h->job, &h->frames, &h->frame_cap, h->frame_count, 1, sizeof *h->frames))
        return false;
    h->frames[h->frame_count] = (hprof_frame){.id = hprof_number(at, n), .method = hprof_number(at + n, n), .file = hprof_number(at + 3 * n, n),
                                              .class_serial = (uint32_t)hprof_number(at + 4 * n, 4), .line = (int32_t)hprof_number(at + 4 * n + 4, 4)};
    return put(h, &h->frame_of, h->frames[h->frame_count].id, h->frame_count) && ++h->frame_count;
}

static bool add_trace(hprof *h)
{
    const uint8_t *at = hprof_take(h, 12);
    if (at == NULL)
        return false;
    hprof_trace trace = {.serial = (uint32_t)hprof_number(at, 4), .thread = (uint32_t)hprof_number(at + 4, 4), .first_frame = (uint32_t)h->trace_frame_count};
    uint32_t stated = (uint32_t)hprof_number(at + 8, 4);
    for (; trace.frame_count < stated; trace.frame_count++) {
        if ((at = hprof_take(h, h->id_bytes)) == NULL ||
            !htrail__job_reserve(h->job, &h->trace_frames, &h->trace_frame_cap, h->trace_frame_count, 1, sizeof *h->trace_frames))
            return false;
        h->trace_frames[h->trace_frame_count++] = hprof_number(at, h->id_bytes);
    }
    if (!htrail__job_reserve(h->job, &h->traces, &h->trace_cap, h->trace_count, 1, sizeof *h->traces))
        return false;
    h->traces[h->trace_count] = trace;
    return put(h, &h->trace_of, trace.serial, h->trace_count++);
}

bool hprof_catalog_record(hprof *h, uint32_t tag, uint64_t len)
{
    uint64_t least = tag == HPROF_LOAD_CLASS ? 8 + 2 * h->id_bytes : tag == HPROF_STACK_FRAME ? 8 + 4 * h->id_bytes : tag == HPROF_STACK_TRACE ? 12 : 0;
    uint64_t start = htrail__source_offset(h->job->source);
    bool done = true;
    if (len < least)
        return htrail__job_fail(h->job, h->offset, "a record with tag 0x%02" PRIx32 " has %" PRIu64 " bytes", tag, len);
    switch (tag) {
    case HPROF_STRING: done = add_text(h, len); break;
    case HPROF_LOAD_CLASS: done = add_loaded(h); break;
    case HPROF_STACK_FRAME: done = add_frame(h); break;
    case HPROF_STACK_TRACE: done = add_trace(h); break;
    default: break;
    }
    if (done && htrail__source_offset(h->job->source) - start > len)
        return htrail__job_fail(h->job, h->offset, "a record with tag 0x%02" PRIx32 " goes past its end", tag);
    return done;
}

/* u1 type and a value, after what came before. */
static bool take_value(hprof *h, uint8_t *type, uint64_t *object)
{
    const uint8_t *at = hprof_take(h, 1);
    if (at == NULL)
        return false;
    *type = *at;
    if (*type != HPROF_OBJECT && (*type < HPROF_BOOLEAN || *type >= HPROF_VALUES))
        return htrail__job_fail(h->job, h->offset, "a class has a field of type %d", *type);
    uint32_t bytes = *type == HPROF_OBJECT ? h->id_bytes : hprof_value_bytes[*type];
    if ((at = hprof_take(h, bytes)) == NULL)
        return false;
    *object = *type == HPROF_OBJECT ? hprof_number(at, bytes) : 0;
    return true;
}

static bool add_class(hprof *h, uint64_t id)
{
    uint32_t n = h->id_bytes;
    hprof_class *of = class_for(h, id);
    const uint8_t *at = of != NULL ? hprof_take(h, 6 * n + 6) : NULL;
    uint8_t type;
    uint64_t value;

    if (at == NULL)
        return false;
    uint32_t constants = (uint32_t)hprof_number(at + 6 * n + 4, 2);
    bool is_new = !of->is_dumped;
    hprof_class read = {.id = id, .name = of->name, .super = hprof_number(at, n), .loader = hprof_number(at + n, n), .signers = hprof_number(at + 2 * n, n),
                        .domain = hprof_number(at + 3 * n, n), .stated_bytes = (uint32_t)hprof_number(at + 6 * n, 4), .is_dumped = 1, .is_sticky = of->is_sticky,
                        .first_static = (uint32_t)h->static_count};
    for (uint32_t i = 0; i < constants; i++)
        if (hprof_take(h, 2) == NULL || !take_value(h, &type, &value))
            return false;
    if ((at = hprof_take(h, 2)) == NULL)
        return false;
    read.static_count = (uint32_t)hprof_number(at, 2);
    for (uint32_t i = 0; i < read.static_count; i++) {
        if ((at = hprof_take(h, n)) == NULL)
            return false;
        uint64_t name = hprof_number(at, n);
        if (!take_value(h, &type, &value) || !htrail__job_reserve(h->job, &h->statics, &h->static_cap, h->static_count, 1, sizeof *h->statics))
            return false;
        h->statics[h->static_count++] = (hprof_field){.name = name, .value = value, .type = type};
    }
    if ((at = hprof_take(h, 2)) == NULL)
        return false;
    read.first_field = (uint32_t)h->field_count;
    read.field_count = (uint32_t)hprof_number(at, 2);
    for (uint32_t i = 0; i < read.field_count; i++) {
        if ((at = hprof_take(h, n + 1)) == NULL || !htrail__job_reserve(h->job, &h->fields, &h->field_cap, h->field_count, 1, sizeof *h->fields))
            return false;
        if (at[n] != HPROF_OBJECT && (at[n] < HPROF_BOOLEAN || at[n] >= HPROF_VALUES))
            return htrail__job_fail(h->job, h->offset, "a class has a field of type %d", at[n]);
        h->fields[h->field_count++] = (hprof_field){.name = hprof_number(at, n), .type = at[n]};
    }
    if (h->static_count >= UINT32_MAX || h->field_count >= UINT32_MAX)
        return htrail__job_no_memory(h->job);
    if (is_new) /* a class that is there twice is as it was first */
        *class_for(h, id) = read;
    return true;
}

static bool add_root(hprof *h, const hprof_item *item)
{
    if (item->tag == HPROF_ROOT_STICKY) {
        hprof_class *of = class_for(h, item->id);
        if (of == NULL)
            return false;
        of->is_sticky = 1;
    }
    if (item->tag == HPROF_ROOT_THREAD) {
        if (!htrail__job_reserve(h->job, &h->threads, &h->thread_cap, h->thread_count, 1, sizeof *h->threads) || !put(h, &h->thread_of, item->id, h->thread_count))
            return false;
        h->threads[h->thread_count++] = (hprof_thread){.object = item->id, .serial = item->thread, .trace = item->frame};
    }
    if (!htrail__job_reserve(h->job, &h->roots, &h->root_cap, h->root_count, 1, sizeof *h->roots))
        return false;
    h->roots[h->root_count++] = (hprof_root){.object = item->id, .tag = item->tag, .thread = item->thread, .frame = item->frame};
    return true;
}

bool hprof_catalog_item(hprof *h, const hprof_item *item)
{
    switch (item->tag) {
    case HPROF_CLASS:
        return add_class(h, item->id);
    case HPROF_INSTANCE: case HPROF_OBJECTS: case HPROF_PRIMITIVES: case HPROF_PRIMITIVES_LEFT_OUT:
        hprof_sizes_learn(h, item);
        return true;
    case HPROF_UNREACHABLE:
        return true;
    default:
        return add_root(h, item);
    }
}
