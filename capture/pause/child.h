/* child.h - a copy of this process that works beside it and that the program does not notice.
 *
 * Made by clone without an exit signal: no SIGCHLD comes, wait(-1) neither returns it nor waits
 * for it, SIGCHLD set to be ignored does not reap it, no handler of pthread_atfork or
 * os.register_at_fork runs. In it
 * - every signal is blocked: no handler of the program ever runs there;
 * - every open file but one is closed at once, so that a peer sees the program's sockets close;
 * - it is called heaptrail-snap, yields to the program (no real-time class, nice +10, late in the
 *   queue of the disk), is the first that the kernel kills for want of memory, and leaves no core;
 * - the program's death is its own: its memory is that of a program that somebody ended.
 *
 * The copy of a process with threads has one thread: any lock may be held for ever there. work
 * may use memory, system calls and pure functions of libc; no malloc, no stdio on a FILE, no
 * Python, nothing that translates messages (strerror).
 *
 * Threads: any, but the same kernel thread must stay alive while the child does (its end is what
 * the child dies of). */
#ifndef HTRAIL_CAPTURE_PAUSE_CHILD_H
#define HTRAIL_CAPTURE_PAUSE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Call work(arg) in a copy that keeps kept_fd open; the copy ends when it returns. 0 with *pid, or
 * an errno value: EAGAIN (too many processes), ENOMEM, EPERM or ENOSYS (a filter forbids it). */
int htrail__child_start(pid_t *pid, int kept_fd, void (*work)(void *), void *arg);

/* From the child itself, anywhere in work. */
void htrail__child_end(void) __attribute__((noreturn));

/* false: it runs. true: it ended and is reaped; *signal is what killed it, or 0. */
bool htrail__child_ended(pid_t pid, int *signal);

/* Kill and reap. */
void htrail__child_kill(pid_t pid);

/* What forbids a copy before one is tried, a sentence; NULL: nothing. */
const char *htrail__child_forbidden(void);

#endif
