/* look_mappings.c - the process's memory as the kernel lists it, and what each stretch is for:
 * /proc/self/smaps. */
#include "capture/process/process.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture/process/lines.h"
#include "capture/process/peek.h"
#include "capture/process/proc_text.h"

enum {
    GUARD_BYTES_MAX = 64 << 10,   /* below a stack: memory that may not be touched */
    MALLOC_ARENA_BYTES = 64 << 20 /* glibc: the heap of a thread begins at a multiple of it */
};

static bool begins(htrail_str text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

static bool ends(htrail_str text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data + text.len - len, with, len) == 0;
}

static htrail_str path_of(const htrail_process *p, const htrail__process_mapping *mapping)
{
    return (htrail_str){p->paths.data + mapping->path_at, mapping->path_len};
}

static bool same_path(const htrail_process *p, const htrail__process_mapping *a, const htrail__process_mapping *b)
{
    return a->path_len == b->path_len && memcmp(path_of(p, a).data, path_of(p, b).data, a->path_len) == 0;
}

/* A line "5581-5582 rw-p 0000 08:01 12  /a/path"; false: it is another line. */
static bool add_mapping(htrail_process *p, const char *line)
{
    uintptr_t start, end;
    const char *at = htrail__lines_hex(line, &start);
    if (at == line || *at != '-')
        return false;
    const char *flags = htrail__lines_hex(at + 1, &end);
    if (strlen(flags) < 5 || *flags++ != ' ')
        return false;
    at = flags;
    for (int field = 0; field < 4; field++) { /* flags, offset, device, inode */
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    size_t len = strlen(at);
    char *path = htrail__pile_add(&p->paths, len + 1);
    if (path == NULL)
        return true;
    memcpy(path, at, len);
    htrail__process_mapping *mapping = htrail__pile_add(&p->mappings, sizeof *mapping);
    if (mapping == NULL)
        return true;
    mapping->path_at = (size_t)(path - p->paths.data);
    mapping->path_len = len;
    mapping->row.start = start;
    mapping->row.end = end;
    mapping->row.flags = (flags[0] == 'r' ? HTRAIL_MAPPING_READ : 0) | (flags[1] == 'w' ? HTRAIL_MAPPING_WRITE : 0) |
                         (flags[2] == 'x' ? HTRAIL_MAPPING_EXECUTE : 0) | (flags[3] == 's' ? HTRAIL_MAPPING_SHARED : 0);
    return true;
}

static void add_number(htrail_mapping *row, const char *line)
{
    uint64_t kib;
    if (htrail__proc_number_of(line, "Rss:", &kib))
        row->rss_bytes = kib * 1024;
    else if (htrail__proc_number_of(line, "Pss:", &kib))
        row->pss_bytes = kib * 1024;
    else if (htrail__proc_number_of(line, "Private_Dirty:", &kib))
        row->private_dirty_bytes = kib * 1024;
    else if (htrail__proc_number_of(line, "Swap:", &kib))
        row->swap_bytes = kib * 1024;
}

/* The heap of a thread other than the first begins with what malloc knows of it: arena, heap before, bytes
 * in use, bytes that may be touched (glibc malloc/arena.c: heap_info). */
static bool is_malloc_arena(const htrail_mapping *row)
{
    uint64_t words[4], bytes = row->end - row->start;
    if (row->start % MALLOC_ARENA_BYTES != 0 || !htrail__peek(words, row->start, sizeof words))
        return false;
    return words[0] != 0 && words[2] > 0 && words[2] <= words[3] && words[3] <= bytes && words[3] % 4096 == 0;
}

static bool is_stack(const htrail_process *p, const htrail__process_mapping *before, const htrail_mapping *row)
{
    const htrail__process_thread *threads = (const void *)p->threads.data;
    if (before && before->row.end == row->start && (before->row.flags & 7) == 0 && before->path_len == 0 &&
        before->row.end - before->row.start <= GUARD_BYTES_MAX && row->flags == (HTRAIL_MAPPING_READ | HTRAIL_MAPPING_WRITE))
        return true;
    for (size_t i = 0; i < p->threads.used_bytes / sizeof *threads; i++)
        if (row->start <= threads[i].stack_pointer && threads[i].stack_pointer < row->end)
            return true;
    return false;
}

/* before: the mapping in front, or NULL; executable: code of the same file is among its neighbours. */
static uint32_t category_of(const htrail_process *p, const htrail__process_mapping *before, const htrail__process_mapping *mapping, bool executable)
{
    const htrail_mapping *row = &mapping->row;
    htrail_str path = path_of(p, mapping);
    if (begins(path, "/")) {
        if (begins(path, "/dev/zero") || begins(path, "/memfd:") || begins(path, "/SYSV") || begins(path, "/dev/shm/"))
            return HTRAIL_MAPPING_FILE;
        const char *name = memrchr(path.data, '/', path.len);
        htrail_str base = {name, (size_t)(path.data + path.len - name)};
        if ((begins(base, "/libhtrail") || begins(base, "/heaptrail")) && executable)
            return HTRAIL_MAPPING_CAPTURE;
        return executable || ends(path, ".so") ? HTRAIL_MAPPING_LIBRARY : HTRAIL_MAPPING_FILE;
    }
    if (begins(path, "[heap]"))
        return HTRAIL_MAPPING_MALLOC;
    if (begins(path, "[stack"))
        return HTRAIL_MAPPING_STACK;
    if (path.len > 0 && !begins(path, "[anon"))
        return HTRAIL_MAPPING_OTHER;
    if ((row->flags & (HTRAIL_MAPPING_READ | HTRAIL_MAPPING_WRITE | HTRAIL_MAPPING_EXECUTE)) == 0)
        return HTRAIL_MAPPING_OTHER;
    if ((uint64_t)(uintptr_t)p >= row->start && (uint64_t)(uintptr_t)p < row->end && row->end - row->start <= 1 << 20)
        return HTRAIL_MAPPING_CAPTURE;
    /* Data of a library that the file does not hold: behind what it holds. */
    if (before && before->row.end == row->start && (before->row.flags & HTRAIL_MAPPING_WRITE) &&
        (before->row.category == HTRAIL_MAPPING_LIBRARY || before->row.category == HTRAIL_MAPPING_CAPTURE) && path_of(p, before).len > 0)
        return before->row.category;
    if (is_stack(p, before, row))
        return HTRAIL_MAPPING_STACK;
    return is_malloc_arena(row) ? HTRAIL_MAPPING_MALLOC : HTRAIL_MAPPING_ANONYMOUS;
}

static void categorize(htrail_process *p)
{
    htrail__process_mapping *mappings = (void *)p->mappings.data;
    size_t count = p->mappings.used_bytes / sizeof *mappings;
    for (size_t i = 0, next; i < count; i = next) {
        bool executable = mappings[i].row.flags & HTRAIL_MAPPING_EXECUTE;
        for (next = i + 1; next < count && mappings[i].path_len > 0 && same_path(p, &mappings[i], &mappings[next]); next++)
            executable |= (mappings[next].row.flags & HTRAIL_MAPPING_EXECUTE) != 0;
        for (size_t k = i; k < next; k++)
            mappings[k].row.category = category_of(p, k > 0 ? &mappings[k - 1] : NULL, &mappings[k], executable);
    }
}

void htrail__process_look_mappings(htrail_process *p)
{
    htrail__lines lines = {.fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC)};
    char line[4096 + 128];
    if (lines.fd < 0)
        return;
    while (htrail__lines_next(&lines, line, sizeof line))
        if (!add_mapping(p, line) && p->mappings.used_bytes > 0)
            add_number(&((htrail__process_mapping *)(void *)(p->mappings.data + p->mappings.used_bytes))[-1].row, line);
    close(lines.fd);
    categorize(p);
}
