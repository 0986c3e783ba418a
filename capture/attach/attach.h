/* capture/attach/attach.h - bring the agent into a process that was started without it, by
 * ptrace: no debugger, no preparation, no Python code run.
 *
 * One call, which takes some milliseconds; then the agent answers on its socket like any
 * other (capture/agent/client.h). One thread of the process is stopped for about a
 * millisecond, longer on a busy machine; the others run on. docs/attach.md says how, and why it is safe.
 *
 * Threads: one call at a time in a process; two processes that attach to the same one take turns.
 *
 * Errors: false, with the reason in error: half a sentence about the process ("it is traced by
 * ..."). The process is then as it was. */
#ifndef HTRAIL_CAPTURE_ATTACH_ATTACH_H
#define HTRAIL_CAPTURE_ATTACH_ATTACH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct htrail__attach_wish {
    pid_t pid;
    const char *settings; /* of the agent: capture/agent/settings.h */
    int timeout_ms;       /* for the locks of the process that the agent has to wait for */
    const volatile sig_atomic_t *cancelled; /* not 0: give up now; borrowed, NULL for none */
} htrail__attach_wish;

typedef struct htrail__attach_facts {
    uint64_t stopped_ns; /* for how long the thread stood still, all tries together */
    unsigned stops;
} htrail__attach_facts;

bool htrail__attach(const htrail__attach_wish *wish, htrail__attach_facts *facts, char *error, size_t error_cap);

#endif
