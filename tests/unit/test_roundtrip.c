/* What a writer is given, a reader gives back. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/random_heap.h"

static void expect_same_heap(uint64_t seed, uint32_t tracked_count, size_t block_bytes)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_writer_opts opts;
    htrail_reader *reader;
    htrail_record rec;
    htrail_status status;
    char message[512];

    htrail_writer_opts_init(&opts);
    opts.block_bytes = block_bytes;
    cr_assert_eq(random_heap_write(&file, &log, seed, tracked_count, &opts), HTRAIL_OK);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, "heap", NULL, message, sizeof message), HTRAIL_OK,
                 "%s", message);
    size_t at = 0, names = 0, values = 0, roots = 0, types = 0;
    while ((status = htrail_reader_next(reader, &rec)) == HTRAIL_OK) {
        names += rec.kind == HTRAIL_RECORD_NAME;
        values += rec.kind == HTRAIL_RECORD_VALUE;
        roots += rec.kind == HTRAIL_RECORD_ROOT;
        types += rec.kind == HTRAIL_RECORD_TYPE;
        if (rec.kind != HTRAIL_RECORD_OBJECT)
            continue;
        cr_assert_lt(at, log.count);
        const htrail_object *want = &log.objects[at++], *got = &rec.u.object;
        cr_assert_eq(got->id, want->id, "object %zu of seed %llu", at, (unsigned long long)seed);
        cr_assert_eq(got->ref_count, want->ref_count);
        if (!(want->flags & HTRAIL_OBJECT_CONTINUED)) {
            cr_assert_eq(got->type, want->type);
            cr_assert_eq(got->size_bytes, want->size_bytes);
            cr_assert_eq(got->refcount, want->refcount);
            cr_assert_eq(got->length, want->flags & HTRAIL_OBJECT_LENGTH ? want->length : 0);
            cr_assert_eq(got->flags | HTRAIL_OBJECT_INLINE, want->flags | HTRAIL_OBJECT_INLINE);
        } else {
            cr_assert_eq(got->flags, HTRAIL_OBJECT_CONTINUED);
        }
        for (uint32_t i = 0; i < want->ref_count; i++) {
            cr_assert_eq(got->refs[i].target, want->refs[i].target, "object %zu ref %u of seed %llu: %llx, not %llx", at, i,
                         (unsigned long long)seed, (unsigned long long)got->refs[i].target,
                         (unsigned long long)want->refs[i].target);
            cr_assert_eq(got->refs[i].kind, want->refs[i].kind);
            if (want->refs[i].kind != HTRAIL_REF_PLAIN)
                cr_assert_eq(got->refs[i].label, want->refs[i].label);
        }
    }
    cr_assert_eq(status, HTRAIL_END, "%s", htrail_reader_error(reader));
    cr_assert_eq(at, log.count);
    cr_assert_eq(names, log.names);
    cr_assert_eq(values, log.values);
    cr_assert_eq(roots, log.roots);
    cr_assert_eq(types, log.types);
    cr_assert_null(htrail_reader_stopped_early(reader));
    htrail_reader_free(reader);
    recorded_release(&log);
    free(file.data);
}

Test(roundtrip, an_empty_heap_comes_back)
{
    expect_same_heap(1, 0, 1 << 20);
}

Test(roundtrip, small_heaps_come_back)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        expect_same_heap(seed, 1 + (uint32_t)seed % 40, 1 << 20);
}

Test(roundtrip, heaps_of_many_blocks_come_back)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        expect_same_heap(seed * 1000, 8000, 64 << 10);
}

/* What the row sections of the process hold, at both ends of what numbers and texts can be. */
Test(roundtrip, threads_frames_and_mappings_come_back)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    const htrail_thread threads[] = {
        {.tid = 4711, .start_ns = UINT64_MAX, .user_ns = 1, .system_ns = 2, .comm = str_of("python3"), .wait = str_of("futex_wait"), .state = 'S'},
        {.tid = 0, .ident = UINT64_MAX, .object = 0x7f0000000010, .name = str_of("Thread-1 (run)"), .flags = UINT32_MAX, .state = UINT32_MAX},
        {.tid = UINT64_MAX}};
    const htrail_frame frames[] = {
        {.tid = 4711, .object = UINT64_MAX, .depth = UINT32_MAX, .line = UINT32_MAX, .function = str_of("A.b"), .file = str_of("/a.py")},
        {.ident = UINT64_MAX, .object = 16},
        {.tid = UINT64_MAX, .function = str_of("g")}};
    const htrail_mapping mappings[] = {
        {.start = 0x1000, .end = 0x3000, .rss_bytes = 1, .pss_bytes = 2, .private_dirty_bytes = 3, .swap_bytes = 4, .path = str_of("[heap]"), .category = HTRAIL_MAPPING_MALLOC, .flags = 3},
        {.start = 0x3000, .end = UINT64_MAX, .rss_bytes = UINT64_MAX, .pss_bytes = UINT64_MAX, .private_dirty_bytes = UINT64_MAX, .swap_bytes = UINT64_MAX},
        {.start = 16, .end = 0, .category = UINT32_MAX, .flags = UINT32_MAX}};
    htrail_writer *w;
    htrail_reader *reader;
    htrail_record rec;
    unsigned seen[3] = {0};

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(htrail_writer_add_thread(w, &threads[i]), HTRAIL_OK);
        cr_assert_eq(htrail_writer_add_frame(w, &frames[i]), HTRAIL_OK);
        cr_assert_eq(htrail_writer_add_mapping(w, &mappings[i]), HTRAIL_OK);
    }
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    htrail_writer_free(w);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
#define SAME_TEXT(a, b) ((a).len == (b).len && memcmp((a).data, (b).data != NULL ? (b).data : "", (a).len) == 0)
    while (htrail_reader_next(reader, &rec) == HTRAIL_OK) {
        if (rec.kind == HTRAIL_RECORD_THREAD) {
            const htrail_thread *got = &rec.u.thread, *want = &threads[seen[0]++];
            cr_assert(got->tid == want->tid && got->ident == want->ident && got->object == want->object && got->start_ns == want->start_ns);
            cr_assert(got->user_ns == want->user_ns && got->system_ns == want->system_ns && got->flags == want->flags && got->state == want->state);
            cr_assert(SAME_TEXT(got->name, want->name) && SAME_TEXT(got->comm, want->comm) && SAME_TEXT(got->wait, want->wait));
        } else if (rec.kind == HTRAIL_RECORD_FRAME) {
            const htrail_frame *got = &rec.u.frame, *want = &frames[seen[1]++];
            cr_assert(got->tid == want->tid && got->ident == want->ident && got->object == want->object);
            cr_assert(got->depth == want->depth && got->line == want->line);
            cr_assert(SAME_TEXT(got->function, want->function) && SAME_TEXT(got->file, want->file));
        } else if (rec.kind == HTRAIL_RECORD_MAPPING) {
            const htrail_mapping *got = &rec.u.mapping, *want = &mappings[seen[2]++];
            cr_assert(got->start == want->start && got->end == want->end && got->category == want->category && got->flags == want->flags);
            cr_assert(got->rss_bytes == want->rss_bytes && got->pss_bytes == want->pss_bytes);
            cr_assert(got->private_dirty_bytes == want->private_dirty_bytes && got->swap_bytes == want->swap_bytes);
            cr_assert(SAME_TEXT(got->path, want->path));
        }
    }
    cr_assert_str_eq(htrail_reader_error(reader), "");
    cr_assert(seen[0] == 3 && seen[1] == 3 && seen[2] == 3);
    htrail_reader_free(reader);
    free(file.data);
}

