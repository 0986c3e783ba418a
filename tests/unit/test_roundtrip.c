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
