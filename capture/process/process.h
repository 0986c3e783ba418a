/* process.h - what kernel and malloc know of this process, looked up while the program still runs,
 * and written into the snapshot later: by the walk, or by a copy of the process, which has one
 * thread and shares its pages and could not find it out.
 *
 * Read from /proc with open and read alone, and from malloc's own books where they lie. Nothing is
 * allocated but private mappings, and no lock of the program's is taken.
 *
 * Order of calls: look; add_arena as the runtime says; write; free. */
#ifndef HTRAIL_PROCESS_PROCESS_H
#define HTRAIL_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <htrail/capture.h>

#include "capture/process/pile.h"

typedef struct htrail__process_fact {
    const char *key; /* a literal */
    uint64_t value;
} htrail__process_fact;

typedef struct htrail__process_thread {
    uint64_t tid, start_ns, user_ns, system_ns, stack_pointer;
    uint32_t state, flags;
    char comm[16], wait[40];
} htrail__process_thread;

typedef struct htrail__process_mapping {
    htrail_mapping row; /* its path is in paths */
    uint64_t arena_bytes;
    size_t path_at, path_len;
} htrail__process_mapping;

struct htrail_process {
    htrail__pile facts, threads, mappings, paths;
    char cgroup[256];
    uint64_t threads_ns, mappings_ns, malloc_ns; /* that the look took */
};

void htrail__process_add_fact(htrail_process *p, const char *key, uint64_t value);
uint64_t htrail__process_fact_of(const htrail_process *p, const char *key); /* 0: not known. p may be NULL */

/* Parts of the look. */
void htrail__process_look_threads(htrail_process *p, bool is_own); /* is_own: the calling thread is the capture's */
void htrail__process_look_mappings(htrail_process *p);
void htrail__process_look_cgroup(htrail_process *p);
void htrail__process_look_malloc(htrail_process *p);

/* Memory that the runtime has taken from the kernel for small objects. */
void htrail__process_add_arena(htrail_process *p, uint64_t start, uint64_t end);

/* Rows of threads and mappings, and facts as metadata. p may be NULL. */
void htrail__process_write(htrail_writer *w, htrail_process *p);

#endif
