/* arenas.c - the memory that Python's own allocator took for objects of up to 512 bytes: arenas, cut
 * into pools of blocks of one size each (Objects/obmalloc.c). Read in place: an arena costs a look
 * at its head, a pool one at its own. */
#include "capture/python/arenas.h"

#include <string.h>

#include "capture/process/facts.h"
#include "capture/process/maps.h"
#include "capture/process/peek.h"
#include "capture/python/layout.h"

#if PY_VERSION_HEX >= 0x030a0000
enum { ARENA_BYTES = 1 << 20, POOL_BYTES = 1 << 14 };
#else
enum { ARENA_BYTES = 1 << 18, POOL_BYTES = 1 << 12 };
#endif
enum { BLOCK_BYTES_MAX = 512, ARENAS_MAX = 1 << 26, ARENAS_AT_ONCE = 64 };

/* The same in all versions. */
struct arena {
    uintptr_t address; /* 0: the entry is free */
    char *pool_address; /* pools from here on were never used */
    unsigned int free_pools, pools;
    void *free_pool;
    struct arena *next, *previous;
};

struct pool {
    unsigned int used_blocks, padding;
    void *free_block;
    struct pool *next, *previous;
    unsigned int arena, size_class, next_offset, last_offset;
};

/* Where the table of arenas is, its length, and the bytes that sizes of blocks go up by. */
typedef struct arena_table {
    const struct arena *arenas;
    size_t count, step_bytes;
} arena_table;

#if PY_VERSION_HEX >= 0x030d0000
static bool find(htrail__walk *k, arena_table *found)
{
    const struct _obmalloc_state *state = k->interp->obmalloc;
    if (!state || !state->mgmt.arenas)
        return false;
    *found = (arena_table){(const void *)state->mgmt.arenas, state->mgmt.maxarenas, ALIGNMENT};
    return true;
}
#elif PY_VERSION_HEX >= 0x030c0000
static bool find(htrail__walk *k, arena_table *found)
{
    const struct _obmalloc_state *state = &k->interp->obmalloc;
    if (!state->mgmt.arenas)
        return false;
    *found = (arena_table){(const void *)state->mgmt.arenas, state->mgmt.maxarenas, ALIGNMENT};
    return true;
}
#else

/* Until 3.11 the table hangs from a static variable without a symbol. The pool of an object that is known
 * to be in one (the dict of sys.modules) says which entry of the table its arena is; so the interpreter's
 * static data is searched for a word that leads to a table of which this is true. */
typedef struct witness {
    uintptr_t pool;
    struct pool head;
} witness;

static bool is_arena_of(const struct arena *arena, const witness *w)
{
    return arena->address <= w->pool && w->pool < (uintptr_t)arena->pool_address &&
           (uintptr_t)arena->pool_address <= arena->address + ARENA_BYTES && w->pool + POOL_BYTES <= arena->address + ARENA_BYTES &&
           arena->pools >= ARENA_BYTES / POOL_BYTES - 1 && arena->pools <= ARENA_BYTES / POOL_BYTES && arena->free_pools <= arena->pools;
}

static bool is_table(uintptr_t address, const witness *w)
{
    struct arena arena;
    return htrail__peek(&arena, address + w->head.arena * sizeof arena, sizeof arena) && is_arena_of(&arena, w);
}

/* The word of the static data from start on that leads to the table. Of its words most lead to code, to constants or nowhere:
 * only those that lead to memory of malloc's kind are followed, many with one system call. */
static const uintptr_t *search(uintptr_t start, uintptr_t end, const witness *w)
{
    enum { RANGES_MAX = 256, AT_ONCE = 128, WORDS_AT_ONCE = 512 };
    htrail__maps_range ranges[RANGES_MAX];
    uintptr_t copy[WORDS_AT_ONCE], words[AT_ONCE], at[AT_ONCE]; /* words: the addresses of those that are followed */
    struct arena arenas[AT_ONCE];
    size_t range_count = htrail__maps_private(ranges, RANGES_MAX), count = 0;
    for (size_t place = 0, all = (end - start) / sizeof *copy; place < all; place++) {
        size_t here = place % WORDS_AT_ONCE, left = all - place;
        if (here == 0 && !htrail__peek(copy, start + place * sizeof *copy, (left < WORDS_AT_ONCE ? left : WORDS_AT_ONCE) * sizeof *copy))
            return NULL;
        if (copy[here] % 8 == 0 && (copy[here] < start || copy[here] >= end) && htrail__maps_within(ranges, range_count, copy[here])) {
            words[count] = start + place * sizeof *copy;
            at[count++] = copy[here] + w->head.arena * sizeof *arenas;
        }
        if (count == 0 || (count < AT_ONCE && left > 1))
            continue;
        if (!htrail__peek_many(arenas, at, count, sizeof *arenas))
            return NULL;
        for (size_t i = 0; i < count; i++)
            if (is_arena_of(&arenas[i], w))
                return (const uintptr_t *)words[i];
        count = 0;
    }
    return NULL;
}

