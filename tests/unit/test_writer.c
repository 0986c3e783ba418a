/* Limits, faults and wrong use of the writer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/damage.h"
#include "tests/unit/random_heap.h"

Test(writer, memory_is_at_most_8_MiB)
{
    cr_assert_leq(htrail_writer_memory_needed(NULL), 8u << 20, "%zu bytes", htrail_writer_memory_needed(NULL));
}

Test(writer, every_write_that_fails_is_told_and_leaves_the_writer_failed)
{
    recorded log = {0};
    memory_file whole = {.fail_after = SIZE_MAX};
    htrail_writer_opts opts;
    htrail_writer_opts_init(&opts);
    opts.block_bytes = 64 << 10;
    cr_assert_eq(random_heap_write(&whole, &log, 11, 300, &opts), HTRAIL_OK);
    size_t writes = 0;
    for (;; writes++) {
        memory_file file = {.fail_after = writes};
        htrail_status status = random_heap_write(&file, &log, 11, 300, &opts);
        free(file.data);
        if (status == HTRAIL_OK)
            break;
        cr_assert_eq(status, HTRAIL_E_IO, "write %zu failed and gave %d", writes, status);
    }
    cr_assert_gt(writes, 10);
    recorded_release(&log);
    free(whole.data);
}

Test(writer, a_limit_on_bytes_ends_in_a_valid_shorter_file_that_says_so)
{
    for (uint64_t max_bytes = 8 << 10; max_bytes < 200 << 10; max_bytes += 37 << 10) {
        memory_file file = {.fail_after = SIZE_MAX};
        recorded log = {0};
        htrail_writer_opts opts;
        htrail_reader *reader;
        htrail_record rec;
        htrail_status status;
        htrail_writer_opts_init(&opts);
        opts.max_bytes = max_bytes;
        cr_assert_eq(random_heap_write(&file, &log, 21, 3000, &opts), HTRAIL_OK);
        cr_assert_leq(file.len, max_bytes);
        cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
        uint64_t objects = 0;
        while ((status = htrail_reader_next(reader, &rec)) == HTRAIL_OK)
            objects += rec.kind == HTRAIL_RECORD_OBJECT;
        if (max_bytes > 64 << 10)
            cr_assert_gt(objects, 1000, "%llu objects in %llu bytes", (unsigned long long)objects, (unsigned long long)max_bytes);
        cr_assert_eq(status, HTRAIL_END, "%s", htrail_reader_error(reader));
        cr_assert_not_null(htrail_reader_stopped_early(reader));
        cr_assert_not_null(strstr(htrail_reader_stopped_early(reader), "limit"));
        htrail_reader_free(reader);
        recorded_release(&log);
        free(file.data);
    }
}

Test(writer, a_file_has_its_name_only_when_it_is_whole)
{
    char folder[] = "/tmp/htrail-writer-XXXXXX", path[64], partial[80];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.htrail", folder);
    snprintf(partial, sizeof partial, "%s.partial", path);
    htrail_writer *w, *second;
    char message[256];

    cr_assert_eq(htrail_writer_open_path(&w, path, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(access(partial, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_eq(htrail_writer_open_path(&second, path, NULL, message, sizeof message), HTRAIL_E_IO);
    cr_assert_not_null(strstr(message, "another snapshot is being written there"), "%s", message);
    htrail_writer_free(w); /* without finish */
    cr_assert_neq(access(partial, F_OK), 0);
    cr_assert_neq(access(path, F_OK), 0);

    cr_assert_eq(htrail_writer_open_path(&w, path, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_E_MISUSE);
    htrail_writer_free(w);
    cr_assert_eq(access(path, F_OK), 0);
    cr_assert_neq(access(partial, F_OK), 0);
    unlink(path);

    snprintf(path, sizeof path, "%s/no/such/folder/a.htrail", folder);
    cr_assert_eq(htrail_writer_open_path(&w, path, NULL, message, sizeof message), HTRAIL_E_IO);
    cr_assert_null(w);
    cr_assert_not_null(strstr(message, "No such file or directory"));
    rmdir(folder);
}

