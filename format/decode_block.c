/* format/decode_block.c - a payload to columns, columns to a block: what is allowed, what
 * must hold. */
#include "format/decode_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

htrail__decoder *htrail__decoder_new(unsigned unit_shift, uint64_t max_memory, uint32_t max_string)
{
    htrail__decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->max_memory = max_memory;
    d->max_string = max_string;
    d->unit_shift = unit_shift;
    return d;
}

void htrail__decoder_free(htrail__decoder *d)
{
    if (d == NULL)
        return;
    buffer *all[] = {&d->raw, &d->objects, &d->refs, &d->names, &d->values, &d->tracked, &d->ordinals, &d->types,
                     &d->modules, &d->texts};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]->data);
    free(d);
}

htrail_status htrail__decoder_reserve(htrail__decoder *d, buffer *b, uint64_t count, size_t item_bytes)
{
    uint64_t bytes = (count + 1) * item_bytes; /* counts are 32 bits wide: no overflow */
    if (bytes <= b->bytes)
        return HTRAIL_OK;
    if (d->held - b->bytes + bytes > d->max_memory) {
        snprintf(d->reason, sizeof d->reason, "a block needs more than the %llu bytes of memory that were allowed",
                 (unsigned long long)d->max_memory);
        return HTRAIL_E_LIMIT;
    }
    free(b->data);
    d->held -= b->bytes;
    b->bytes = 0;
    b->data = malloc((size_t)bytes);
    if (b->data == NULL) {
        snprintf(d->reason, sizeof d->reason, "out of memory for a block");
        return HTRAIL_E_NOMEM;
    }
    b->bytes = (size_t)bytes;
    d->held += bytes;
    return HTRAIL_OK;
}

htrail_status htrail__decoder_corrupt(htrail__decoder *d, const char *what)
{
    snprintf(d->reason, sizeof d->reason, "%s", what);
    return HTRAIL_E_CORRUPT;
}

/* Columns unpacked one behind the other into raw; each gets its cursor. */
static htrail_status unpack_columns(htrail__decoder *d, htrail__unpacker *unpacker, htrail__cursor *in)
{
    htrail__cursor head = *in;
    uint64_t raw_total = 0, count = htrail__next_varint(&head);
    htrail_status status;
    unsigned last = 0;

    /* A column that is missing is empty, not nowhere: an empty text is no cut one. */
    static const uint8_t nothing;
    for (unsigned i = 0; i < HTRAIL__COLUMN_COUNT; i++)
        d->columns[i] = (htrail__cursor){&nothing, &nothing, false};
    if (count >= 256)
        return htrail__decoder_corrupt(d, "it has more columns than there are");
    *in = head;
    for (uint64_t i = 0; i < count && !head.failed; i++) { /* sizes first: one allocation */
        htrail__next_byte(&head);
        uint64_t raw = htrail__next_varint(&head);
        const uint8_t *stored = htrail__next_bytes(&head, 4);
        if (stored != NULL)
            htrail__next_bytes(&head, htrail__get_u32(stored));
        if (raw > COLUMNS_RAW_MAX || (raw_total += raw) > COLUMNS_RAW_MAX)
            return htrail__decoder_corrupt(d, "its columns are larger than blocks can be");
    }
    if (head.failed || head.at != head.end)
        return htrail__decoder_corrupt(d, "its columns do not fill it");
    status = htrail__decoder_reserve(d, &d->raw, raw_total, 1);
    if (status != HTRAIL_OK)
        return status;
    uint8_t *at = d->raw.data;
    for (uint64_t i = 0; i < count; i++) {
        unsigned number = htrail__next_byte(in);
        size_t raw = (size_t)htrail__next_varint(in);
        uint32_t stored = htrail__get_u32(htrail__next_bytes(in, 4));
        const uint8_t *data = htrail__next_bytes(in, stored);
        const char *reason = NULL;
        if (number <= last)
            return htrail__decoder_corrupt(d, "its columns are out of order");
        last = number;
        if (number >= HTRAIL__COLUMN_COUNT)
            continue; /* a later minor version's */
        if (stored == raw)
            memcpy(at, data, raw);
        else
            reason = htrail__unpack(unpacker, at, raw, data, stored);
        if (reason != NULL) {
            snprintf(d->reason, sizeof d->reason, "column %u does not decompress: %s", number, reason);
            return HTRAIL_E_CORRUPT;
        }
        d->columns[number] = (htrail__cursor){at, at + raw, false};
        at += raw;
    }
    return HTRAIL_OK;
}

