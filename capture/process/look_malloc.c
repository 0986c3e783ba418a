/* look_malloc.c - what glibc's malloc holds, and how much of it is free: read from where it keeps its books,
 * without a call and without its locks.
 *
 * mallinfo2 would say the same, but it goes through all free blocks with an arena's lock held: 184 ms for
 * 500,000 of them, in which no thread of the program gets memory. Here lists are read as they are, by
 * system calls that cannot fault, while others change them: a figure may miss some, and is never
 * believed further than the memory that there is. Blocks in the small caches (tcache, fastbins) count as
 * used. After 50 ms of processor time the rest of the lists is left out, and a fact says so.
 *
 * The books have no symbols. The first arena is found in libc's data by its lists: 127 of them, of which
 * those that are empty point to themselves. The counts of blocks mapped one by one are found by what
 * follows them, the address at which the heap begins. */
#include "capture/process/process.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "capture/process/peek.h"

enum {
    DATA_BYTES_MAX = 64 << 10, /* of libc's: malloc's part is among the first */
    BINS = 127,
    EMPTY_BINS = 32, /* so many at least */
    ARENAS_MAX = 4096,
    MAPPED_BLOCKS_MAX = 65536,
    LOOK_NS_MAX = 50 * 1000 * 1000 /* of processor time */
};

/* malloc/malloc.c: struct malloc_state, from the first free list on. Before it lie, from glibc 2.27 on, 112 bytes, earlier 104. */
typedef struct arena_books {
    uint64_t top, last_remainder; /* in front of bins */
    uint64_t bins[2 * BINS];      /* first and last of each list; an empty one: its own place - 16 */
    uint32_t bin_map[4];
    uint64_t next, next_free, attached_threads, system_bytes, system_bytes_max;
} arena_books;

typedef struct chunk {
    uint64_t previous_bytes, bytes, next, previous;
} chunk;

static bool is_glibcs;

/* Looked up while the library is loaded, since the linker's lock may be held later by a thread that waits
 * for the interpreter. Another malloc (jemalloc) has a malloc_usable_size of its own; malloc itself may
 * be a stub of the executable. */
__attribute__((constructor)) static void find(void)
{
    void *libc = dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), *used = dlsym(RTLD_DEFAULT, "malloc_usable_size");
    Dl_info library, allocator;
    is_glibcs = sizeof(void *) == 8 && libc != NULL && used != NULL && dladdr(libc, &library) != 0 && dladdr(used, &allocator) != 0 &&
                library.dli_fbase == allocator.dli_fbase;
}

static uint64_t spent_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Where the list of bin i is taken to begin, of books that lie at address. */
static uint64_t bin_of(uint64_t address, int i) { return address + offsetof(arena_books, bins) + 16 * (uint64_t)i - 16; }

static bool is_books(const arena_books *books, uint64_t address)
{
    int empty = 0;
    for (int i = 0; i < BINS; i++) {
        bool first = books->bins[2 * i] == bin_of(address, i), last = books->bins[2 * i + 1] == bin_of(address, i);
        if (first != last || books->bins[2 * i] == 0 || books->bins[2 * i] % 16 != 0)
            return false;
        empty += first;
    }
    /* One place further to the front the lists fit as well, and what follows does not. */
    return empty >= EMPTY_BINS && books->next != 0 && books->next % 16 == 0 && books->top != 0 && books->system_bytes > 0 &&
           books->system_bytes <= books->system_bytes_max && books->system_bytes % 4096 == 0 && books->system_bytes_max % 4096 == 0;
}

/* Both ends of a list of free blocks that are gone along at once; 0: done. */
typedef struct list {
    uint64_t head, forward, backward;
} list;

/* One step along all lists: a system call takes as long as some hundred blocks of it. Returns bytes of the
 * blocks that were passed; what cannot be read, or makes no sense any more, ends its list. */
static uint64_t step(list *lists, uint64_t most_bytes, bool *is_done)
{
    struct iovec local[2 * BINS], remote[2 * BINS];
    chunk blocks[2 * BINS];
    uint64_t bytes = 0;
    int count = 0;
    for (int i = 0; i < BINS; i++)
        for (int end = 0; end < 2 && lists[i].forward != 0; end++, count++) {
            local[count] = (struct iovec){&blocks[count], sizeof *blocks};
            remote[count] = (struct iovec){(void *)(uintptr_t)(end ? lists[i].backward : lists[i].forward), sizeof *blocks};
        }
    *is_done = count == 0;
    ssize_t got = count > 0 ? process_vm_readv(getpid(), local, (unsigned long)count, remote, (unsigned long)count, 0) : 0;
    int good = got > 0 ? (int)((size_t)got / sizeof *blocks) : 0;
    for (int i = 0, at = 0; i < BINS; i++) {
        if (lists[i].forward == 0)
            continue;
        const chunk *front = &blocks[at], *back = &blocks[at + 1];
        bool is_last = lists[i].forward == lists[i].backward || front->next == lists[i].backward;
        at += 2;
        if (at - 2 > good) /* behind one that could not be read: once more */
            continue;
        if (at > good || (front->bytes & ~(uint64_t)7) > most_bytes || (back->bytes & ~(uint64_t)7) > most_bytes) {
            lists[i].forward = 0;
            continue;
        }
        bytes += front->bytes & ~(uint64_t)7;
        bytes += lists[i].forward != lists[i].backward ? back->bytes & ~(uint64_t)7 : 0;
        lists[i].forward = is_last || front->next == lists[i].head ? 0 : front->next;
        lists[i].backward = back->previous;
        if (lists[i].backward == lists[i].head)
            lists[i].forward = 0;
    }
    return bytes;
}

