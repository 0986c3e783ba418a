/* analyze/bits.h - sets of numbers as a bit each, in words of 64. */
#ifndef HTRAIL_ANALYZE_BITS_H
#define HTRAIL_ANALYZE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool htrail__bit(const uint64_t *bits, uint64_t at) { return bits[at >> 6] >> (at & 63) & 1; }
static inline void htrail__set_bit(uint64_t *bits, uint64_t at) { bits[at >> 6] |= UINT64_C(1) << (at & 63); }

#endif
