/* A damaged file gives a status, never a crash, a read outside it, or a wrong heap that
 * passes for a whole one. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/damage.h"
#include "tests/unit/random_heap.h"

/* Under 4 KiB, with every kind of section: those of the writer, and the others as raw
 * frames, which this version skips. */
static uint8_t *every_section(size_t *len)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    static const unsigned others[] = {HTRAIL__SECTION_MODULES,
                                      HTRAIL__SECTION_NATIVE_BLOCKS, HTRAIL__SECTION_NATIVE_REFS,
                                      HTRAIL__SECTION_REFCOUNTS, HTRAIL__SECTION_FINGERPRINTS, HTRAIL__SECTION_SUMMARY};
    cr_assert_eq(random_heap_write(&file, &log, 5, 12, NULL), HTRAIL_OK);
    cr_assert_gt(log.names, 0);
    cr_assert_gt(log.values, 0);
    uint8_t *data = file.data;
    *len = file.len;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        uint8_t *more = insert_section(data, len, others[i], 0, 2);
        free(data);
        data = more;
    }
    recorded_release(&log);
    cr_assert_eq(read_all(data, *len, NULL, NULL), HTRAIL_END);
    cr_assert_lt(*len, 4096, "the file has %zu bytes", *len);
    return data;
}

Test(damage, sections_that_are_not_known_are_skipped_unless_they_are_critical)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    uint64_t objects, objects_again;
    cr_assert_eq(random_heap_write(&file, &log, 9, 5, NULL), HTRAIL_OK);
    cr_assert_eq(read_all(file.data, file.len, NULL, &objects), HTRAIL_END);
    size_t len = file.len;
    uint8_t *more = insert_section(file.data, &len, 4711, 0, 1);
    cr_assert_eq(read_all(more, len, NULL, &objects_again), HTRAIL_END);
    cr_assert_eq(objects_again, objects);
    free(more);
    len = file.len;
    more = insert_section(file.data, &len, 4711, HTRAIL__FRAME_CRITICAL, 1);
    cr_assert_eq(read_all(more, len, NULL, NULL), HTRAIL_E_VERSION);
    free(more);
    recorded_release(&log);
    free(file.data);
}

Test(damage, a_file_cut_at_any_length_says_so_and_keeps_what_is_before)
{
    size_t len;
    uint8_t *data = every_section(&len);
    uint64_t before = 0, objects;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = guarded_copy(data, cut);
        htrail_status status = read_all(copy, cut, NULL, &objects);
        if (cut < 4)
            cr_assert_eq(status, HTRAIL_E_NOT_SNAPSHOT, "cut at %zu: %d", cut, status);
        else
            cr_assert_eq(status, HTRAIL_E_TRUNCATED, "cut at %zu: %d", cut, status);
        cr_assert_geq(objects, before, "a longer file gave fewer objects at %zu", cut);
        before = objects;
        guarded_free(copy, cut);
    }
    cr_assert_gt(before, 0);
    free(data);
}

Test(damage, a_large_file_cut_anywhere_keeps_its_whole_blocks)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_writer_opts opts;
    uint64_t objects, before = 0, steps = 0;
    htrail_writer_opts_init(&opts);
    opts.block_bytes = 64 << 10;
    cr_assert_eq(random_heap_write(&file, &log, 77, 1000, &opts), HTRAIL_OK);
    for (size_t cut = 4; cut < file.len; cut += file.len / 97) {
        cr_assert_eq(read_all(file.data, cut, NULL, &objects), HTRAIL_E_TRUNCATED);
        steps += objects > before;
        before = objects;
    }
    cr_assert_geq(steps, 3, "the file should have several blocks");
    recorded_release(&log);
    free(file.data);
}

Test(damage, a_file_of_one_small_process_cut_in_half_is_not_empty)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_writer_opts opts;
    uint64_t objects;
    htrail_writer_opts_init(&opts);
    opts.block_bytes = 4 << 20; /* so that only the number of objects ends a block */
    cr_assert_eq(random_heap_write(&file, &log, 8, 400, &opts), HTRAIL_OK);
    cr_assert_lt(log.count, 1 << 16);
    cr_assert_eq(read_all(file.data, file.len / 2, NULL, &objects), HTRAIL_E_TRUNCATED);
    cr_assert_geq(objects, 4096);
    recorded_release(&log);
    free(file.data);
}

Test(damage, a_flipped_byte_anywhere_is_noticed)
{
    size_t len;
    uint8_t *data = every_section(&len);
    static const uint8_t masks[] = {0xff, 0x01, 0x80};
    for (size_t at = 0; at < len; at++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            uint8_t *copy = guarded_copy(data, len);
            copy[at] ^= masks[m];
            htrail_status status = read_all(copy, len, NULL, NULL);
            cr_assert_lt(status, 0, "byte %zu flipped with 0x%02x went unnoticed", at, masks[m]);
            guarded_free(copy, len);
        }
    }
    free(data);
}

Test(damage, damage_behind_good_checksums_gives_a_status_and_no_crash)
{
    size_t len;
    uint8_t *data = every_section(&len);
    uint64_t random = 42;
    unsigned noticed = 0, rounds = 20000;
    for (unsigned round = 0; round < rounds; round++) {
        uint8_t *copy = guarded_copy(data, len);
        unsigned changes = 1 + heap_random(&random) % 3;
        for (unsigned i = 0; i < changes; i++)
            copy[HTRAIL__HEADER_BYTES + heap_random(&random) % (len - HTRAIL__HEADER_BYTES)] = (uint8_t)heap_random(&random);
        mend_checksums(copy, len);
        noticed += read_all(copy, len, NULL, NULL) != HTRAIL_END;
        guarded_free(copy, len);
    }
    cr_assert_gt(noticed, rounds / 2); /* the rest hit texts, hashes and skipped sections */
    free(data);
}

Test(damage, limits_on_memory_hold)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_limits limits;
    cr_assert_eq(random_heap_write(&file, &log, 3, 4000, NULL), HTRAIL_OK);
    htrail_limits_init(&limits);
    limits.max_memory = 100000;
    cr_assert_eq(read_all(file.data, file.len, &limits, NULL), HTRAIL_E_LIMIT);
    recorded_release(&log);
    free(file.data);
}

Test(damage, other_files_are_no_snapshots)
{
    static const char text[] = "SQLite format 3\0 and so on and on and on";
    char message[256];
    htrail_reader *reader;
    cr_assert_eq(htrail_reader_open_memory(&reader, text, sizeof text, "x.db", NULL, message, sizeof message),
                 HTRAIL_E_NOT_SNAPSHOT);
    cr_assert_null(reader);
    cr_assert_str_eq(message, "cannot read 'x.db': it is no snapshot: it does not begin as a snapshot does");
    cr_assert_eq(htrail_reader_open_path(&reader, "/nowhere/a.htrail", NULL, message, sizeof message), HTRAIL_E_IO);
    cr_assert_str_eq(message, "cannot read '/nowhere/a.htrail': No such file or directory");
}
