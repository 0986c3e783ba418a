/* tests/unit/random_heap.h - heaps that hold everything a snapshot can: tracked objects
 * in a list, untracked ones hanging from them, large ones in parts, names, values, roots,
 * references of every kind; and of the process threads, frames and mappings. Written to memory; read back and compared. */
#ifndef HTRAIL_TESTS_UNIT_RANDOM_HEAP_H
#define HTRAIL_TESTS_UNIT_RANDOM_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <htrail/reader.h>
#include <htrail/writer.h>

typedef struct memory_file {
    uint8_t *data;
    size_t len, cap;
    size_t fail_after; /* write calls that still succeed; SIZE_MAX: all */
} memory_file;

static int memory_write(void *arg, const void *data, size_t len)
{
    memory_file *f = arg;
    if (f->fail_after != SIZE_MAX && f->fail_after-- == 0) {
        f->fail_after = 0;
        return 28; /* ENOSPC */
    }
    if (f->len + len > f->cap) {
        f->cap = (f->len + len) * 2;
        f->data = realloc(f->data, f->cap);
    }
    memcpy(f->data + f->len, data, len);
    f->len += len;
    return 0;
}

static inline uint32_t heap_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static inline htrail_str str_of(const char *text) { return (htrail_str){text, strlen(text)}; }

enum { HEAP_STRINGS = 8 };

/* Everything that was handed to the writer, in its order. */
typedef struct recorded {
    htrail_object *objects; /* refs owned */
    size_t count, cap;
    uint64_t names, values, roots, types;
} recorded;

static void record(recorded *log, const htrail_object *object)
{
    if (log->count == log->cap) {
        log->cap = log->cap * 2 + 64;
        log->objects = realloc(log->objects, log->cap * sizeof *log->objects);
    }
    htrail_object *copy = &log->objects[log->count++];
    *copy = *object;
    htrail_ref *refs = malloc((object->ref_count + 1) * sizeof *refs);
    memcpy(refs, object->refs, object->ref_count * sizeof *refs);
    copy->refs = refs;
}

static void recorded_release(recorded *log)
{
    for (size_t i = 0; i < log->count; i++)
        free((void *)log->objects[i].refs);
    free(log->objects);
}

typedef struct random_heap {
    htrail_writer *writer;
    recorded *log;
    uint64_t random;
    uint64_t next_address;
    uint64_t *known; /* addresses met so far */
    size_t known_count;
    uint64_t tracked_base;
    uint32_t tracked_count;
} random_heap;

static uint64_t heap_address(random_heap *h)
{
    uint64_t step = heap_random(&h->random) % 100 == 0 ? heap_random(&h->random) % 100000 : 1 + heap_random(&h->random) % 6;
    return h->next_address += 16 * step;
}

static uint64_t tracked_address(const random_heap *h, uint32_t number) { return h->tracked_base + 64 * (uint64_t)number; }

static const uint32_t ref_kinds[] = {HTRAIL_REF_PLAIN, HTRAIL_REF_INDEX, HTRAIL_REF_INDEX, HTRAIL_REF_ATTR, HTRAIL_REF_FIELD,
                                     HTRAIL_REF_SLOT, HTRAIL_REF_LOCAL, HTRAIL_REF_OFFSET, HTRAIL_REF_WEAK};

