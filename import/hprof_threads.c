/* import/hprof_threads.c - roots, threads and stacks of a Java heap dump. A thread's name is a string of the heap: its object leads to
 * the String, that to the array with the letters, and each may come before the other; so they are looked for in two more passes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import/hprof.h"

/* The reference or byte of the named field in the bytes of an instance; 0. */
static uint64_t field_of(const hprof *h, const hprof_class *of, const char *wanted, const uint8_t *values)
{
    uint64_t offset = 0;
    for (uint32_t depth = 0; depth < HPROF_SUPERS_MAX; depth++) {
        for (uint32_t i = 0; i < of->field_count; i++) {
            const hprof_field *field = &h->fields[of->first_field + i];
            uint32_t bytes = field->type == HPROF_OBJECT ? h->id_bytes : hprof_value_bytes[field->type];
            htrail_str name = hprof_text_of(h, field->name);
            if (name.len == strlen(wanted) && memcmp(name.data, wanted, name.len) == 0)
                return hprof_number(values + offset, bytes);
            offset += bytes;
        }
        uint32_t super = of->super != 0 ? hprof_class_at(h, of->super) : HTRAIL__MAP_NONE;
        if (super == HTRAIL__MAP_NONE)
            break;
        of = &h->classes[super];
    }
    return 0;
}

void hprof_note_thread(hprof *h, uint32_t class_place, const hprof_item *item, const uint8_t *values)
{
    hprof_thread *thread = &h->threads[htrail__map_get(&h->thread_of, item->id)];
    const hprof_class *of = &h->classes[class_place];
    thread->name_string = field_of(h, of, "name", values);
    /* Since JDK 19 a virtual or a carrier thread's other facts stand in an object of their own; the name does not. */
}

static bool go_past_class(hprof *h, const hprof_item *item) { return hprof_write_item(h, item); }

static bool find_strings(hprof *h, const hprof_item *item)
{
    if (item->tag == HPROF_CLASS)
        return go_past_class(h, item);
    if (item->tag != HPROF_INSTANCE)
        return true;
    uint32_t place = HTRAIL__MAP_NONE;
    const uint8_t *values = NULL;
    for (size_t i = 0; i < h->thread_count; i++) {
        hprof_thread *thread = &h->threads[i];
        if (thread->name_string != item->id || item->id == 0)
            continue;
        if (values == NULL) {
            place = hprof_class_at(h, item->class_id);
            if (place == HTRAIL__MAP_NONE || h->classes[place].plan != HPROF_PLANNED || item->payload_bytes != h->classes[place].value_bytes ||
                (values = hprof_take(h, (size_t)item->payload_bytes)) == NULL)
                return h->job->status == HTRAIL_OK;
        }
        thread->name_bytes = field_of(h, &h->classes[place], "value", values);
        thread->coder = (uint8_t)field_of(h, &h->classes[place], "coder", values);
    }
    return true;
}

