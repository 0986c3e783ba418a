/* capture/attach/borrow.h - stop one thread of a process for a moment, make it call the
 * kernel, and let it go on as if nothing had been.
 *
 * Order of calls: stop, then call and enter, then let_go; after any failure too, let_go. The
 * other threads run on. A thread that is killed, and a heaptrail that is killed, leave nothing
 * to undo: the code that the thread then meets brings it back (registers.h).
 *
 * Where it runs: at first in the unused end of the last page of code of some library, for one
 * system call (its old bytes come back), then in memory that this call made.
 *
 * Signals are blocked meanwhile. One that came is delivered when the thread has its own registers
 * and its own mask again, and a system call that it was in ends as that signal would have it. */
#ifndef HTRAIL_CAPTURE_ATTACH_BORROW_H
#define HTRAIL_CAPTURE_ATTACH_BORROW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/attach/registers.h"

typedef enum htrail__borrow_result {
    HTRAIL__BORROW_DONE = 0,
    HTRAIL__BORROW_AGAIN = 1,   /* a signal that cannot be blocked was in the way: another try may do */
    HTRAIL__BORROW_TOO_LATE = 2, /* it did not stop in time (it waits for a disk) */
    HTRAIL__BORROW_STOPPED = 3, /* the process stands still, by SIGSTOP */
    HTRAIL__BORROW_GONE = 4,    /* the thread or the process has ended */
    HTRAIL__BORROW_REFUSED = 5, /* errno says why */
    HTRAIL__BORROW_ODD = 6      /* it does not behave as a thread should */
} htrail__borrow_result;

typedef struct htrail__borrow {
    pid_t tid;
    int memory;
    bool traced, stopped;
    bool at_call; /* it stands at a system call, not where signals are looked for */
    bool changed; /* its registers are not its own */
    bool alone;   /* it is on a way that it must go to the end */
    uint64_t mask; /* the signals that it blocks itself */
    bool masked;   /* it blocks all now */
    int signal;                    /* to be delivered when it goes on */
    uint64_t cave;                 /* HTRAIL__CODE_CAP bytes that nobody uses */
    uint8_t cave_before[HTRAIL__CODE_CAP];
    bool cave_written;
    htrail__registers registers; /* its own */
    htrail__return way_back;
    uint64_t stopped_at_ns, stopped_ns; /* when it stopped, and for how long */
} htrail__borrow;

/* memory is borrowed. with_limits: see registers.h. */
htrail__borrow_result htrail__borrow_stop(htrail__borrow *thread, pid_t tid, int memory, uint64_t cave, bool with_limits);

/* *result is what the kernel answers: a value, or minus an errno value. */
htrail__borrow_result htrail__borrow_call(htrail__borrow *thread, long number, const uint64_t arguments[6], int64_t *result);

/* Run the code at enter, with its area, up to and with the system call at leave. */
htrail__borrow_result htrail__borrow_enter(htrail__borrow *thread, uint64_t enter, uint64_t leave, uint64_t area);

void htrail__borrow_let_go(htrail__borrow *thread);

#endif