/* Fills refs; children get a NEW reference. */
static uint32_t heap_refs(random_heap *h, htrail_ref *refs, uint32_t most, uint32_t tracked_now, int depth)
{
    uint32_t count = most == 0 ? 0 : heap_random(&h->random) % (most + 1);
    bool is_dict = heap_random(&h->random) % 4 == 0;
    bool is_list = heap_random(&h->random) % 2 == 0;
    for (uint32_t i = 0; i < count; i++) {
        htrail_ref *ref = &refs[i];
        *ref = (htrail_ref){0};
        ref->kind = is_dict ? (i % 2 == 0 ? HTRAIL_REF_KEY : HTRAIL_REF_VALUE)
                            : is_list ? HTRAIL_REF_INDEX : ref_kinds[heap_random(&h->random) % 9];
        if (ref->kind == HTRAIL_REF_ATTR || ref->kind == HTRAIL_REF_SLOT || ref->kind == HTRAIL_REF_LOCAL)
            ref->label = HTRAIL_LABEL_OBJECT(h->known[heap_random(&h->random) % (h->known_count < 20 ? h->known_count : 20)]);
        else if (ref->kind == HTRAIL_REF_FIELD)
            ref->label = HTRAIL_LABEL_STRING(heap_random(&h->random) % HEAP_STRINGS);
        else if (ref->kind == HTRAIL_REF_OFFSET)
            ref->label = 1 + heap_random(&h->random) % 64;
        uint32_t what = heap_random(&h->random) % 10;
        if (what < 3 && depth < 6 && h->known_count > 4) {
            ref->target = heap_address(h);
            ref->flags = HTRAIL_REF_NEW;
        } else if (what < 5) {
            uint32_t ahead = tracked_now + heap_random(&h->random) % 30;
            ref->target = tracked_address(h, ahead < h->tracked_count ? ahead : 0);
        } else if (what < 6) {
            ref->target = h->next_address + heap_random(&h->random); /* unaligned, perhaps no object */
        } else {
            size_t back = heap_random(&h->random) % 4 == 0 ? h->known_count : h->known_count < 50 ? h->known_count : 50;
            ref->target = h->known[h->known_count - 1 - heap_random(&h->random) % back];
        }
        if (ref->kind == HTRAIL_REF_KEY && heap_random(&h->random) % 2 == 0)
            ref->flags |= HTRAIL_REF_NAME;
    }
    return count;
}

static void heap_add(random_heap *h, uint64_t id, uint32_t flags, uint32_t tracked_now, int depth)
{
    uint32_t large = h->tracked_count < 20 ? 8 : 300;
    uint32_t most = heap_random(&h->random) % 50 == 0 ? large : h->tracked_count < 20 ? 3 : 6;
    htrail_ref refs[300];
    htrail_object object = {
        .id = id,
        .type = 0x1000 + 16 * (heap_random(&h->random) % 7),
        .size_bytes = 16 * (1 + heap_random(&h->random) % 50),
        .refcount = heap_random(&h->random) % 3,
        .refs = refs,
        .flags = flags,
    };
    if (heap_random(&h->random) % 2 == 0) {
        object.flags |= HTRAIL_OBJECT_LENGTH;
        object.length = heap_random(&h->random) % 40;
        object.size_bytes = 49 + object.length;
    }
    object.ref_count = heap_refs(h, refs, most, tracked_now, depth);
    h->known[h->known_count++] = id;
    (void)!htrail_writer_add_object(h->writer, &object);
    record(h->log, &object);
    if (heap_random(&h->random) % 5 == 0) {
        char text[64];
        snprintf(text, sizeof text, "name_%u.part_%u", heap_random(&h->random) % 50, heap_random(&h->random) % 50);
        htrail_name name = {id, str_of(text), str_of(heap_random(&h->random) % 2 ? "module.a" : heap_random(&h->random) % 2 ? "b" : "")};
        (void)!htrail_writer_add_name(h->writer, &name);
        h->log->names++;
    }
    if (heap_random(&h->random) % 7 == 0) {
        htrail_value value = {h->known[heap_random(&h->random) % h->known_count], heap_random(&h->random) % 30,
                              str_of("some text"), HTRAIL_VALUE_HASH | (heap_random(&h->random) % 2 ? HTRAIL_VALUE_TEXT : 0)};
        (void)!htrail_writer_add_value(h->writer, &value);
        h->log->values++;
    }
    for (uint32_t i = 0; i < object.ref_count; i++)
        if (refs[i].flags & HTRAIL_REF_NEW)
            heap_add(h, refs[i].target, HTRAIL_OBJECT_INLINE, tracked_now, depth + 1);
    if (most == large) {
        htrail_object part = {.id = id, .refs = refs, .flags = HTRAIL_OBJECT_CONTINUED};
        part.ref_count = heap_refs(h, refs, large, tracked_now, 99);
        (void)!htrail_writer_add_object(h->writer, &part);
        record(h->log, &part);
    }
}