/* More rows of a section than its memory holds. */
Test(roundtrip, twenty_thousand_threads_come_back)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    htrail_writer *w;
    htrail_reader *reader;
    htrail_record rec;
    uint64_t threads = 0;

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    for (uint64_t i = 0; i < 20000; i++)
        cr_assert_eq(htrail_writer_add_thread(w, &(htrail_thread){.tid = i * 3, .comm = str_of("worker"), .state = 'S'}), HTRAIL_OK);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    htrail_writer_free(w);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
    while (htrail_reader_next(reader, &rec) == HTRAIL_OK)
        if (rec.kind == HTRAIL_RECORD_THREAD)
            cr_assert_eq(rec.u.thread.tid, threads++ * 3);
    cr_assert_str_eq(htrail_reader_error(reader), "");
    cr_assert_eq(threads, 20000);
    htrail_reader_free(reader);
    free(file.data);
}

/* Both ends of what a site and a block can be; a caller after what it calls is refused. */
Test(roundtrip, sites_and_their_blocks_come_back)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    const htrail_site sites[] = {{.id = 0, .caller = HTRAIL_NO_SITE, .file = str_of("<unknown>")},
                                 {.id = 1, .caller = 0, .line = UINT32_MAX, .file = str_of("/a.py"), .function = str_of("A.b")},
                                 {.id = 2, .caller = 0, .line = 7}};
    const htrail_site_of blocks[] = {{.address = 0x7f0000000010, .size_bytes = 0, .site = 2},
                                     {.address = UINT64_MAX, .size_bytes = UINT64_MAX, .weight = UINT64_MAX, .site = UINT32_MAX},
                                     {.address = 16, .size_bytes = 1, .weight = HTRAIL_WEIGHT_ONE}};
    htrail_writer *w;
    htrail_reader *reader;
    htrail_record rec;
    unsigned seen[2] = {0};
    uint32_t id;

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(htrail_writer_add_site_of(w, &blocks[i]), HTRAIL_OK);
        cr_assert_eq(htrail_writer_add_site(w, &sites[i], &id), HTRAIL_OK);
        cr_assert_eq(id, i);
    }
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    htrail_writer_free(w);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
    while (htrail_reader_next(reader, &rec) == HTRAIL_OK) {
        if (rec.kind == HTRAIL_RECORD_SITE) {
            const htrail_site *got = &rec.u.site, *want = &sites[seen[0]++];
            cr_assert(got->id == want->id && got->caller == want->caller && got->line == want->line);
            cr_assert(SAME_TEXT(got->file, want->file) && SAME_TEXT(got->function, want->function));
        } else if (rec.kind == HTRAIL_RECORD_SITE_OF) {
            const htrail_site_of *got = &rec.u.site_of, *want = &blocks[seen[1]++];
            cr_assert(got->address == want->address && got->site == want->site && got->size_bytes == want->size_bytes && got->weight == want->weight);
        }
    }
    cr_assert_str_eq(htrail_reader_error(reader), "");
    cr_assert(seen[0] == 3 && seen[1] == 3);
    htrail_reader_free(reader);
    free(file.data);

    file = (memory_file){.fail_after = SIZE_MAX};
    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(htrail_writer_add_site(w, &(htrail_site){.caller = 0}, &id), HTRAIL_E_MISUSE);
    htrail_writer_free(w);
    free(file.data);
}

Test(roundtrip, empty_names_and_values_come_back)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    htrail_writer *w;
    htrail_reader *reader;
    htrail_record rec;
    unsigned names = 0, values = 0;

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(htrail_writer_add_name(w, &(htrail_name){.object = 0x10}), HTRAIL_OK);
    cr_assert_eq(htrail_writer_add_value(w, &(htrail_value){.object = 0x10, .flags = HTRAIL_VALUE_TEXT}), HTRAIL_OK);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    htrail_writer_free(w);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
    while (htrail_reader_next(reader, &rec) == HTRAIL_OK) {
        names += rec.kind == HTRAIL_RECORD_NAME && rec.u.name.object == 0x10 && rec.u.name.name.len == 0;
        values += rec.kind == HTRAIL_RECORD_VALUE && rec.u.value.object == 0x10 && rec.u.value.text.len == 0;
    }
    cr_assert_str_eq(htrail_reader_error(reader), "");
    cr_assert_eq(names, 1);
    cr_assert_eq(values, 1);
    htrail_reader_free(reader);
    free(file.data);
}
