/* analyze/mapping.c - see the header. A mapping begins with its own size. */
#include "analyze/mapping.h"

#include <stdint.h>
#include <sys/mman.h>

enum { HEAD_BYTES = 64, PAGE_BYTES = 4096, LARGE_PAGE_BYTES = 2 << 20 };

static size_t *head_of(void *data)
{
    return (size_t *)(void *)((char *)data - HEAD_BYTES);
}

void *htrail__mapping_grow(void *data, size_t bytes)
{
    void *map;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + HEAD_BYTES + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    if (data == NULL)
        map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    else
        map = mremap(head_of(data), *head_of(data), bytes, MREMAP_MAYMOVE);
    if (map == MAP_FAILED)
        return NULL;
    if (bytes >= LARGE_PAGE_BYTES)
        (void)madvise(map, bytes, MADV_HUGEPAGE); /* a wish: it may fail */
    *(size_t *)map = bytes;
    return (char *)map + HEAD_BYTES;
}

void *htrail__mapping_new(size_t item_count, size_t item_bytes)
{
    return item_count >= SIZE_MAX / 2 / item_bytes ? NULL : htrail__mapping_grow(NULL, (item_count + 1) * item_bytes);
}

void htrail__mapping_free(void *data)
{
    if (data != NULL)
        (void)munmap(head_of(data), *head_of(data));
}
