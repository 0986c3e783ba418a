/* import/pyheap.c - a file of PyHeap (a CPython process) as a snapshot. Big-endian; a text is u16 length and UTF-8:
 *
 *     u64 magic, u32 version 1, text time, u64 flags (1: texts of objects), u32 n, n x (text, u64): addresses of list, tuple, dict, set
 *     u32 threads: text name, u8 alive, u8 daemon, u32 frames: text file, u32 line, text function, u32 locals: text, u64
 *     u32 attributes that are frequent: text;  u32 types without attributes of their own: u64, u32 n, n x (attribute, u64)
 *     u32 objects: u64 address, u64 type, u32 size, [u32 items, of a dict pairs, of list, tuple and set one: u64],
 *                  u32 other referents: u64, [u32 attributes: attribute, u64], [text]
 *     u32 types: u64, text;  u64 magic
 *     attribute    i16: below 0 the -1-th of the frequent ones, else the length of a name
 *
 * Types have their names at the end: two passes, the first for these alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/job.h"

enum { MAGIC = 123000321, FLAG_TEXTS = 1, REFS_MATCHED_MAX = 256, TEXT_BYTES = 65536 };
enum container { CONTAINER_LIST, CONTAINER_TUPLE, CONTAINER_DICT, CONTAINER_SET, CONTAINERS };

typedef struct pyheap {
    htrail__job *job;
    bool is_writing;
    uint64_t offset, flags, containers[CONTAINERS], module_type, str_type;
    htrail__map common; /* types whose objects have no attributes in the file */
    uint64_t *refs;           size_t ref_count, ref_cap;
    htrail_label *frequent;   size_t frequent_count, frequent_cap;
    char text[TEXT_BYTES];
    size_t text_len;
} pyheap;

static const uint8_t *take(pyheap *p, size_t len)
{
    const uint8_t *at = htrail__source_take(p->job->source, len);
    if (at == NULL)
        htrail__job_cut(p->job, p->offset, "the part that begins");
    return at;
}

static bool number(pyheap *p, unsigned bytes, uint64_t *out)
{
    const uint8_t *at = take(p, bytes);
    *out = 0;
    for (unsigned i = 0; at != NULL && i < bytes; i++)
        *out = *out << 8 | at[i];
    return at != NULL;
}

static bool text_of(pyheap *p, size_t len)
{
    const uint8_t *at = len > 0 ? take(p, len) : (const uint8_t *)"";
    if (at == NULL)
        return false;
    memcpy(p->text, at, len);
    p->text[len] = '\0';
    p->text_len = len;
    return true;
}

static bool text(pyheap *p)
{
    uint64_t len;
    return number(p, 2, &len) && text_of(p, (size_t)(len < TEXT_BYTES - 1 ? len : TEXT_BYTES - 1));
}

static void begin_part(pyheap *p) { p->offset = htrail__source_offset(p->job->source); }

static bool header(pyheap *p)
{
    static const char *const names[CONTAINERS] = {"list", "tuple", "dict", "set"};
    uint64_t magic, version, count, address;
    begin_part(p);
    if (!number(p, 8, &magic) || !number(p, 4, &version) || !text(p) || !number(p, 8, &p->flags) || !number(p, 4, &count))
        return false;
    if (magic != MAGIC || version != 1)
        return htrail__job_fail(p->job, 0, "it is version %" PRIu64 " of PyHeap's format, and 1 alone is known", version);
    for (uint64_t i = 0; i < count; i++) {
        if (!text(p))
            return false;
        size_t which = 0;
        while (which < CONTAINERS && strcmp(names[which], p->text) != 0)
            which++;
        if (which == CONTAINERS) /* before 0.4 there were threads here, under the same version */
            return htrail__job_fail(p->job, p->offset, "'%.40s' stands where the address of a container should: it is of an older PyHeap", p->text);
        if (!number(p, 8, &address))
            return false;
        p->containers[which] = address;
    }
    return true;
}

