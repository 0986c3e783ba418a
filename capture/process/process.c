/* process.c - see process.h. */
#include "capture/process/process.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "capture/process/facts.h"

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

htrail_process *htrail_process_look(uint32_t flags)
{
    uint64_t begun_ns = monotonic_ns(), now_ns;
    htrail_process *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    htrail__process_look_threads(p, flags & HTRAIL_PROCESS_OWN_THREAD);
    now_ns = monotonic_ns();
    p->threads_ns = now_ns - begun_ns;
    begun_ns = now_ns;
    htrail__process_look_cgroup(p);
    htrail__process_look_mappings(p);
    now_ns = monotonic_ns();
    p->mappings_ns = now_ns - begun_ns;
    begun_ns = now_ns;
    htrail__process_look_malloc(p);
    p->malloc_ns = monotonic_ns() - begun_ns;
    return p;
}

void htrail_process_free(htrail_process *p)
{
    if (p == NULL)
        return;
    htrail__pile_release(&p->facts);
    htrail__pile_release(&p->threads);
    htrail__pile_release(&p->mappings);
    htrail__pile_release(&p->paths);
    munmap(p, sizeof *p);
}

void htrail__process_add_fact(htrail_process *p, const char *key, uint64_t value)
{
    htrail__process_fact *fact = htrail__pile_add(&p->facts, sizeof *fact);
    if (fact != NULL)
        *fact = (htrail__process_fact){key, value};
}

uint64_t htrail__process_fact_of(const htrail_process *p, const char *key)
{
    const htrail__process_fact *facts = p != NULL ? (const void *)p->facts.data : NULL;
    size_t count = p != NULL ? p->facts.used_bytes / sizeof *facts : 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(facts[i].key, key) == 0)
            return facts[i].value;
    return 0;
}

void htrail__process_add_arena(htrail_process *p, uint64_t start, uint64_t end)
{
    htrail__process_mapping *mappings = (void *)p->mappings.data;
    size_t low = 0, high = p->mappings.used_bytes / sizeof *mappings, count = high;
    while (low < high) { /* the first that ends behind start */
        size_t middle = low + (high - low) / 2;
        if (mappings[middle].row.end <= start)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && mappings[low].row.start < end; low++) {
        uint64_t from = mappings[low].row.start > start ? mappings[low].row.start : start;
        uint64_t to = mappings[low].row.end < end ? mappings[low].row.end : end;
        mappings[low].arena_bytes += to - from;
    }
}

static htrail_str str_of(const char *text, size_t most) { return (htrail_str){text, strnlen(text, most)}; }

void htrail__process_write(htrail_writer *w, htrail_process *p)
{
    if (p == NULL)
        return;
    const htrail__process_thread *threads = (void *)p->threads.data;
    htrail__process_mapping *mappings = (void *)p->mappings.data;
    const htrail__process_fact *facts = (void *)p->facts.data;
    uint64_t pss = 0, swap = 0, dirty = 0;
    size_t mapping_count = p->mappings.used_bytes / sizeof *mappings;

    for (size_t i = 0; i < p->threads.used_bytes / sizeof *threads; i++) {
        const htrail_thread row = {.tid = threads[i].tid, .start_ns = threads[i].start_ns, .user_ns = threads[i].user_ns,
                                   .system_ns = threads[i].system_ns, .flags = threads[i].flags, .state = threads[i].state,
                                   .comm = str_of(threads[i].comm, sizeof threads[i].comm),
                                   .wait = str_of(threads[i].wait, sizeof threads[i].wait)};
        htrail_writer_add_thread(w, &row);
    }
    for (size_t i = 0; i < mapping_count; i++) {
        htrail_mapping *row = &mappings[i].row;
        row->path = (htrail_str){p->paths.data + mappings[i].path_at, mappings[i].path_len};
        if (row->path.len == 0 && mappings[i].arena_bytes * 2 >= row->end - row->start)
            row->category = HTRAIL_MAPPING_ARENAS;
        pss += row->pss_bytes;
        swap += row->swap_bytes;
        dirty += row->private_dirty_bytes;
        htrail_writer_add_mapping(w, row);
    }
    for (size_t i = 0; i < p->facts.used_bytes / sizeof *facts; i++)
        htrail__facts_set_number(w, facts[i].key, facts[i].value);
    if (mapping_count > 0) {
        htrail__facts_set_number(w, "pss_bytes", pss);
        htrail__facts_set_number(w, "private_dirty_bytes", dirty);
        htrail__facts_set_number(w, "swap_bytes", swap);
    }
    if (p->cgroup[0] != '\0')
        htrail__facts_set_text(w, "cgroup", p->cgroup);
    htrail__facts_set_number(w, "look_threads_ns", p->threads_ns);
    htrail__facts_set_number(w, "look_mappings_ns", p->mappings_ns);
    htrail__facts_set_number(w, "look_malloc_ns", p->malloc_ns);
}
