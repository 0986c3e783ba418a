/* format/decode.h - the payload of an object block back to objects, names and values.
 * Trusts nothing: every number is checked before it is used. */
#ifndef HTRAIL_FORMAT_DECODE_H
#define HTRAIL_FORMAT_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include <htrail/status.h>
#include <htrail/types.h>

#include "format/block.h"

typedef struct htrail__decoder htrail__decoder;

typedef struct htrail__decoded {
    const htrail_object *objects; /* parts of CONTINUED objects included; refs point into the decoder */
    size_t object_count;
    const htrail_name *names;
    size_t name_count;
    const htrail_value *values;
    size_t value_count;
    uint64_t ref_count;
    uint64_t size_bytes; /* sum of shallow sizes */
    uint64_t part_count; /* of object_count */
} htrail__decoded;

/* NULL where memory ran out. unit_shift: of the header. max_memory: bytes that one block may take; max_string:
 * longest text. */
htrail__decoder *htrail__decoder_new(unsigned unit_shift, uint64_t max_memory, uint32_t max_string);
void htrail__decoder_free(htrail__decoder *d);

/* Decode one payload. What *out points to is borrowed until the next call. On failure
 * *reason says why (static, or valid until the next call). */
htrail_status htrail__decode_block(htrail__decoder *d, htrail__unpacker *unpacker, const uint8_t *payload, size_t len,
                                   htrail__decoded *out, const char **reason);

#endif