Test(writer, a_wrong_order_of_calls_is_misuse)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    htrail_writer *w;
    htrail_object object = {.id = 0x100, .type = 0x200, .flags = HTRAIL_OBJECT_TRACKED};

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(htrail_writer_announce(w, 0x300), HTRAIL_OK);
    cr_assert_eq(htrail_writer_add_object(w, &object), HTRAIL_E_MISUSE);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_E_MISUSE);
    cr_assert_not_null(strstr(htrail_writer_error(w), "announced"));
    htrail_writer_free(w);

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    htrail_ref refs[2] = {{.target = 0x500, .flags = HTRAIL_REF_NEW}, {.target = 0x600, .flags = HTRAIL_REF_NEW}};
    object.refs = refs;
    object.ref_count = 2;
    cr_assert_eq(htrail_writer_add_object(w, &object), HTRAIL_OK);
    object = (htrail_object){.id = 0x600, .flags = HTRAIL_OBJECT_INLINE}; /* 0x500 is on top */
    cr_assert_eq(htrail_writer_add_object(w, &object), HTRAIL_E_MISUSE);
    htrail_writer_free(w);
    free(file.data);
    htrail_writer_free(NULL);
    cr_assert_str_eq(htrail_writer_error(NULL), "");
    cr_assert_null(htrail_writer_stopped_early(NULL));
    htrail_writer_stats stats;
    htrail_writer_stats_get(NULL, &stats); /* a sink asks during open, which calls it already */
    cr_assert_eq(stats.bytes_written, 0);
}

/* Nothing can be predicted: each label and each target is written whole. */
Test(writer, the_smallest_blocks_take_the_largest_objects)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    htrail_writer_opts opts;
    htrail_writer *w;
    htrail_reader *reader;
    htrail_record rec;
    htrail_status status;
    uint64_t random = 3, target_sum = 0, label_sum = 0;
    static htrail_ref refs[HTRAIL_REFS_MAX];

    htrail_writer_opts_init(&opts);
    opts.block_bytes = 1;
    cr_assert_eq(htrail_writer_open_sink(&w, &sink, &opts, NULL, 0), HTRAIL_OK);
    for (unsigned i = 0; i < 50; i++) {
        htrail_object object = {.id = heap_random(&random) * 0x1234567ull + 1, .type = heap_random(&random), .refs = refs,
                                .size_bytes = UINT64_MAX / 64 - i, .length = UINT64_MAX - i, .refcount = UINT64_MAX - i,
                                .flags = HTRAIL_OBJECT_LENGTH, .ref_count = HTRAIL_REFS_MAX};
        for (unsigned k = 0; k < HTRAIL_REFS_MAX; k++) {
            refs[k] = (htrail_ref){.kind = HTRAIL_REF_ATTR, .target = ((uint64_t)heap_random(&random) << 32 ^ heap_random(&random)) | 1,
                                   .label = ((uint64_t)heap_random(&random) << 32 ^ heap_random(&random)) & ~7ull & ~1ull};
            refs[k].label |= 8; /* no multiple of a unit */
            target_sum -= refs[k].target;
            label_sum -= refs[k].label;
        }
        cr_assert_eq(htrail_writer_add_object(w, &object), HTRAIL_OK);
    }
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    htrail_writer_free(w);
    cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, NULL, NULL, NULL, 0), HTRAIL_OK);
    while ((status = htrail_reader_next(reader, &rec)) == HTRAIL_OK)
        for (unsigned k = 0; rec.kind == HTRAIL_RECORD_OBJECT && k < rec.u.object.ref_count; k++) {
            target_sum += rec.u.object.refs[k].target;
            label_sum += rec.u.object.refs[k].label;
        }
    cr_assert_eq(status, HTRAIL_END, "%s", htrail_reader_error(reader));
    cr_assert_eq(target_sum, 0);
    cr_assert_eq(label_sum, 0);
    htrail_reader_free(reader);
    free(file.data);
}

Test(writer, a_limit_of_the_caller_is_told_with_its_reason_and_a_whole_file_has_none)
{
    memory_file file = {.fail_after = SIZE_MAX};
    htrail_sink sink = {memory_write, &file};
    htrail_writer *w;

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_null(htrail_writer_stopped_early(w));
    cr_assert_eq(htrail_writer_stop(w, HTRAIL_E_LIMIT, "the pause was too long"), HTRAIL_E_LIMIT);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    cr_assert_str_eq(htrail_writer_stopped_early(w), "the pause was too long");
    htrail_writer_free(w);

    cr_assert_eq(htrail_writer_open_sink(&w, &sink, NULL, NULL, 0), HTRAIL_OK);
    cr_assert_eq(htrail_writer_finish(w), HTRAIL_OK);
    cr_assert_null(htrail_writer_stopped_early(w));
    htrail_writer_free(w);
    free(file.data);
}
