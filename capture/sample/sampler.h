/* capture/sample/sampler.h - a sample of the blocks that are allocated, drawn by bytes: a
 * point falls on each byte with the same chance, once in interval_bytes on the average, and
 * a block on which one or more fall is kept until it is freed.
 *
 * A block of s bytes is thus kept with probability p = 1 - exp(-s / interval), whatever
 * came before, and stands for 1 / p blocks like itself: sums over the kept ones, so
 * weighted, are unbiased for every line of code, and the variance of such a sum is that of the
 * independent draws, sum of s^2 (1 - p) / p^2 (Horvitz and Thompson).
 *
 * Order of calls: start; then htrail__sampler_is_due for each allocation, keep where it was, and
 * forget before each free; write whenever a snapshot is made.
 *
 * Memory: private mappings. Threads: is_due and forget from any; the tables behind them are under
 * a spin lock that is held for a few instructions and never over a call of somebody else's. */
#ifndef HTRAIL_SAMPLE_SAMPLER_H
#define HTRAIL_SAMPLE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/sample/sites.h"

enum { HTRAIL__SAMPLER_FILTER_BITS = 1 << 14 };

/* What an allocation and a free look at; the rest is behind it. */
struct htrail__sampler_hot {
    int64_t gap_bytes; /* to the next point */
    uint64_t filter[HTRAIL__SAMPLER_FILTER_BITS / 64]; /* a set bit: a kept block may be freed */
};
extern struct htrail__sampler_hot htrail__sampler_hot;

/* Whether a point falls on a block of this size; the only thing that an ordinary allocation costs. */
static inline bool htrail__sampler_is_due(size_t size_bytes)
{
    int64_t left = __atomic_load_n(&htrail__sampler_hot.gap_bytes, __ATOMIC_RELAXED) - (int64_t)size_bytes;
    __atomic_store_n(&htrail__sampler_hot.gap_bytes, left, __ATOMIC_RELAXED);
    return __builtin_expect(left < 0, 0);
}

static inline bool htrail__sampler_may_have(const void *block)
{
    uintptr_t place = (uintptr_t)block >> 4 & (HTRAIL__SAMPLER_FILTER_BITS - 1);
    return __builtin_expect(__atomic_load_n(&htrail__sampler_hot.filter[place >> 6], __ATOMIC_RELAXED) >> (place & 63) & 1, 0);
}

/* A frame of the stack that asked for a block: texts of the sampler's sites. */
typedef struct htrail__sampler_frame {
    uint32_t file, function, line;
} htrail__sampler_frame;

enum { HTRAIL__SAMPLER_DEPTH_MAX = 64 };

/* Begin, or go on with another interval (what is kept then goes). seed 0: of the kernel's.
 * False: no memory. */
bool htrail__sampler_start(uint64_t interval_bytes, uint64_t seed, unsigned depth);
/* Nothing more is kept, and what was is forgotten; its memory is given back. */
void htrail__sampler_stop(void);
/* Forget what is kept, and go on. */
void htrail__sampler_clear(void);
bool htrail__sampler_is_on(void);
uint64_t htrail__sampler_interval(void);

/* A point fell on a block: its draw is done and the next one begun. Where the result is not NULL
 * the tables are locked: add the texts of its frames to them, at most *depth, the innermost
 * first, and hand them to htrail__sampler_keep, which unlocks. */
htrail__sites *htrail__sampler_due(unsigned *depth);
void htrail__sampler_keep(const void *block, size_t size_bytes, const htrail__sampler_frame *frames, unsigned count);

/* The block is freed or moves. What it was kept as, so that a move that fails may be undone; site is
 * HTRAIL_NO_SITE where it was not kept. */
typedef struct htrail__sample {
    uintptr_t address;
    uint64_t size_bytes;
    uint32_t site, next;
} htrail__sample;
htrail__sample htrail__sampler_forget(const void *block);
void htrail__sampler_restore(const htrail__sample *sample);

/* Of the sampler's own memory. */
size_t htrail__sampler_mapped_bytes(void);
uint64_t htrail__sampler_count(void);

/* What is kept now, as sites and their blocks. HTRAIL_E_MISUSE: the tables are being changed
 * (by a thread that was not carried over a fork), and nothing was written. */
htrail_status htrail__sampler_write(htrail_writer *w);

#endif
