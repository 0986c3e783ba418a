/* A reader that decodes in a thread of its own gives the same records and the same sentences. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/damage.h"
#include "tests/unit/random_heap.h"

static const htrail_writer_opts small_blocks = {.struct_size = sizeof small_blocks, .level = 1, .block_bytes = 128 << 10};

typedef struct outcome {
    uint64_t digest, records;
    htrail_status status;
    char error[512];
} outcome;

static void digest(outcome *o, uint64_t value) { o->digest = (o->digest ^ value) * UINT64_C(0x9e3779b97f4a7c15); }

static void digest_text(outcome *o, htrail_str text)
{
    for (size_t i = 0; i < text.len; i++)
        digest(o, (uint8_t)text.data[i]);
}

static outcome outcome_of(const uint8_t *data, size_t len, uint32_t read_ahead)
{
    outcome o = {0};
    htrail_reader *reader;
    htrail_record rec;
    htrail_limits limits;
    htrail_limits_init(&limits);
    limits.read_ahead = read_ahead;
    o.status = htrail_reader_open_memory(&reader, data, len, "x", &limits, o.error, sizeof o.error);
    if (o.status != HTRAIL_OK)
        return o;
    while ((o.status = htrail_reader_next(reader, &rec)) == HTRAIL_OK) {
        o.records++;
        digest(&o, rec.kind);
        if (rec.kind == HTRAIL_RECORD_OBJECT) {
            digest(&o, rec.u.object.id);
            digest(&o, rec.u.object.size_bytes);
            for (uint32_t i = 0; i < rec.u.object.ref_count; i++) {
                digest(&o, rec.u.object.refs[i].target);
                digest(&o, rec.u.object.refs[i].label);
            }
        } else if (rec.kind == HTRAIL_RECORD_NAME) {
            digest_text(&o, rec.u.name.name);
        } else if (rec.kind == HTRAIL_RECORD_VALUE) {
            digest_text(&o, rec.u.value.text);
        }
    }
    snprintf(o.error, sizeof o.error, "%s", htrail_reader_error(reader));
    htrail_reader_free(reader);
    return o;
}

static void assert_same(const uint8_t *data, size_t len)
{
    outcome alone = outcome_of(data, len, 0), ahead = outcome_of(data, len, 1);
    cr_assert_eq(ahead.status, alone.status, "%s / %s", ahead.error, alone.error);
    cr_assert_str_eq(ahead.error, alone.error);
    cr_assert_eq(ahead.records, alone.records);
    cr_assert_eq(ahead.digest, alone.digest);
}

Test(read_ahead, the_records_of_a_whole_file_are_the_same)
{
    for (unsigned seed = 1; seed < 3; seed++) {
        memory_file file = {.fail_after = SIZE_MAX};
        recorded log = {0};
        cr_assert_eq(random_heap_write(&file, &log, seed, 1500, &small_blocks), HTRAIL_OK);
        cr_assert_eq(outcome_of(file.data, file.len, 1).status, HTRAIL_END);
        assert_same(file.data, file.len);
        recorded_release(&log);
        free(file.data);
    }
}

Test(read_ahead, a_damaged_file_gives_the_same_records_and_the_same_sentence)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    uint64_t state = 7;
    unsigned damaged = 0;
    cr_assert_eq(random_heap_write(&file, &log, 3, 900, &small_blocks), HTRAIL_OK);
    uint8_t *copy = malloc(file.len);
    for (unsigned round = 0; round < 90; round++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t at = (size_t)(state >> 20) % file.len, len = file.len;
        memcpy(copy, file.data, len);
        if (round % 3 == 0)
            len = at;
        else
            copy[at] ^= (uint8_t)(1 << (state >> 8 & 7));
        if (round % 3 == 1)
            mend_checksums(copy, len);
        assert_same(copy, len);
        damaged += outcome_of(copy, len, 1).status != HTRAIL_END;
    }
    cr_assert_gt(damaged, 60);
    free(copy);
    recorded_release(&log);
    free(file.data);
}