static bool threads(pyheap *p)
{
    uint64_t thread_count, frame_count, local_count, line, flags, address;
    char name[128], place[1024];
    begin_part(p);
    if (!number(p, 4, &thread_count))
        return false;
    for (uint64_t thread = 1; thread <= thread_count; thread++) {
        begin_part(p);
        if (!text(p))
            return false;
        htrail_thread row = {.ident = thread, .tid = thread, .name = {name, (size_t)snprintf(name, sizeof name, "%.120s", p->text)}, .flags = HTRAIL_THREAD_RUNTIME};
        if (!number(p, 2, &flags) || !number(p, 4, &frame_count))
            return false;
        row.flags |= flags & 0xff ? HTRAIL_THREAD_DAEMON : 0;
        if (p->is_writing && !htrail__job_wrote(p->job, htrail_writer_add_thread(p->job->writer, &row)))
            return false;
        for (uint64_t depth = 0; depth < frame_count; depth++) {
            begin_part(p);
            if (!text(p))
                return false;
            char file[512];
            htrail_frame frame = {.tid = thread, .ident = thread, .depth = (uint32_t)depth, .file = {file, (size_t)snprintf(file, sizeof file, "%.500s", p->text)}};
            if (!number(p, 4, &line) || !text(p))
                return false;
            frame.line = (uint32_t)line;
            frame.function = (htrail_str){p->text, p->text_len < 500 ? p->text_len : 500};
            snprintf(place, sizeof place, "%.400s at %.500s:%" PRIu64, p->text, file, line);
            if (p->is_writing && !htrail__job_wrote(p->job, htrail_writer_add_frame(p->job->writer, &frame)))
                return false;
            if (!number(p, 4, &local_count))
                return false;
            for (uint64_t i = 0; i < local_count; i++)
                if (!text(p) || !number(p, 8, &address) || (p->is_writing && !htrail__job_root(p->job, address, HTRAIL_ROOT_FRAME, place, thread, (uint32_t)depth)))
                    return false;
        }
    }
    return true;
}

/* The label of an attribute; 0 in the first pass. */
static bool attribute(pyheap *p, htrail_label *label)
{
    uint64_t raw;
    *label = 0;
    if (!number(p, 2, &raw))
        return false;
    if (raw >= 0x8000) {
        uint64_t place = 0xffff - raw;
        if (place >= p->frequent_count)
            return htrail__job_fail(p->job, p->offset, "an attribute is number %" PRIu64 " of %zu frequent ones", place, p->frequent_count);
        *label = p->frequent[place];
        return true;
    }
    if (!text_of(p, (size_t)raw))
        return false;
    if (p->is_writing)
        *label = htrail__job_label(p->job, p->text, p->text_len);
    return true;
}

static bool frequent(pyheap *p)
{
    uint64_t count, type, attributes, address;
    htrail_label label;
    begin_part(p);
    p->frequent_count = 0;
    if (!number(p, 4, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t len;
        if (!number(p, 2, &len) || !text_of(p, (size_t)(len & 0x7fff)) || !htrail__job_reserve(p->job, &p->frequent, &p->frequent_cap, p->frequent_count, 1, sizeof *p->frequent))
            return false;
        p->frequent[p->frequent_count++] = p->is_writing ? htrail__job_label(p->job, p->text, p->text_len) : 0;
    }
    begin_part(p);
    if (!number(p, 4, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!number(p, 8, &type) || !number(p, 4, &attributes))
            return false;
        uint32_t *known = htrail__map_put(&p->common, type);
        if (known == NULL)
            return htrail__job_no_memory(p->job);
        *known = 1;
        for (uint64_t k = 0; k < attributes; k++)
            if (!attribute(p, &label) || !number(p, 8, &address))
                return false;
    }
    return true;
}

static bool add_ref(pyheap *p, uint64_t target, uint32_t kind) { return !p->is_writing || htrail__job_ref(p->job, target, kind, 0); }

static bool items(pyheap *p, uint64_t type)
{
    uint64_t count, target;
    bool is_dict = type == p->containers[CONTAINER_DICT], is_container = false;
    for (size_t i = 0; i < CONTAINERS; i++)
        is_container |= p->containers[i] == type && type != 0;
    if (!is_container)
        return true;
    if (!number(p, 4, &count))
        return false;
    p->job->object.flags |= HTRAIL_OBJECT_LENGTH;
    p->job->object.length = count;
    for (uint64_t i = 0; i < count; i++) {
        if (!number(p, 8, &target) || !add_ref(p, target, is_dict ? HTRAIL_REF_KEY : HTRAIL_REF_INDEX))
            return false;
        if (is_dict && (!number(p, 8, &target) || !add_ref(p, target, HTRAIL_REF_VALUE)))
            return false;
    }
    return true;
}

/* The referents, under the name of the attribute that leads to each: attributes are looked up along the classes too, so that
 * those that the object does not refer to itself are left out. */
static bool referents(pyheap *p, uint64_t type)
{
    uint64_t count, target;
    htrail_label label;
    if (!number(p, 4, &count))
        return false;
    p->ref_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!number(p, 8, &target))
            return false;
        if (count > REFS_MATCHED_MAX) {
            if (!add_ref(p, target, HTRAIL_REF_PLAIN))
                return false;
            continue;
        }
        if (!htrail__job_reserve(p->job, &p->refs, &p->ref_cap, p->ref_count, 1, sizeof *p->refs))
            return false;
        p->refs[p->ref_count++] = target;
    }
    if (htrail__map_get(&p->common, type) == HTRAIL__MAP_NONE) {
        if (!number(p, 4, &count))
            return false;
        for (uint64_t i = 0; i < count; i++) {
            if (!attribute(p, &label) || !number(p, 8, &target))
                return false;
            for (size_t k = 0; p->is_writing && k < p->ref_count; k++)
                if (p->refs[k] == target) {
                    if (!htrail__job_ref(p->job, target, HTRAIL_REF_ATTR, label))
                        return false;
                    p->refs[k] = p->refs[--p->ref_count];
                    break;
                }
        }
    }
    for (size_t k = 0; k < p->ref_count; k++)
        if (!add_ref(p, p->refs[k], HTRAIL_REF_PLAIN))
            return false;
    return true;
}

