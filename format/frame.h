/* format/frame.h - the outermost layer of a file: header, frames, trailer
 * (docs/format.md has the byte tables). Knows sizes and checksums, and nothing of
 * what a payload means. */
#ifndef HTRAIL_FORMAT_FRAME_H
#define HTRAIL_FORMAT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTRAIL__VERSION_MAJOR = 1,
    HTRAIL__VERSION_MINOR = 1,
    HTRAIL__HEADER_BYTES = 32,
    HTRAIL__FRAME_HEAD_BYTES = 32,
    HTRAIL__TRAILER_BYTES = 16,
    HTRAIL__PAYLOAD_MAX = 16 << 20, /* stored bytes of one frame, and raw bytes of a row section */
    HTRAIL__UNIT_SHIFT = 4          /* addresses are coded in units of 16 bytes */
};

/* Kinds of sections. Numbers are in the file: append only. Those without a writer yet
 * are named so that no later part takes the number for something else. */
typedef enum htrail__section {
    HTRAIL__SECTION_META = 1,
    HTRAIL__SECTION_STRINGS = 2,
    HTRAIL__SECTION_TYPES = 3,
    HTRAIL__SECTION_OBJECTS = 4, /* with columns for references, refcounts, names and values */
    HTRAIL__SECTION_ROOTS = 5,
    HTRAIL__SECTION_MODULES = 6,
    HTRAIL__SECTION_THREADS = 7,
    HTRAIL__SECTION_FRAMES = 8,
    HTRAIL__SECTION_SITES = 9,
    HTRAIL__SECTION_SITE_OF = 10,
    HTRAIL__SECTION_MAPPINGS = 11,
    HTRAIL__SECTION_NATIVE_BLOCKS = 12,
    HTRAIL__SECTION_NATIVE_REFS = 13,
    HTRAIL__SECTION_REFCOUNTS = 14,
    HTRAIL__SECTION_FINGERPRINTS = 15,
    HTRAIL__SECTION_SUMMARY = 16,
    HTRAIL__SECTION_END = 100,
    HTRAIL__SECTION_INDEX = 101
} htrail__section;

enum htrail__frame_flags {
    HTRAIL__FRAME_CRITICAL = 1 << 0 /* a reader that does not know the section must refuse the file */
};

enum htrail__codec { HTRAIL__CODEC_RAW = 0, HTRAIL__CODEC_ZSTD = 1 };

typedef struct htrail__header {
    uint16_t version_major, version_minor;
    uint8_t pointer_bytes, unit_shift, target_big_endian, flags;
    uint64_t file_id;
} htrail__header;

typedef struct htrail__frame {
    uint16_t section;
    uint8_t codec, flags;
    uint32_t sequence;     /* of the frame in the file, from 0 */
    uint32_t stored_bytes; /* of the payload that follows the head */
    uint32_t raw_bytes;    /* of the payload once decoded */
    uint32_t payload_crc;  /* over the stored bytes */
} htrail__frame;

void htrail__header_encode(uint8_t at[HTRAIL__HEADER_BYTES], const htrail__header *header);
/* Why it is not a header of ours, NULL where it is. is_version: it is, of another major version. */
const char *htrail__header_decode(htrail__header *header, const uint8_t at[HTRAIL__HEADER_BYTES], bool *is_version);

void htrail__frame_encode(uint8_t at[HTRAIL__FRAME_HEAD_BYTES], const htrail__frame *frame);
/* Why it is not the head of a frame, NULL where it is. */
const char *htrail__frame_decode(htrail__frame *frame, const uint8_t at[HTRAIL__FRAME_HEAD_BYTES]);

void htrail__trailer_encode(uint8_t at[HTRAIL__TRAILER_BYTES], uint64_t index_offset);
bool htrail__trailer_decode(uint64_t *index_offset, const uint8_t at[HTRAIL__TRAILER_BYTES]);

#endif
