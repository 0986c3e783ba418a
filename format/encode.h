/* format/encode.h - objects, names and values to the columns of one object block, and
 * the block to bytes. Works in memory given once; format/model.h describes what it
 * does, docs/format.md the bytes. */
#ifndef HTRAIL_FORMAT_ENCODE_H
#define HTRAIL_FORMAT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <htrail/types.h>

#include "format/block.h"

typedef struct htrail__encoder htrail__encoder;

/* Bytes of memory for blocks of about block_bytes before compression, and an encoder in
 * such memory: page-aligned, zeroed; it needs no release. */
size_t htrail__encoder_bytes(size_t block_bytes);
htrail__encoder *htrail__encoder_init(void *memory, size_t block_bytes);

/* NULL, or what is wrong with the order of calls (static text). */
const char *htrail__encoder_announce(htrail__encoder *e, htrail_id id);

/* Each of these three may be called only after the has_room before it said yes; where it
 * says no, finish the block first: an empty one has room for anything that passes
 * htrail__encoder_fits. add_object: NULL, or what is wrong with the call. */
bool htrail__encoder_has_room(htrail__encoder *e, uint32_t ref_count);
const char *htrail__encoder_add_object(htrail__encoder *e, const htrail_object *object);
bool htrail__encoder_has_room_for_text(htrail__encoder *e, size_t text_bytes);
void htrail__encoder_add_name(htrail__encoder *e, const htrail_name *name);
void htrail__encoder_add_value(htrail__encoder *e, const htrail_value *value);

/* Longest text of a name (with its module) or a value that a block takes. */
size_t htrail__encoder_text_max(const htrail__encoder *e);

typedef struct htrail__block_counts {
    uint32_t objects, parts, refs, names, values; /* parts: of CONTINUED objects */
    uint64_t size_bytes; /* sum of shallow sizes */
} htrail__block_counts;

/* The payload of the block so far, borrowed until the next call; the encoder is then
 * empty, for the next block. raw_bytes: what its columns held. NULL where it is empty. */
const uint8_t *htrail__encoder_finish(htrail__encoder *e, htrail__packer *packer, size_t *payload_bytes,
                                      size_t *raw_bytes, htrail__block_counts *counts);

#endif