static void begin_block(htrail__decoder *d)
{
    d->last_far = d->last_label = 0;
    memset(d->last_of_class, 0, sizeof d->last_of_class);
    memset(d->contexts, 0, sizeof d->contexts);
    memset(d->ahead, 0, sizeof d->ahead);
    d->shape_count = d->slot_count = d->type_count = d->age_count = 0;
    d->ref_count = d->record_count = d->ordinal_count = d->tracked_count = 0;
    d->pending_top = d->ahead_most = 0;
    d->size_sum = 0;
}

static htrail_status reserve_all(htrail__decoder *d)
{
    struct { buffer *b; uint64_t count; size_t bytes; } all[] = {
        {&d->objects, d->record_max, sizeof(htrail_object)},
        {&d->refs, d->ref_max, sizeof(htrail_ref)},
        {&d->names, d->name_max, sizeof(htrail_name)},
        {&d->modules, d->name_max, sizeof(htrail_str)},
        {&d->values, d->value_max, sizeof(htrail_value)},
        {&d->ordinals, d->object_max, sizeof(uint64_t)},
        {&d->tracked, d->object_max, sizeof(uint64_t)},
        {&d->types, d->record_max, sizeof(uint64_t)},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        htrail_status status = htrail__decoder_reserve(d, all[i].b, all[i].count, all[i].bytes);
        if (status != HTRAIL_OK)
            return status;
    }
    return HTRAIL_OK;
}

htrail_status htrail__decode_block(htrail__decoder *d, htrail__unpacker *unpacker, const uint8_t *payload, size_t len,
                                   htrail__decoded *out, const char **reason)
{
    htrail__cursor in = {payload, payload + len, false};
    uint64_t counts[5];
    htrail_status status;

    *reason = d->reason;
    for (unsigned i = 0; i < 5; i++) {
        counts[i] = htrail__next_varint(&in);
        if (counts[i] > HTRAIL__BLOCK_REFS_MAX)
            return htrail__decoder_corrupt(d, "it claims more than blocks can hold");
    }
    const uint8_t *sums = htrail__next_bytes(&in, 16);
    if (sums == NULL)
        return htrail__decoder_corrupt(d, "it is too short for a block");
    begin_block(d);
    d->object_max = (uint32_t)counts[0];
    d->part_max = (uint32_t)counts[1];
    d->record_max = d->object_max + d->part_max;
    d->ref_max = (uint32_t)counts[2];
    d->name_max = (uint32_t)counts[3];
    d->value_max = (uint32_t)counts[4];
    status = unpack_columns(d, unpacker, &in);
    if (status != HTRAIL_OK)
        return status;
    /* Each object has a byte of shape, each name two of lengths, each value one of flags:
     * a few bytes cannot claim a million. */
    const htrail__cursor *columns = d->columns;
    if (counts[0] + counts[1] > (uint64_t)(columns[HTRAIL__COLUMN_SHAPE].end - columns[HTRAIL__COLUMN_SHAPE].at) ||
        counts[3] > (uint64_t)(columns[HTRAIL__COLUMN_NAME_LENGTH].end - columns[HTRAIL__COLUMN_NAME_LENGTH].at) ||
        counts[4] > (uint64_t)(columns[HTRAIL__COLUMN_VALUE_FLAGS].end - columns[HTRAIL__COLUMN_VALUE_FLAGS].at))
        return htrail__decoder_corrupt(d, "it claims more than its columns hold");
    status = reserve_all(d);
    for (uint64_t left = counts[0] + counts[1]; left > 0 && status == HTRAIL_OK; left--)
        status = htrail__decode_object(d);
    if (status == HTRAIL_OK)
        status = htrail__decode_tail(d);
    if (status == HTRAIL_OK)
        status = htrail__decode_names(d);
    if (status == HTRAIL_OK)
        status = htrail__decode_values(d);
    if (status != HTRAIL_OK)
        return status;

    uint64_t target_sum = 0;
    const htrail_ref *refs = d->refs.data;
    for (uint32_t i = 0; i < d->ref_count; i++)
        target_sum += refs[i].target;
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++)
        if (d->columns[i].failed || d->columns[i].at != d->columns[i].end)
            return htrail__decoder_corrupt(d, "its columns do not fit together");
    if (d->ordinal_count != d->object_max || d->part_max != 0 || d->ref_count != d->ref_max)
        return htrail__decoder_corrupt(d, "it does not hold as much as it says");
    if (d->size_sum != htrail__get_u64(sums) || target_sum != htrail__get_u64(sums + 8))
        return htrail__decoder_corrupt(d, "its sums do not hold");
    *out = (htrail__decoded){d->objects.data, d->record_count, d->names.data, d->name_max, d->values.data, d->value_max,
                             d->ref_count, d->size_sum, counts[1]};
    return HTRAIL_OK;
}
