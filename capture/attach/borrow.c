/* capture/attach/borrow.c - ptrace: seize, interrupt, from one system call to the next, detach. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "capture/attach/borrow.h"
#include "capture/attach/memory.h"

/* SIGCANCEL and SIGSETXID are the C library's own. They come through, and every thread that is
 * made meanwhile inherits the mask. */
static const uint64_t all_signals = ~(UINT64_C(1) << 31 | UINT64_C(1) << 32);
enum { MASK_BYTES = 8 };

enum { SPINS = 200, NAP_NS = 50 * 1000, CALL_STEPS = 2, ENTER_STEPS = 400000 };
static const uint64_t stop_limit_ns = 2000000000, step_limit_ns = 1000000000;

typedef enum stop_kind { AT_CALL, AT_SIGNAL, AT_STOP, AT_GROUP_STOP, AT_END, AT_NOTHING } stop_kind;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A stop comes within microseconds, or not soon. */
static stop_kind wait_for_stop(htrail__borrow *thread, uint64_t limit_ns)
{
    uint64_t began_ns = now_ns();
    int status = 0;
    for (int tries = 0;; tries++) {
        pid_t got = waitpid(thread->tid, &status, __WALL | WNOHANG);
        if (got == thread->tid)
            break;
        if (got < 0 && errno != EINTR)
            return AT_END;
        if (now_ns() - began_ns > limit_ns)
            return AT_NOTHING;
        if (tries < SPINS)
            sched_yield();
        else
            nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
    if (!WIFSTOPPED(status))
        return AT_END;
    thread->stopped = true;
    thread->at_call = false;
    thread->signal = 0;
    if (status >> 16 == PTRACE_EVENT_STOP)
        return WSTOPSIG(status) == SIGTRAP ? AT_STOP : AT_GROUP_STOP;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
        thread->at_call = true;
        return AT_CALL;
    }
    thread->signal = WSTOPSIG(status);
    return AT_SIGNAL;
}

static stop_kind go_on(htrail__borrow *thread, int request, uint64_t limit_ns)
{
    thread->stopped = false;
    if (ptrace(request, thread->tid, NULL, (void *)(long)thread->signal) != 0)
        return AT_END;
    thread->signal = 0;
    return wait_for_stop(thread, limit_ns);
}

static htrail__borrow_result failure_of(stop_kind stop)
{
    switch (stop) {
    case AT_GROUP_STOP:
        return HTRAIL__BORROW_STOPPED;
    case AT_SIGNAL:
        return HTRAIL__BORROW_AGAIN;
    case AT_END:
        return HTRAIL__BORROW_GONE;
    case AT_NOTHING:
        return HTRAIL__BORROW_TOO_LATE;
    default:
        return HTRAIL__BORROW_ODD;
    }
}

htrail__borrow_result htrail__borrow_stop(htrail__borrow *thread, pid_t tid, int memory, uint64_t cave, bool with_limits)
{
    memset(thread, 0, sizeof *thread);
    thread->tid = tid;
    thread->memory = memory;
    thread->cave = cave;
    if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(long)PTRACE_O_TRACESYSGOOD) != 0)
        return errno == ESRCH ? HTRAIL__BORROW_GONE : HTRAIL__BORROW_REFUSED;
    thread->traced = true;
    thread->stopped_at_ns = now_ns();
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
        return HTRAIL__BORROW_GONE;
    stop_kind stop = wait_for_stop(thread, stop_limit_ns);
    while (stop == AT_SIGNAL) /* it has its own registers: what comes is delivered */
        stop = go_on(thread, PTRACE_CONT, stop_limit_ns);
    if (stop != AT_STOP)
        return failure_of(stop);
    if (!htrail__registers_get(tid, &thread->registers))
        return HTRAIL__BORROW_GONE;
    if (!htrail__registers_are_ours(&thread->registers))
        return HTRAIL__BORROW_ODD;
    htrail__registers_repeat(&thread->registers, with_limits);
    if (ptrace(PTRACE_GETSIGMASK, tid, (void *)(long)MASK_BYTES, &thread->mask) != 0 ||
        !htrail__return_make(&thread->way_back, tid, &thread->registers, thread->mask))
        return HTRAIL__BORROW_REFUSED;
    return HTRAIL__BORROW_DONE;
}

/* Only once its registers lead it to the code that gives the mask back. */
static bool set_course(htrail__borrow *thread, const htrail__registers *registers)
{
    if (!htrail__registers_set(thread->tid, registers))
        return false;
    thread->changed = true;
    if (!thread->masked)
        thread->masked = ptrace(PTRACE_SETSIGMASK, thread->tid, (void *)(long)MASK_BYTES, &all_signals) == 0;
    return thread->masked;
}

