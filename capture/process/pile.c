/* pile.c - see pile.h. */
#include "capture/process/pile.h"

#include <sys/mman.h>

enum { FIRST_BYTES = 64 << 10 };

void *htrail__pile_add(htrail__pile *pile, size_t bytes)
{
    size_t needed = pile->used_bytes + bytes, mapped = pile->mapped_bytes ? pile->mapped_bytes : FIRST_BYTES;
    while (mapped < needed)
        mapped *= 2;
    if (mapped != pile->mapped_bytes) {
        void *data = pile->data == NULL ? mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                        : mremap(pile->data, pile->mapped_bytes, mapped, MREMAP_MAYMOVE);
        if (data == MAP_FAILED)
            return NULL;
        pile->data = data;
        pile->mapped_bytes = mapped;
    }
    void *added = pile->data + pile->used_bytes;
    pile->used_bytes = needed;
    return added;
}

void htrail__pile_release(htrail__pile *pile)
{
    if (pile->data != NULL)
        munmap(pile->data, pile->mapped_bytes);
    *pile = (htrail__pile){0};
}
