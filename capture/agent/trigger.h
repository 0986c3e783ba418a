/* capture/agent/trigger.h - what makes the agent take a snapshot without being asked by a
 * client: time, memory, a signal, the end of the program, a MemoryError. All of it happens in
 * the agent's thread, with files that the agent opens; a signal handler, the exit and a
 * MemoryError only say so (post).
 *
 * Order of calls: start once a process, before the thread; then timeout and run from the
 * thread; post and wait from elsewhere.
 *
 * Errors: one sentence on the program's standard error, said once until another one is due. */
#ifndef HTRAIL_CAPTURE_AGENT_TRIGGER_H
#define HTRAIL_CAPTURE_AGENT_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/agent/settings.h"

enum htrail__trigger_kind {
    HTRAIL__TRIGGER_SIGNAL = 1 << 0,
    HTRAIL__TRIGGER_EXIT = 1 << 1,
    HTRAIL__TRIGGER_MEMORY_ERROR = 1 << 2
};

/* settings and prefix ("DIR/NAME-PID") are borrowed for ever. A sentence on standard error where
 * a trigger cannot be had; the others work. */
void htrail__trigger_start(const htrail__settings *settings, const char *prefix);

/* In the child of a fork: time and files begin anew, what was posted was the parent's. */
void htrail__trigger_in_child(void);

/* How long the thread may sleep; -1: for ever. */
int htrail__trigger_timeout_ms(void);

/* Take what is due, in the agent's thread. *sequence is the number of the next snapshot. */
void htrail__trigger_run(uint32_t *sequence);

/* Async-signal-safe. */
void htrail__trigger_post(enum htrail__trigger_kind kind);

/* Post, and lend the interpreter to the agent until it is done. With the GIL held. */
void htrail__trigger_wait(enum htrail__trigger_kind kind);

/* One sentence on the standard error of the program: the agent's thread has none of its own. */
void htrail__trigger_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