static size_t put_utf8(char *out, uint32_t letter)
{
    if (letter < 0x80) {
        out[0] = (char)letter;
        return 1;
    }
    if (letter < 0x800) {
        out[0] = (char)(0xc0 | letter >> 6);
        out[1] = (char)(0x80 | (letter & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | letter >> 12);
    out[1] = (char)(0x80 | (letter >> 6 & 0x3f));
    out[2] = (char)(0x80 | (letter & 0x3f));
    return 3;
}

/* Latin-1 bytes, or UTF-16 in the byte order of the machine (coder 1), or chars (before JDK 9). */
static void set_name(const hprof *h, hprof_thread *thread, const hprof_item *item, const uint8_t *data, size_t len)
{
    enum { UTF8_MAX = 3 };
    bool wide = item->value == HPROF_CHAR || thread->coder == 1;
    (void)h;
    thread->name_len = 0;
    for (size_t i = 0; i + wide < len && thread->name_len + UTF8_MAX < sizeof thread->name; i += 1 + wide) {
        uint32_t letter = !wide ? data[i] : item->value == HPROF_CHAR ? (uint32_t)(data[i] << 8 | data[i + 1]) : (uint32_t)(data[i + 1] << 8 | data[i]);
        thread->name_len += (uint32_t)put_utf8(thread->name + thread->name_len, letter);
    }
}

static bool find_letters(hprof *h, const hprof_item *item)
{
    enum { LETTERS_MAX = 256 };
    if (item->tag == HPROF_CLASS)
        return go_past_class(h, item);
    if (item->tag != HPROF_PRIMITIVES || (item->value != HPROF_BYTE && item->value != HPROF_CHAR))
        return true;
    const uint8_t *data = NULL;
    size_t len = item->payload_bytes < LETTERS_MAX ? (size_t)item->payload_bytes : LETTERS_MAX;
    for (size_t i = 0; i < h->thread_count && len > 0; i++)
        if (h->threads[i].name_bytes == item->id && item->id != 0) {
            if (data == NULL && (data = hprof_take(h, len)) == NULL)
                return false;
            set_name(h, &h->threads[i], item, data, len);
        }
    return true;
}

static const hprof_frame *frame_at(const hprof *h, const hprof_trace *trace, uint32_t depth)
{
    uint32_t place = trace != NULL && depth < trace->frame_count ? htrail__map_get(&h->frame_of, h->trace_frames[trace->first_frame + depth]) : HTRAIL__MAP_NONE;
    return place != HTRAIL__MAP_NONE ? &h->frames[place] : NULL;
}

/* "java.lang.Thread.sleep" */
static size_t function_of(const hprof *h, const hprof_frame *frame, char *out, size_t room)
{
    char name[HPROF_NAME_BYTES] = "";
    uint32_t place = htrail__map_get(&h->class_of_serial, frame->class_serial);
    htrail_str method = hprof_text_of(h, frame->method);
    if (place != HTRAIL__MAP_NONE)
        hprof_class_name(h, &h->classes[place], name, sizeof name);
    int used = snprintf(out, room, "%s%s%.*s", name, name[0] != '\0' ? "." : "", (int)(method.len < room ? method.len : room), method.data);
    return used < 0 ? 0 : (size_t)used < room ? (size_t)used : room - 1;
}

static const hprof_thread *thread_of_serial(const hprof *h, uint32_t serial)
{
    for (size_t i = 0; i < h->thread_count; i++)
        if (h->threads[i].serial == serial)
            return &h->threads[i];
    return NULL;
}

static const hprof_trace *trace_of(const hprof *h, const hprof_thread *thread)
{
    uint32_t place = thread != NULL ? htrail__map_get(&h->trace_of, thread->trace) : HTRAIL__MAP_NONE;
    return place != HTRAIL__MAP_NONE ? &h->traces[place] : NULL;
}

static bool write_root(hprof *h, const hprof_root *root)
{
    static const struct { uint8_t tag; uint8_t kind; const char *name; } kinds[] = {
        {HPROF_ROOT_JNI_GLOBAL, HTRAIL_ROOT_JNI_GLOBAL, ""}, {HPROF_ROOT_JNI_LOCAL, HTRAIL_ROOT_JNI_LOCAL, ""}, {HPROF_ROOT_NATIVE, HTRAIL_ROOT_NATIVE_STACK, ""},
        {HPROF_ROOT_STICKY, HTRAIL_ROOT_STICKY_CLASS, ""}, {HPROF_ROOT_BLOCK, HTRAIL_ROOT_NATIVE_STACK, "thread block"}, {HPROF_ROOT_MONITOR, HTRAIL_ROOT_MONITOR, ""},
        {HPROF_ROOT_JNI_MONITOR, HTRAIL_ROOT_MONITOR, "JNI"}, {HPROF_ROOT_THREAD, HTRAIL_ROOT_THREAD_OBJECT, ""},
        {HPROF_ROOT_INTERNED, HTRAIL_ROOT_INTERNED, ""}, {HPROF_ROOT_FINALIZING, HTRAIL_ROOT_RUNTIME, "finalizing"},
        {HPROF_ROOT_DEBUGGER, HTRAIL_ROOT_RUNTIME, "debugger"}, {HPROF_ROOT_CLEANUP, HTRAIL_ROOT_RUNTIME, "reference cleanup"}, {HPROF_ROOT_VM, HTRAIL_ROOT_RUNTIME, "VM internal"}};
    char text[HPROF_NAME_BYTES + 256] = "", function[HPROF_NAME_BYTES];
    const hprof_thread *thread = root->thread != 0 ? thread_of_serial(h, root->thread) : NULL;

    if (root->tag == HPROF_ROOT_FRAME || (root->tag == HPROF_ROOT_JNI_LOCAL && frame_at(h, trace_of(h, thread), root->frame) != NULL)) {
        const hprof_frame *frame = frame_at(h, trace_of(h, thread), root->frame);
        if (frame != NULL) {
            htrail_str file = hprof_text_of(h, frame->file);
            function_of(h, frame, function, sizeof function);
            if (frame->line > 0)
                snprintf(text, sizeof text, "%s at %.*s:%" PRId32, function, (int)(file.len < 200 ? file.len : 200), file.data, frame->line);
            else
                snprintf(text, sizeof text, "%s", function);
        }
        return htrail__job_root(h->job, root->object, root->tag == HPROF_ROOT_FRAME ? HTRAIL_ROOT_FRAME : HTRAIL_ROOT_JNI_LOCAL, text, root->thread,
                                root->frame != UINT32_MAX ? root->frame : 0);
    }
    if (root->tag == HPROF_ROOT_THREAD && thread != NULL)
        snprintf(text, sizeof text, "%.*s", (int)thread->name_len, thread->name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].tag == root->tag)
            return htrail__job_root(h->job, root->object, kinds[i].kind, kinds[i].name[0] != '\0' ? kinds[i].name : text, root->thread, 0);
    return htrail__job_root(h->job, root->object, HTRAIL_ROOT_RUNTIME, "unknown", root->thread, 0);
}

static bool write_thread(hprof *h, const hprof_thread *thread)
{
    char function[HPROF_NAME_BYTES];
    const hprof_trace *trace = trace_of(h, thread);
    htrail_thread row = {.tid = thread->serial, .ident = thread->serial, .object = thread->object, .name = {thread->name, thread->name_len}, .flags = HTRAIL_THREAD_RUNTIME};
    if (!htrail__job_wrote(h->job, htrail_writer_add_thread(h->job->writer, &row)))
        return false;
    for (uint32_t depth = 0; trace != NULL && depth < trace->frame_count; depth++) {
        const hprof_frame *frame = frame_at(h, trace, depth);
        if (frame == NULL)
            continue;
        htrail_frame out = {.tid = thread->serial, .ident = thread->serial, .depth = depth, .line = frame->line > 0 ? (uint32_t)frame->line : 0, .file = hprof_text_of(h, frame->file)};
        out.function = (htrail_str){function, function_of(h, frame, function, sizeof function)};
        if (!htrail__job_wrote(h->job, htrail_writer_add_frame(h->job->writer, &out)))
            return false;
    }
    return true;
}

bool hprof_write_threads(hprof *h)
{
    bool any = false;
    for (size_t i = 0; i < h->thread_count; i++)
        any |= h->threads[i].name_string != 0;
    if (any && (!hprof_walk(h, NULL, find_strings) || !hprof_walk(h, NULL, find_letters)))
        return false;
    for (size_t i = 0; i < h->thread_count; i++)
        if (!write_thread(h, &h->threads[i]))
            return false;
    for (size_t i = 0; i < h->root_count; i++)
        if (!write_root(h, &h->roots[i]))
            return false;
    return true;
}
