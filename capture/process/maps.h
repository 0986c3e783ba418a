/* maps.h - what /proc/self/maps says, read with open and read alone: no memory is taken. */
#ifndef HTRAIL_PROCESS_MAPS_H
#define HTRAIL_PROCESS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The writable memory that belongs to the static variable at address: its mapping, and the
 * writable ones that follow it without a gap and are not the heap's (.data and then .bss). */
bool htrail__maps_data_of(uintptr_t address, uintptr_t *start, uintptr_t *end);

typedef struct htrail__maps_range {
    uintptr_t start, end;
} htrail__maps_range;

/* Where what malloc and mmap give may be: the writable memory that is no file's, upwards. Returns how many
 * ranges; where there are more than most, the last one reaches to the end of them all. 0: not readable. */
size_t htrail__maps_private(htrail__maps_range *ranges, size_t most);
bool htrail__maps_within(const htrail__maps_range *ranges, size_t count, uintptr_t address);

#endif
