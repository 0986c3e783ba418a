/* pile.h - an array that grows in a private mapping of its own: memory that the program's heap
 * does not see. */
#ifndef HTRAIL_PROCESS_PILE_H
#define HTRAIL_PROCESS_PILE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct htrail__pile {
    char *data;
    size_t used_bytes, mapped_bytes;
} htrail__pile;

/* Room for so many bytes more behind what is there, zeroed; counted as used. What was there may have
 * moved. NULL: there is no memory. */
void *htrail__pile_add(htrail__pile *pile, size_t bytes);
void htrail__pile_release(htrail__pile *pile);

#endif