/* Its own registers, with what the kernel knew of the system call it was in: as after any stop. */
static bool give_back(htrail__borrow *thread)
{
    if (!thread->changed || thread->alone)
        return !thread->changed;
    if (thread->masked && ptrace(PTRACE_SETSIGMASK, thread->tid, (void *)(long)MASK_BYTES, &thread->mask) != 0)
        return false;
    thread->masked = false;
    thread->changed = !htrail__registers_set(thread->tid, &thread->registers);
    return !thread->changed;
}

/* The kernel begins an interrupted call anew on its way out of where it looks for signals, not
 * from a stop at another system call. */
static void to_signals(htrail__borrow *thread)
{
    if (!thread->at_call || ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0)
        return;
    stop_kind stop = go_on(thread, PTRACE_CONT, step_limit_ns);
    while (stop == AT_SIGNAL)
        stop = go_on(thread, PTRACE_CONT, step_limit_ns);
}

static bool prepare(htrail__borrow *thread)
{
    if (!htrail__memory_write(thread->memory, thread->way_back.address, thread->way_back.frame, thread->way_back.frame_bytes))
        return false;
    if (thread->cave_written)
        return true;
    if (!htrail__memory_read(thread->memory, thread->cave, thread->cave_before, sizeof thread->cave_before))
        return false;
    thread->cave_written =
        htrail__memory_write(thread->memory, thread->cave, thread->way_back.code, thread->way_back.code_bytes);
    return thread->cave_written;
}

htrail__borrow_result htrail__borrow_call(htrail__borrow *thread, long number, const uint64_t arguments[6], int64_t *result)
{
    htrail__registers registers = thread->registers;
    uint64_t behind = thread->cave + thread->way_back.syscall_bytes;
    stop_kind stop = AT_NOTHING;

    if (!prepare(thread))
        return HTRAIL__BORROW_REFUSED;
    htrail__registers_call(&registers, &thread->way_back, thread->cave, number, arguments);
    if (!set_course(thread, &registers)) {
        (void)give_back(thread);
        return HTRAIL__BORROW_GONE;
    }
    for (int step = 0; step < CALL_STEPS; step++) {
        stop = go_on(thread, PTRACE_SYSCALL, step_limit_ns);
        if (stop != AT_CALL || !htrail__registers_get(thread->tid, &registers) ||
            htrail__registers_pc(&registers) != behind) {
            if (thread->stopped)
                (void)give_back(thread);
            return failure_of(stop);
        }
    }
    *result = htrail__registers_result(&registers);
    return HTRAIL__BORROW_DONE;
}

htrail__borrow_result htrail__borrow_enter(htrail__borrow *thread, uint64_t enter, uint64_t leave, uint64_t area)
{
    htrail__registers registers = thread->registers;
    uint64_t behind = leave + thread->way_back.syscall_bytes;

    htrail__registers_enter(&registers, &thread->way_back, enter, area);
    if (!set_course(thread, &registers)) {
        (void)give_back(thread);
        return HTRAIL__BORROW_GONE;
    }
    for (int step = 0; step < ENTER_STEPS; step++) {
        stop_kind stop = go_on(thread, PTRACE_SYSCALL, step_limit_ns);
        bool known = thread->stopped && htrail__registers_get(thread->tid, &registers);
        if (known && stop == AT_SIGNAL && htrail__registers_pc(&registers) == enter) {
            (void)give_back(thread);
            return HTRAIL__BORROW_AGAIN;
        }
        if (known && stop == AT_SIGNAL)
            continue; /* one that cannot be blocked: it is delivered, and the way goes on */
        if (!known || stop != AT_CALL)
            return failure_of(stop);
        thread->alone = true;
        if (htrail__registers_pc(&registers) != behind)
            continue;
        /* In its last system call: stop once more behind it, where signals are looked for. */
        if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0)
            return HTRAIL__BORROW_GONE;
        stop = go_on(thread, PTRACE_CONT, step_limit_ns);
        if (stop != AT_STOP)
            return failure_of(stop);
        thread->alone = false;
        return HTRAIL__BORROW_DONE;
    }
    return HTRAIL__BORROW_ODD;
}

/* A thread that could not be given its registers is on the way back by itself, perhaps through
 * the cave: that stays as it is then. */
void htrail__borrow_let_go(htrail__borrow *thread)
{
    if (!thread->traced)
        return;
    if (thread->stopped) {
        bool whole = give_back(thread);
        if (whole)
            to_signals(thread);
        if (whole && thread->cave_written)
            (void)htrail__memory_write(thread->memory, thread->cave, thread->cave_before, thread->way_back.code_bytes);
        if (thread->stopped)
            (void)ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(long)thread->signal);
    }
    thread->stopped_ns = now_ns() - thread->stopped_at_ns;
    thread->traced = thread->stopped = false;
}
