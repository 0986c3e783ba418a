/* capture/agent/wake.h - wake the agent's thread from its poll, from any thread of the program
 * and from a signal handler.
 *
 * The program and the agent share no open file, so no pipe leads from one to the other. A
 * signal that is sent to that one thread does: the thread blocks it and reads it from a
 * signalfd of its own, and no handler of the program ever meets it. */
#ifndef HTRAIL_CAPTURE_AGENT_WAKE_H
#define HTRAIL_CAPTURE_AGENT_WAKE_H

/* From the thread that is to be woken, once it has its table of files. The descriptor to poll,
 * or -1 where the kernel gives none: look now and then. */
int htrail__wake_open(void);

/* The same thread, when it was woken. */
void htrail__wake_clear(int fd);

/* When the thread is about to end, or in the child of a fork. */
void htrail__wake_close(void);

/* The thread to be woken; 0 where there is none. */
int htrail__wake_thread_id(void);

/* Async-signal-safe; keeps errno. */
void htrail__wake_thread(void);

#endif
