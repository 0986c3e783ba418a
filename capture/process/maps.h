/* maps.h - what /proc/self/maps says, read with open and read alone: no memory is taken. */
#ifndef HTRAIL_PROCESS_MAPS_H
#define HTRAIL_PROCESS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

/* The writable memory that belongs to the static variable at address: its mapping, and the
 * writable ones that follow it without a gap and are not the heap's (.data and then .bss). */
bool htrail__maps_data_of(uintptr_t address, uintptr_t *start, uintptr_t *end);

#endif
