/* analyze/stacks.h - the threads of a snapshot, each once; their stacks, each once; and what the
 * threads of a stack hold alone.
 *
 * The rows of a thread (the kernel's, the runtime's) are put together by tid, or by ident where
 * tid is 0. Threads are in the order of their tid. Two threads have the same stack where function,
 * file and line of every frame are the same; its hash is of these texts alone, so that it is the
 * same in other snapshots. Threads without frames are told apart by the kernel's name.
 *
 * What a thread retains: the objects that are reached from its roots (frames, exceptions, contexts) or from
 * its thread object, and from no other root; a way through such a thread object counts as its thread's, since it
 * goes with its thread. What a stack retains is reached from its threads alone (alone.h). */
#ifndef HTRAIL_ANALYZE_STACKS_H
#define HTRAIL_ANALYZE_STACKS_H

#include "analyze/graph.h"
#include "analyze/reach.h"

typedef struct htrail__stacks_thread {
    htrail__graph_thread row; /* of all rows together */
    uint32_t object;          /* HTRAIL__NO_ID: none */
    uint32_t first_frame, frame_count;
    uint32_t stack;
    uint64_t retained_bytes;
} htrail__stacks_thread;

typedef struct htrail__stack {
    uint64_t hash;
    uint64_t retained_bytes, retained_objects;
    uint32_t thread; /* one of them */
    uint32_t thread_count;
} htrail__stack;

typedef struct htrail__stacks {
    htrail__stacks_thread *threads;
    uint32_t thread_count;
    uint32_t *frames; /* places in the graph's, by thread, innermost first */
    htrail__stack *stacks; /* in the order of their first thread */
    uint32_t stack_count;
} htrail__stacks;

/* HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__stacks_build(htrail__stacks *stacks, const htrail__graph *graph, const htrail__reach *reach);
void htrail__stacks_release(htrail__stacks *stacks);

/* In one line, innermost first, what is of less interest left out: "sse.py:6 events <- sse.py:30 do_GET
 * <- ... <- socketserver.py:755 process_request_thread". Always ends in a NUL. */
void htrail__stacks_describe(const htrail__stacks *stacks, const htrail__graph *graph, uint32_t stack, char *text, size_t cap);

/* Text of a mapping's category. Static. */
const char *htrail__mapping_category_text(uint32_t category);

#endif
