/* format/summary.c - see summary.h. */
#include "format/summary.h"

#include <string.h>

#include "format/wire.h"

/* The order of the totals in the file. */
static void fields_of(htrail__totals *t, uint64_t *fields[HTRAIL__TOTALS])
{
    uint64_t *all[HTRAIL__TOTALS] = {&t->objects, &t->parts,   &t->refs,  &t->names,     &t->values,
                                     &t->types,   &t->strings, &t->roots, &t->size_bytes};
    memcpy(fields, all, sizeof all);
}

size_t htrail__end_encode(uint8_t at[HTRAIL__END_BYTES_MAX], const htrail__end *end)
{
    htrail__totals totals = end->totals;
    uint64_t *fields[HTRAIL__TOTALS];
    size_t reason_len = end->reason.len < HTRAIL__REASON_MAX ? end->reason.len : HTRAIL__REASON_MAX;
    uint8_t *to = at;

    fields_of(&totals, fields);
    for (unsigned i = 0; i < HTRAIL__TOTALS; i++)
        to = htrail__put_varint(to, *fields[i]);
    to = htrail__put_varint(to, end->frame_count);
    htrail__put_u32(to, end->heads_crc);
    to += 4;
    *to++ = end->stopped_early;
    to = htrail__put_varint(to, reason_len);
    if (reason_len > 0)
        memcpy(to, end->reason.data, reason_len);
    return (size_t)(to + reason_len - at);
}

bool htrail__end_decode(htrail__end *end, const uint8_t *data, size_t len)
{
    htrail__cursor in = {data, data + len, false};
    uint64_t *fields[HTRAIL__TOTALS], frame_count;

    fields_of(&end->totals, fields);
    for (unsigned i = 0; i < HTRAIL__TOTALS; i++)
        *fields[i] = htrail__next_varint(&in);
    frame_count = htrail__next_varint(&in);
    const uint8_t *crc = htrail__next_bytes(&in, 4);
    if (crc == NULL || frame_count > UINT32_MAX)
        return false;
    end->frame_count = (uint32_t)frame_count;
    end->heads_crc = htrail__get_u32(crc);
    end->stopped_early = htrail__next_byte(&in) != 0;
    end->reason.len = (size_t)htrail__next_varint(&in);
    end->reason.data = (const char *)htrail__next_bytes(&in, end->reason.len);
    return !in.failed && end->reason.len <= HTRAIL__REASON_MAX;
}
