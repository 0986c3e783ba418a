/* format/frame.c - see frame.h. */
#include "format/frame.h"

#include <string.h>

#include "format/crc32c.h"
#include "format/wire.h"

/* As PNG's: a byte with the high bit set, and line ends, show text-mode damage. */
static const uint8_t header_magic[8] = {0x89, 'H', 'T', 'R', 0x0d, 0x0a, 0x1a, 0x0a};
static const uint8_t frame_magic[4] = {0xf5, 'H', 'T', 'F'};
static const uint8_t trailer_magic[4] = {'H', 'T', 'R', 'E'};

enum { CRC_AT = 28 };

void htrail__header_encode(uint8_t at[HTRAIL__HEADER_BYTES], const htrail__header *header)
{
    memset(at, 0, HTRAIL__HEADER_BYTES);
    memcpy(at, header_magic, sizeof header_magic);
    htrail__put_u16(at + 8, header->version_major);
    htrail__put_u16(at + 10, header->version_minor);
    at[12] = header->pointer_bytes;
    at[13] = header->unit_shift;
    at[14] = header->target_big_endian;
    at[15] = header->flags;
    htrail__put_u64(at + 16, header->file_id);
    htrail__put_u32(at + CRC_AT, htrail__crc32c(0, at, CRC_AT));
}

const char *htrail__header_decode(htrail__header *header, const uint8_t at[HTRAIL__HEADER_BYTES], bool *is_version)
{
    *is_version = false;
    if (memcmp(at, header_magic, sizeof header_magic) != 0) {
        if (memcmp(at + 1, header_magic + 1, 3) == 0)
            return "its line ends or high bits were changed on the way, as by a transfer in text mode";
        return "it does not begin as a snapshot does";
    }
    if (htrail__get_u32(at + CRC_AT) != htrail__crc32c(0, at, CRC_AT))
        return "the checksum of its header does not hold";
    header->version_major = htrail__get_u16(at + 8);
    header->version_minor = htrail__get_u16(at + 10);
    header->pointer_bytes = at[12];
    header->unit_shift = at[13];
    header->target_big_endian = at[14];
    header->flags = at[15];
    header->file_id = htrail__get_u64(at + 16);
    if (header->version_major != HTRAIL__VERSION_MAJOR) {
        *is_version = true;
        return "its major version is another";
    }
    if ((header->pointer_bytes != 4 && header->pointer_bytes != 8) || header->unit_shift > 16)
        return "its header describes no target that can be";
    return NULL;
}

void htrail__frame_encode(uint8_t at[HTRAIL__FRAME_HEAD_BYTES], const htrail__frame *frame)
{
    memcpy(at, frame_magic, sizeof frame_magic);
    htrail__put_u16(at + 4, frame->section);
    at[6] = frame->codec;
    at[7] = frame->flags;
    htrail__put_u32(at + 8, frame->sequence);
    htrail__put_u32(at + 12, frame->stored_bytes);
    htrail__put_u32(at + 16, frame->raw_bytes);
    htrail__put_u32(at + 20, frame->payload_crc);
    htrail__put_u32(at + 24, 0);
    htrail__put_u32(at + CRC_AT, htrail__crc32c(0, at, CRC_AT));
}

const char *htrail__frame_decode(htrail__frame *frame, const uint8_t at[HTRAIL__FRAME_HEAD_BYTES])
{
    if (memcmp(at, frame_magic, sizeof frame_magic) != 0)
        return "no frame begins there";
    if (htrail__get_u32(at + CRC_AT) != htrail__crc32c(0, at, CRC_AT))
        return "the checksum of a frame's head does not hold";
    frame->section = htrail__get_u16(at + 4);
    frame->codec = at[6];
    frame->flags = at[7];
    frame->sequence = htrail__get_u32(at + 8);
    frame->stored_bytes = htrail__get_u32(at + 12);
    frame->raw_bytes = htrail__get_u32(at + 16);
    frame->payload_crc = htrail__get_u32(at + 20);
    if (frame->stored_bytes > HTRAIL__PAYLOAD_MAX || frame->raw_bytes > HTRAIL__PAYLOAD_MAX)
        return "a frame claims to be larger than frames can be";
    return NULL;
}

void htrail__trailer_encode(uint8_t at[HTRAIL__TRAILER_BYTES], uint64_t index_offset)
{
    htrail__put_u64(at, index_offset);
    htrail__put_u32(at + 8, htrail__crc32c(0, at, 8));
    memcpy(at + 12, trailer_magic, sizeof trailer_magic);
}

bool htrail__trailer_decode(uint64_t *index_offset, const uint8_t at[HTRAIL__TRAILER_BYTES])
{
    *index_offset = htrail__get_u64(at);
    return htrail__get_u32(at + 8) == htrail__crc32c(0, at, 8) && memcmp(at + 12, trailer_magic, sizeof trailer_magic) == 0;
}