/* Free bytes of an arena: its top, and the blocks in its lists. *partial: time was over before their end. */
static uint64_t free_of(const arena_books *books, uint64_t address, uint64_t end_ns, bool *partial)
{
    list lists[BINS];
    chunk top;
    uint64_t free_bytes = htrail__peek(&top, books->top, 16) ? top.bytes & ~(uint64_t)7 : 0;
    bool is_done = false;
    for (int i = 0; i < BINS; i++) {
        uint64_t head = bin_of(address, i);
        lists[i] = (list){head, books->bins[2 * i] == head ? 0 : books->bins[2 * i], books->bins[2 * i + 1]};
    }
    while (!is_done && free_bytes < books->system_bytes && !*partial) {
        free_bytes += step(lists, books->system_bytes, &is_done);
        *partial = !is_done && spent_ns() > end_ns;
    }
    return free_bytes < books->system_bytes ? free_bytes : books->system_bytes;
}

/* Blocks mapped one by one: struct malloc_par has their bytes now and at most in the words before the one that is
 * the heap's beginning, and before those how many there may be: 65,536, unless somebody changed it. */
static uint64_t mapped_of(const uint64_t *words, size_t count, uint64_t heap)
{
    for (size_t i = 4; i < count && heap != 0; i++)
        if (words[i] >= heap && words[i] < heap + 4096 && words[i - 2] <= words[i - 1] && words[i - 2] % 4096 == 0 && words[i - 1] % 4096 == 0 &&
            ((uint32_t)words[i - 4] == MAPPED_BLOCKS_MAX || words[i - 4] >> 32 == MAPPED_BLOCKS_MAX))
            return words[i - 2];
    return 0;
}

/* Writable data of libc, and where the heap begins. */
static bool places(const htrail_process *p, uint64_t *data, size_t *bytes, uint64_t *heap)
{
    const htrail__process_mapping *mappings = (const void *)p->mappings.data;
    *data = *heap = 0;
    for (size_t i = 0; i < p->mappings.used_bytes / sizeof *mappings; i++) {
        const char *path = p->paths.data + mappings[i].path_at, *slash = strrchr(path, '/'); /* ends in a NUL */
        const char *name = slash ? slash + 1 : path;
        if (*heap == 0 && strcmp(path, "[heap]") == 0)
            *heap = mappings[i].row.start;
        if (*data == 0 && (mappings[i].row.flags & HTRAIL_MAPPING_WRITE) && (strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2.", 7) == 0)) {
            *data = mappings[i].row.start;
            *bytes = (size_t)(mappings[i].row.end - mappings[i].row.start);
        }
    }
    return *data != 0;
}

void htrail__process_look_malloc(htrail_process *p)
{
    uint64_t data, heap, address = 0, system_bytes = 0, free_bytes = 0, end_ns = spent_ns() + LOOK_NS_MAX;
    htrail__pile copy = {0};
    arena_books books;
    bool partial = false;
    size_t bytes;
    if (!is_glibcs || !places(p, &data, &bytes, &heap))
        return;
    bytes = bytes < DATA_BYTES_MAX ? bytes : DATA_BYTES_MAX;
    uint64_t *words = htrail__pile_add(&copy, bytes);
    if (words == NULL || bytes < sizeof books || !htrail__peek(words, data, bytes))
        goto done;
    for (size_t at = 0; at + sizeof books <= bytes && address == 0; at += 8) {
        memcpy(&books, (const char *)words + at, sizeof books);
        if (is_books(&books, data + at))
            address = data + at;
    }
    if (address == 0)
        goto done;
    /* next is the beginning of the next arena, which is further in front of its books than the field itself is. */
    uint64_t first = address, head_bytes = 0;
    for (int i = 0; i < ARENAS_MAX; i++) {
        system_bytes += books.system_bytes;
        free_bytes += free_of(&books, address, end_ns, &partial);
        uint64_t next = books.next;
        if (head_bytes == 0) /* what lies before the books: it must lead back, or to an arena */
            head_bytes = next == first - 96 ? 96 : next == first - 88 ? 88 : (htrail__peek(&books, next + 96, sizeof books) && is_books(&books, next + 96)) ? 96 : 88;
        address = next + head_bytes;
        if (address == first || !htrail__peek(&books, address, sizeof books) || !is_books(&books, address))
            break;
    }
    uint64_t mapped = mapped_of(words, bytes / 8, heap);
    htrail__process_add_fact(p, "malloc_heap_bytes", system_bytes);
    htrail__process_add_fact(p, "malloc_mmapped_bytes", mapped);
    htrail__process_add_fact(p, "malloc_used_bytes", system_bytes - free_bytes + mapped);
    htrail__process_add_fact(p, "malloc_free_bytes", free_bytes);
    if (partial) /* at least so much is free, at most so much in use */
        htrail__process_add_fact(p, "malloc_free_partial", 1);
done:
    htrail__pile_release(&copy);
}