static bool objects(pyheap *p)
{
    uint64_t count, address, type, size;
    begin_part(p);
    if (!number(p, 4, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        begin_part(p);
        if (!number(p, 8, &address) || !number(p, 8, &type) || !number(p, 4, &size))
            return false;
        if (address == 0)
            return htrail__job_fail(p->job, p->offset, "an object has no address");
        htrail__job_begin(p->job, address, type, size, 0);
        if (!items(p, type) || !referents(p, type))
            return false;
        bool is_container = (p->job->object.flags & HTRAIL_OBJECT_LENGTH) != 0;
        if (p->is_writing && !htrail__job_end(p->job))
            return false;
        p->text_len = 0;
        if (p->flags & FLAG_TEXTS && !is_container && !text(p))
            return false;
        if (!p->is_writing)
            continue;
        if (type == p->module_type && type != 0 && !htrail__job_root(p->job, address, HTRAIL_ROOT_MODULES, "", 0, 0))
            return false;
        if (p->job->with_contents && type == p->str_type && p->text_len > 0 &&
            !htrail__job_wrote(p->job, htrail_writer_add_value(p->job->writer, &(htrail_value){.object = address, .text = {p->text, p->text_len}, .flags = HTRAIL_VALUE_TEXT})))
            return false;
    }
    return true;
}

static bool types(pyheap *p)
{
    uint64_t count, type;
    begin_part(p);
    if (!number(p, 4, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        begin_part(p);
        if (!number(p, 8, &type) || !text(p))
            return false;
        if (strcmp(p->text, "module") == 0)
            p->module_type = type;
        if (strcmp(p->text, "str") == 0)
            p->str_type = type;
        if (!p->is_writing && !htrail__job_type(p->job, type, 0, p->text, p->text_len, 0))
            return false;
    }
    return number(p, 8, &type) && (type == MAGIC || htrail__job_fail(p->job, p->offset, "its end is not that of a PyHeap file"));
}

bool htrail__import_pyheap(htrail__job *job)
{
    pyheap *p = calloc(1, sizeof *p);
    if (p == NULL)
        return htrail__job_no_memory(job);
    p->job = job;
    htrail__map_init(&p->common);
    htrail__job_meta(job, "runtime", "CPython (PyHeap)");
    bool done = true;
    for (int pass = 0; pass < 2 && done; pass++) {
        p->is_writing = pass == 1;
        done = (htrail__source_rewind(job->source) || htrail__job_cut(job, 0, "its beginning")) && header(p) && threads(p) && frequent(p) && objects(p) && types(p);
    }
    /* The types stand at the end: of a file that is cut no object has one. */
    if (job->status == HTRAIL_E_TRUNCATED)
        job->status = HTRAIL_E_CORRUPT;
    htrail__map_release(&p->common);
    free(p->refs);
    free(p->frequent);
    free(p);
    return done;
}
