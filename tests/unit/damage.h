/* tests/unit/damage.h - damage to snapshot files, by name: cut, flip, replace a section's
 * bytes, insert a section; with checksums mended where the damage is to get past them. */
#ifndef HTRAIL_TESTS_UNIT_DAMAGE_H
#define HTRAIL_TESTS_UNIT_DAMAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <htrail/reader.h>

#include "format/crc32c.h"
#include "format/frame.h"
#include "format/summary.h"
#include "format/wire.h"

/* Read all of it; the status that ended it. objects (may be NULL): how many came. */
static inline htrail_status read_all(const uint8_t *data, size_t len, const htrail_limits *limits, uint64_t *objects)
{
    htrail_reader *reader;
    htrail_record rec;
    char message[256];
    uint64_t count = 0;
    htrail_status status = htrail_reader_open_memory(&reader, data, len, "damaged", limits, message, sizeof message);
    if (status == HTRAIL_OK) {
        while ((status = htrail_reader_next(reader, &rec)) == HTRAIL_OK)
            count += rec.kind == HTRAIL_RECORD_OBJECT;
        htrail_reader_free(reader);
    }
    if (objects != NULL)
        *objects = count;
    return status;
}

/* A copy of len bytes that ends just before a page that cannot be read. Release with
 * guarded_free. */
static inline uint8_t *guarded_copy(const uint8_t *data, size_t len)
{
    size_t room = (len + 4095) / 4096 * 4096 + 4096;
    uint8_t *map = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(map + room, 4096, PROT_NONE);
    memcpy(map + room - len, data, len);
    return map + room - len;
}

static inline void guarded_free(uint8_t *copy, size_t len)
{
    size_t room = (len + 4095) / 4096 * 4096 + 4096;
    munmap(copy + len - room, room + 4096);
}

/* Make all checksums fit what is there now: of the header, of each frame that still
 * stands, and of the heads in the end. */
static inline void mend_checksums(uint8_t *data, size_t len)
{
    htrail__frame frame;
    uint32_t heads_crc = 0, count = 0;
    if (len < HTRAIL__HEADER_BYTES)
        return;
    htrail__put_u32(data + 28, htrail__crc32c(0, data, 28));
    for (size_t at = HTRAIL__HEADER_BYTES; at + HTRAIL__FRAME_HEAD_BYTES <= len;) {
        uint8_t *head = data + at;
        size_t stored = htrail__get_u32(head + 12);
        if (stored > len - at - HTRAIL__FRAME_HEAD_BYTES)
            return;
        if (htrail__get_u16(head + 4) == HTRAIL__SECTION_END) {
            htrail__end end;
            uint8_t again[HTRAIL__END_BYTES_MAX];
            if (htrail__end_decode(&end, head + HTRAIL__FRAME_HEAD_BYTES, stored)) {
                end.heads_crc = heads_crc;
                end.frame_count = count;
                if (htrail__end_encode(again, &end) == stored)
                    memcpy(head + HTRAIL__FRAME_HEAD_BYTES, again, stored);
            }
        }
        htrail__put_u32(head + 20, htrail__crc32c(0, head + HTRAIL__FRAME_HEAD_BYTES, stored));
        htrail__put_u32(head + 28, htrail__crc32c(0, head, 28));
        if (htrail__frame_decode(&frame, head) != NULL)
            return;
        heads_crc = htrail__crc32c(heads_crc, head, HTRAIL__FRAME_HEAD_BYTES);
        count++;
        at += HTRAIL__FRAME_HEAD_BYTES + stored;
    }
}

/* Insert a raw frame of a section before the frame number `before`; sequences, index and
 * trailer are written anew. Returns the new file, its length in *len; free() it. */
static inline uint8_t *insert_section(const uint8_t *data, size_t *len, unsigned section, unsigned flags, uint32_t before)
{
    static const uint8_t payload[5] = {1, 2, 3, 4, 5};
    uint8_t *out = malloc(*len + 512), *to = out;
    size_t at = HTRAIL__HEADER_BYTES;
    uint32_t sequence = 0;
    htrail__frame frame;

    memcpy(to, data, at);
    to += at;
    while (*len - at > HTRAIL__TRAILER_BYTES) {
        htrail__frame_decode(&frame, data + at);
        if (sequence == before) {
            htrail__frame new = {(uint16_t)section, HTRAIL__CODEC_RAW, (uint8_t)flags, sequence++, sizeof payload, sizeof payload,
                                 htrail__crc32c(0, payload, sizeof payload)};
            htrail__frame_encode(to, &new);
            memcpy(to + HTRAIL__FRAME_HEAD_BYTES, payload, sizeof payload);
            to += HTRAIL__FRAME_HEAD_BYTES + sizeof payload;
        }
        frame.sequence = sequence++;
        if (frame.section == HTRAIL__SECTION_INDEX) { /* an empty one serves */
            uint64_t index_offset = (uint64_t)(to - out);
            frame.stored_bytes = frame.raw_bytes = 1;
            htrail__frame_encode(to, &frame);
            to[HTRAIL__FRAME_HEAD_BYTES] = 0;
            to += HTRAIL__FRAME_HEAD_BYTES + 1;
            htrail__trailer_encode(to, index_offset);
            to += HTRAIL__TRAILER_BYTES;
            break;
        }
        htrail__frame_encode(to, &frame);
        memcpy(to + HTRAIL__FRAME_HEAD_BYTES, data + at + HTRAIL__FRAME_HEAD_BYTES, frame.stored_bytes);
        to += HTRAIL__FRAME_HEAD_BYTES + frame.stored_bytes;
        at += HTRAIL__FRAME_HEAD_BYTES + frame.stored_bytes;
    }
    *len = (size_t)(to - out);
    mend_checksums(out, *len - HTRAIL__TRAILER_BYTES);
    return out;
}

#endif