/* How many entries: it begins with 16 and doubles, those never used are a chain of zeroes. */
static size_t count_of(uintptr_t address, unsigned int known)
{
    size_t count = 16;
    struct arena last;
    while (count <= known)
        count *= 2;
    while (count < ARENAS_MAX) { /* the first of the next half, if there is one, was an arena once */
        if (!htrail__peek(&last, address + count * sizeof last, sizeof last))
            break;
        bool is_arena = last.address != 0 && last.address % 4096 == 0 && last.pools >= ARENA_BYTES / POOL_BYTES - 1 &&
                        last.pools <= ARENA_BYTES / POOL_BYTES && last.free_pools <= last.pools &&
                        (uintptr_t)last.pool_address > last.address && (uintptr_t)last.pool_address <= last.address + ARENA_BYTES;
        if (!is_arena)
            break;
        count *= 2;
    }
    return count;
}

static bool find(htrail__walk *k, arena_table *found)
{
    static const uintptr_t *variable; /* not the table: it moves as it grows */
    uintptr_t start, end;
    PyObject *modules = htrail__layout_modules(k->interp);
    size_t bytes = sizeof(PyDictObject) + htrail__layout_header_bytes(&PyDict_Type);
    witness w = {.pool = (uintptr_t)modules & ~(uintptr_t)(POOL_BYTES - 1)};
    if (!modules || !PyDict_CheckExact(modules) || !htrail__peek(&w.head, w.pool, sizeof w.head) || w.head.arena >= ARENAS_MAX)
        return false;
    size_t step = (bytes + 15) / 16 * 16 / (w.head.size_class + 1) == 16 ? 16 : (bytes + 7) / 8 * 8 / (w.head.size_class + 1) == 8 ? 8 : 0;
    if (step == 0 || w.head.used_blocks == 0 || w.head.used_blocks > POOL_BYTES / 8)
        return false; /* another allocator: PYTHONMALLOC */
    if (!variable || !is_table(*variable, &w)) {
        variable = NULL;
        if (!htrail__maps_data_of((uintptr_t)&PyDict_Type, &start, &end))
            return false;
        variable = search(start, end, &w);
        if (!variable)
            return false;
    }
    *found = (arena_table){(const struct arena *)*variable, count_of(*variable, w.head.arena), step};
    return true;
}
#endif

/* Bytes of blocks in use of an arena. */
static uint64_t used_of(const struct arena *arena, size_t step_bytes)
{
    uint64_t used = 0;
    uintptr_t first = (arena->address + POOL_BYTES - 1) & ~(uintptr_t)(POOL_BYTES - 1);
    for (uintptr_t at = first; at + POOL_BYTES <= (uintptr_t)arena->pool_address; at += POOL_BYTES) {
        const struct pool *pool = (const struct pool *)at;
        if (pool->used_blocks > 0 && pool->size_class < BLOCK_BYTES_MAX / step_bytes)
            used += (uint64_t)pool->used_blocks * (pool->size_class + 1) * step_bytes;
    }
    return used;
}

void htrail__arenas_write(htrail__walk *k, htrail_process *process)
{
    uint64_t arenas = 0, used = 0, free_pools = 0;
    arena_table table;
    if (!find(k, &table) || table.count > ARENAS_MAX)
        return;
    struct arena some[ARENAS_AT_ONCE];
    for (size_t i = 0; i < table.count; i += ARENAS_AT_ONCE) {
        size_t now = table.count - i < ARENAS_AT_ONCE ? table.count - i : ARENAS_AT_ONCE;
        if (!htrail__peek(some, (uintptr_t)&table.arenas[i], now * sizeof *some))
            break;
        for (size_t at = 0; at < now; at++) {
            if (some[at].address == 0)
                continue;
            arenas++;
            free_pools += some[at].free_pools;
            used += used_of(&some[at], table.step_bytes);
            if (process)
                htrail__process_add_arena(process, some[at].address, some[at].address + ARENA_BYTES);
        }
    }
    htrail__facts_set_number(k->writer, "pymalloc_arenas", arenas);
    htrail__facts_set_number(k->writer, "pymalloc_arena_bytes", arenas * ARENA_BYTES);
    htrail__facts_set_number(k->writer, "pymalloc_used_bytes", used);
    htrail__facts_set_number(k->writer, "pymalloc_free_bytes", arenas * ARENA_BYTES - used);
    htrail__facts_set_number(k->writer, "pymalloc_free_pools_bytes", free_pools * POOL_BYTES);
}
