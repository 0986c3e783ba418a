/* capture/attach/place.c - where the thread is, and every word of its stack.
 *
 * It is outside where it waits in a system call that glibc's allocator never waits in, or runs
 * in code that is neither libc's nor the loader's: Python does not run inside malloc. Two ways
 * it could be inside even then, both looked for on the stack, where an address that is no
 * longer in use counts too: an allocator of the program's own, and a signal handler that came
 * upon malloc. */
#include <string.h>
#include <ucontext.h>

#include "capture/attach/place.h"
#include "capture/attach/task.h"

enum { STACK_MAX_BYTES = 1 << 20, PIECE_BYTES = 1 << 16 };

static const char *const allocators[] = {"malloc",         "free",          "calloc",           "realloc",
                                         "memalign",       "posix_memalign", "aligned_alloc",    "valloc",
                                         "malloc_usable_size"};

static void add_core(htrail__places *places, const htrail__object *object)
{
    htrail__segment segments[HTRAIL__SEGMENTS_CAP];
    size_t count = htrail__object_segments(places->objects, object, segments);
    for (size_t i = 0; i < count; i++)
        if (segments[i].executable && places->core_count < sizeof places->core / sizeof *places->core)
            places->core[places->core_count++] = (htrail__memory_range){segments[i].start, segments[i].end};
}

static void find_restorers(htrail__places *places, const htrail__object *libc)
{
#ifdef __x86_64__
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
#else
    static const uint8_t code[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};
#endif
    static uint8_t piece[PIECE_BYTES + sizeof code];
    htrail__segment segments[HTRAIL__SEGMENTS_CAP];
    size_t count = htrail__object_segments(places->objects, libc, segments);
    for (size_t i = 0; i < count; i++)
        for (uint64_t at = segments[i].start; segments[i].executable && at < segments[i].end; at += PIECE_BYTES) {
            uint64_t left = segments[i].end - at;
            size_t bytes = left < sizeof piece ? (size_t)left : sizeof piece;
            if (!htrail__memory_read(places->objects->memory, at, piece, bytes))
                continue;
            for (uint8_t *found = piece; places->restorer_count < HTRAIL__PLACE_RESTORERS &&
                                         (found = memmem(found, (size_t)(piece + bytes - found), code, sizeof code)) != NULL;
                 found++)
                places->restorers[places->restorer_count++] = at + (uint64_t)(found - piece);
        }
}

void htrail__places_find(htrail__places *places, const htrail__objects *objects, const htrail__object *libc,
                         const htrail__object *loader)
{
    htrail__symbol first, own;
    memset(places, 0, sizeof *places);
    places->objects = objects;
    add_core(places, libc);
    add_core(places, loader);
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++) {
        if (!htrail__objects_symbol(objects, allocators[i], &first))
            continue;
        places->ranges[places->range_count++] = (htrail__memory_range){first.address, first.address + first.bytes};
        if (first.object == libc)
            continue;
        if (!places->own_allocator)
            add_core(places, first.object);
        places->own_allocator = true;
        if (htrail__object_symbol(objects, libc, allocators[i], &own))
            places->ranges[places->range_count++] = (htrail__memory_range){own.address, own.address + own.bytes};
    }
    find_restorers(places, libc);
}

static bool in_any(uint64_t address, const htrail__memory_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address >= ranges[i].start && address < ranges[i].end)
            return true;
    return false;
}

static bool is_restorer(const htrail__places *places, uint64_t word)
{
    for (size_t i = 0; i < places->restorer_count; i++)
        if (places->restorers[i] == word)
            return true;
    return false;
}

/* A handler returns to the restorer; behind that address on the stack stands what it came upon.
 * Not in the C library, the loader or the allocator: not inside malloc. */
static bool came_upon_core(const htrail__places *places, uint64_t address)
{
#ifdef __x86_64__
    const size_t pc_offset = sizeof(uint64_t) + offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP]);
    uint64_t pc;
    return !htrail__memory_read(places->objects->memory, address + pc_offset, &pc, sizeof pc) ||
           in_any(pc, places->core, places->core_count);
#else
    (void)places;
    (void)address;
    return true;
#endif
}

/* false: the stack cannot be read to its end. */
static bool scan(const htrail__places *places, pid_t pid, uint64_t from, bool *allocator, bool *handler)
{
    static uint64_t piece[PIECE_BYTES / sizeof(uint64_t)];
    htrail__memory_range stack;
    from &= ~(uint64_t)7;
    if (!htrail__memory_writable_around(pid, from, &stack) || stack.end - from > STACK_MAX_BYTES)
        return false;
    for (; from < stack.end; from += PIECE_BYTES) {
        size_t bytes = stack.end - from < PIECE_BYTES ? (size_t)(stack.end - from) : PIECE_BYTES;
        if (!htrail__memory_read(places->objects->memory, from, piece, bytes))
            return false;
        for (size_t i = 0; i < bytes / sizeof *piece; i++) {
            *allocator |= in_any(piece[i], places->ranges, places->range_count);
            if (is_restorer(places, piece[i]))
                *handler |= came_upon_core(places, from + i * sizeof *piece);
        }
    }
    return true;
}

bool htrail__place_is_safe(const htrail__places *places, pid_t pid, pid_t tid, const htrail__registers *registers)
{
    bool allocator = false, handler = places->restorer_count == 0;
    uint64_t pc = htrail__registers_pc(registers);
    bool waits = htrail__task_waits_outside(htrail__registers_interrupted(tid, registers));

    if (in_any(pc, places->ranges, places->range_count) || (!waits && in_any(pc, places->core, places->core_count)))
        return false;
    if (!scan(places, pid, htrail__registers_stack(registers), &allocator, &handler))
        return false;
    return !allocator || (!places->own_allocator && !handler);
}
