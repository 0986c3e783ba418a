/* siphash.h - a hash that nobody can compute or compare without the key. */
#ifndef HTRAIL_SIPHASH_H
#define HTRAIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t htrail__siphash(const uint64_t key[2], const void *data, size_t len);

#endif
