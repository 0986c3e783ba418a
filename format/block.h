/* format/block.h - bytes to compressed bytes and back, without allocation. The only
 * file of the format that knows zstd. */
#ifndef HTRAIL_FORMAT_BLOCK_H
#define HTRAIL_FORMAT_BLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef struct htrail__packer htrail__packer;
typedef struct htrail__unpacker htrail__unpacker;

/* Bytes of memory that a packer at a level needs, and a packer in such memory
 * (8-byte aligned; the packer lives in it and needs no release). NULL: too little, or
 * no such level. */
size_t htrail__packer_bytes(int level);
htrail__packer *htrail__packer_init(void *memory, size_t memory_bytes, int level);

/* The highest level that is linked in, where not all are (format/fast_only.c); &this may be NULL. */
extern const int htrail__pack_level_max __attribute__((weak, visibility("hidden")));

/* Most bytes that htrail__pack makes of len bytes. */
size_t htrail__pack_bound(size_t len);

/* Compress into out, which holds at least htrail__pack_bound(len). Returns the bytes
 * made; 0 where compression does not make it smaller (out is then undefined: store it
 * as it is). */
size_t htrail__pack(htrail__packer *packer, uint8_t *out, size_t out_cap, const uint8_t *data, size_t len);

/* Owned by the caller; NULL where memory ran out. window_log_max: refuse frames that
 * want a larger window. */
htrail__unpacker *htrail__unpacker_new(unsigned window_log_max);
void htrail__unpacker_free(htrail__unpacker *unpacker);

/* Decompress exactly raw_len bytes. NULL on success, otherwise why not (static text). */
const char *htrail__unpack(htrail__unpacker *unpacker, uint8_t *out, size_t raw_len, const uint8_t *data, size_t len);

#endif
