/* images.h - the static variables of a process: the writable data of its executable and of every
 * library in it, as their program headers say (.data and .bss, no byte more).
 *
 * Read from /proc/self/maps and from memory, through the kernel where another thread could
 * unmap it meanwhile: no lock of the loader is taken, no memory. */
#ifndef HTRAIL_PROCESS_IMAGES_H
#define HTRAIL_PROCESS_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct htrail__image_data {
    uintptr_t start, end;
    uintptr_t base; /* of the image: addresses in its symbol table are relative to it */
    const char *path;
} htrail__image_data;

/* Calls each for every writable segment, in the order of addresses, until it returns false.
 * false: /proc/self/maps cannot be read. */
bool htrail__images_each(bool (*each)(void *arg, const htrail__image_data *data), void *arg);

#endif
