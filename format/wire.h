/* format/wire.h - numbers to bytes and back, the only place where that happens.
 * Fixed integers are little-endian, written byte by byte; varints are LEB128 (low
 * seven bits first, at most ten bytes); signed numbers are zigzagged first. */
#ifndef HTRAIL_FORMAT_WIRE_H
#define HTRAIL_FORMAT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTRAIL__VARINT_MAX = 10 };

static inline void htrail__put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void htrail__put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline void htrail__put_u64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint16_t htrail__get_u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static inline uint32_t htrail__get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t htrail__get_u64(const uint8_t *at)
{
    return (uint64_t)htrail__get_u32(at) | (uint64_t)htrail__get_u32(at + 4) << 32;
}

/* Needs HTRAIL__VARINT_MAX bytes of room. Returns the byte behind. */
static inline uint8_t *htrail__put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint64_t htrail__zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }
static inline int64_t htrail__unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }

/* A run of bytes being read. A read past the end returns 0 and sets failed, which
 * stays: a caller may look once, after many reads. */
typedef struct htrail__cursor {
    const uint8_t *at, *end;
    bool failed;
} htrail__cursor;

static inline uint8_t htrail__next_byte(htrail__cursor *c)
{
    if (c->at == c->end) {
        c->failed = true;
        return 0;
    }
    return *c->at++;
}

static inline uint64_t htrail__next_varint(htrail__cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (c->at == c->end)
            break;
        uint8_t byte = *c->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    c->failed = true;
    c->at = c->end;
    return 0;
}

static inline int64_t htrail__next_zigzag(htrail__cursor *c) { return htrail__unzigzag(htrail__next_varint(c)); }

/* len bytes, borrowed from the run; NULL (and failed) where fewer are left. */
static inline const uint8_t *htrail__next_bytes(htrail__cursor *c, uint64_t len)
{
    if (len > (uint64_t)(c->end - c->at)) {
        c->failed = true;
        c->at = c->end;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += len;
    return bytes;
}

#endif