/* A thread as kernel and runtime know it, its frames, and a mapping. */
static void heap_process(random_heap *h, uint32_t i)
{
    htrail_thread kernel = {.tid = 1000 + i, .start_ns = 1600000000000000000u + i, .user_ns = i * 10000000u, .system_ns = i,
                            .comm = str_of("worker"), .wait = str_of(i % 3 ? "futex_wait" : ""), .state = 'S'};
    htrail_thread runtime = {.tid = i % 5 ? 1000 + i : 0, .ident = 0x7d0000000000 + i, .object = tracked_address(h, i),
                             .flags = HTRAIL_THREAD_RUNTIME | (i % 2 ? HTRAIL_THREAD_DAEMON : 0), .name = str_of("Thread-1 (run)")};
    htrail_mapping mapping = {.start = (uint64_t)(i + 1) << 20, .end = (uint64_t)(i + 2) << 20, .rss_bytes = 4096 * i, .pss_bytes = 17 * i,
                              .private_dirty_bytes = i, .swap_bytes = i % 2, .path = str_of(i % 2 ? "" : "/usr/lib/libm.so.6"),
                              .category = i % 8, .flags = HTRAIL_MAPPING_READ | HTRAIL_MAPPING_WRITE};
    (void)!htrail_writer_add_thread(h->writer, &kernel);
    (void)!htrail_writer_add_thread(h->writer, &runtime);
    for (uint32_t depth = 0; depth < i % 7; depth++) {
        htrail_frame frame = {.tid = runtime.tid, .ident = runtime.ident, .object = tracked_address(h, depth), .depth = depth,
                              .line = 10 * depth, .function = str_of("Server.run"), .file = str_of("/srv/app.py")};
        (void)!htrail_writer_add_frame(h->writer, &frame);
    }
    (void)!htrail_writer_add_mapping(h->writer, &mapping);
    uint32_t site = HTRAIL_NO_SITE;
    for (uint32_t depth = 0; depth <= i % 3; depth++)
        (void)!htrail_writer_add_site(h->writer, &(htrail_site){.caller = site, .line = i + depth, .file = str_of("/srv/app.py"),
                                                                .function = str_of(i % 2 ? "" : "Server.run")}, &site);
    for (uint32_t block = 0; block < i % 9; block++)
        (void)!htrail_writer_add_site_of(h->writer, &(htrail_site_of){.address = tracked_address(h, i + block) - i % 2 * 16, .site = site,
                                         .size_bytes = 64 + block, .weight = i % 4 ? 0 : HTRAIL_WEIGHT_ONE + block});
}

/* Write a heap of about tracked_count * 3 objects. Returns what finish returned. */
static htrail_status random_heap_write(memory_file *file, recorded *log, uint64_t seed, uint32_t tracked_count,
                                       const htrail_writer_opts *opts)
{
    htrail_sink sink = {memory_write, file};
    random_heap h = {.log = log, .random = seed, .next_address = 0x7f0000000000, .tracked_base = 0x7e0000000000,
                     .tracked_count = tracked_count};
    htrail_status status = htrail_writer_open_sink(&h.writer, &sink, opts, NULL, 0);
    if (status != HTRAIL_OK)
        return status;
    h.known = malloc(((size_t)tracked_count * 400 + 100000) * sizeof *h.known);
    (void)!htrail_writer_set_meta(h.writer, str_of("runtime"), str_of("test 1.0"));
    for (uint32_t i = 0; i < HEAP_STRINGS; i++) {
        uint32_t id;
        char text[16];
        snprintf(text, sizeof text, "__field%u__", i);
        (void)!htrail_writer_add_string(h.writer, str_of(text), &id);
    }
    for (uint32_t i = 0; i < 7; i++) {
        htrail_type type = {.id = 0x1000 + 16 * i, .base = i ? 0x1000 : 0, .name = str_of("T"), .module = str_of("m"),
                            .basic_bytes = 16, .item_bytes = i, .flags = HTRAIL_TYPE_HEAP};
        (void)!htrail_writer_add_type(h.writer, &type);
        log->types++;
    }
    h.known[h.known_count++] = 0x1000;
    uint32_t announced = 0;
    for (uint32_t i = 0; i < tracked_count; i++) {
        while (announced < tracked_count && announced < i + 1 + heap_random(&h.random) % HTRAIL_ANNOUNCE_MAX)
            (void)!htrail_writer_announce(h.writer, tracked_address(&h, announced++));
        heap_add(&h, tracked_address(&h, i), HTRAIL_OBJECT_TRACKED, i, 0);
        if (announced < i + 1)
            announced = i + 1;
        if (i % 10 == 0) {
            htrail_root root = {.object = tracked_address(&h, i), .name = str_of("callback"), .thread_id = i, .kind = HTRAIL_ROOT_ATEXIT, .depth = i};
            (void)!htrail_writer_add_root(h.writer, &root);
            log->roots++;
        }
    }
    free(h.known);
    for (uint32_t i = 0; i <= tracked_count; i += 8)
        heap_process(&h, i);
    status = htrail_writer_finish(h.writer);
    htrail_writer_free(h.writer);
    return status;
}

#endif
