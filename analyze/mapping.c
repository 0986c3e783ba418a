/* analyze/mapping.c - see the header. A mapping begins with its own size and whether it is a file's. */
#include "analyze/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/resident.h"

enum { HEAD_BYTES = 64, PAGE_BYTES = 4096, LARGE_PAGE_BYTES = 2 << 20, NO_FILE = 0 };

typedef struct head {
    size_t bytes;
    int file; /* its descriptor + 1 */
} head;

static head *head_of(void *data)
{
    return (head *)(void *)((char *)data - HEAD_BYTES);
}

static void *data_of(void *map, size_t bytes, int file)
{
    /* Read ahead comes in pages of megabytes: more than a thread that takes them back can keep up with. */
    if (file != NO_FILE)
        (void)madvise(map, bytes, MADV_RANDOM);
    *(head *)map = (head){bytes, file};
    return (char *)map + HEAD_BYTES;
}

static void *grow_in_memory(head *old, size_t bytes)
{
    size_t old_bytes = old == NULL ? 0 : old->bytes;
    void *map = old == NULL ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                            : mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
    if (map == MAP_FAILED)
        return NULL;
    htrail__resident_in_memory(old_bytes, bytes);
    if (bytes >= LARGE_PAGE_BYTES)
        (void)madvise(map, bytes, MADV_HUGEPAGE); /* a wish: it may fail */
    return data_of(map, bytes, NO_FILE);
}

/* The room is taken at once: later there would be nobody to tell that the disk is full. */
static bool reserve(int fd, size_t bytes)
{
    return fallocate(fd, 0, 0, (off_t)bytes) == 0 || (errno == EOPNOTSUPP && ftruncate(fd, (off_t)bytes) == 0);
}

static void *new_in_file(size_t bytes)
{
    char name[4096];
    int fd = htrail__resident_file(name, sizeof name);
    void *map = MAP_FAILED;

    if (fd >= 0 && reserve(fd, bytes))
        map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED && htrail__resident_add(map, bytes))
        return data_of(map, bytes, fd + 1);
    htrail__resident_say_failure(bytes, errno);
    if (map != MAP_FAILED)
        (void)munmap(map, bytes);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void *grow_in_file(head *old, size_t bytes)
{
    int fd = old->file - 1;
    size_t was = old->bytes;
    void *map;

    if (bytes > was && !reserve(fd, bytes)) {
        htrail__resident_say_failure(bytes, errno);
        return NULL;
    }
    htrail__resident_remove(old);
    map = mremap(old, was, bytes, MREMAP_MAYMOVE);
    if (map == MAP_FAILED) {
        (void)htrail__resident_add(old, was); /* its place is still free */
        return NULL;
    }
    if (bytes < was && ftruncate(fd, (off_t)bytes) != 0)
        errno = 0; /* room that is not given back: no harm */
    (void)htrail__resident_add(map, bytes);
    return data_of(map, bytes, fd + 1);
}

static void *move_to_file(head *old, size_t bytes)
{
    char *data = new_in_file(bytes);
    if (data == NULL)
        return NULL;
    memcpy(data, (char *)old + HEAD_BYTES, (old->bytes < bytes ? old->bytes : bytes) - HEAD_BYTES);
    htrail__resident_in_memory(old->bytes, 0);
    (void)munmap(old, old->bytes);
    return data;
}

void *htrail__mapping_grow(void *data, size_t bytes)
{
    head *old = data == NULL ? NULL : head_of(data);
    if (bytes > SIZE_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    bytes = (bytes + HEAD_BYTES + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    if (old != NULL && old->file != NO_FILE)
        return grow_in_file(old, bytes);
    if (!htrail__resident_wants_file(bytes))
        return grow_in_memory(old, bytes);
    return old == NULL ? new_in_file(bytes) : move_to_file(old, bytes);
}

void *htrail__mapping_new(size_t item_count, size_t item_bytes)
{
    return item_count >= SIZE_MAX / 2 / item_bytes ? NULL : htrail__mapping_grow(NULL, (item_count + 1) * item_bytes);
}

void htrail__mapping_free(void *data)
{
    if (data == NULL)
        return;
    head at = *head_of(data);
    if (at.file != NO_FILE)
        htrail__resident_remove(head_of(data));
    else
        htrail__resident_in_memory(at.bytes, 0);
    (void)munmap(head_of(data), at.bytes);
    if (at.file != NO_FILE)
        close(at.file - 1);
}
