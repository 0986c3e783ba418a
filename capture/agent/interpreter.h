/* capture/agent/interpreter.h - the few calls of the interpreter that the agent needs.
 * They are looked up by name in the running process, so that the agent can be in a process
 * without Python, knows no Python.h, and is the same for every version.
 *
 * How the agent's thread gets the interpreter to stand still:
 *   - where threads are initialised (always on 3.7 and later; on 2.7 and 3.6 once the program
 *     has started a thread): it takes the GIL, with a thread state of its own;
 *   - where not, there is no GIL to take. The main thread is asked by a pending call to come and
 *     stand still between two of its steps; while it sits in a sleep or a long C call, that
 *     takes as long;
 *   - or some thread that holds the GIL lends it, and waits (at exit, on MemoryError).
 *
 * Order of calls: find; then, from the agent's thread, enter and leave around each snapshot.
 *
 * Threads: find from any one thread; lend and on_main_thread as they say; the rest from the agent's. */
#ifndef HTRAIL_CAPTURE_AGENT_INTERPRETER_H
#define HTRAIL_CAPTURE_AGENT_INTERPRETER_H

#include <semaphore.h>
#include <stdbool.h>

/* false: there is no Python in this process. */
bool htrail__interpreter_find(void);

/* 0x030b for 3.11. */
int htrail__interpreter_version(void);

/* Make a built-in module known, before the interpreter starts. name is borrowed for ever. */
bool htrail__interpreter_add_module(const char *name, void *(*init)(void));

/* Have arrived called, on the main thread and with the GIL, when the interpreter imports its
 * built-in module name for the first time. Before it starts. false: it has none of that name. */
bool htrail__interpreter_on_import(const char *name, int (*arrived)(void *unused));

typedef enum htrail__interpreter_state {
    HTRAIL__INTERPRETER_NOT_YET = 0, /* not initialised, or between two lives */
    HTRAIL__INTERPRETER_RUNS = 1,
    HTRAIL__INTERPRETER_ENDS = 2
} htrail__interpreter_state;

htrail__interpreter_state htrail__interpreter_state_get(void);

/* Have call(arg) made by the main thread, with the GIL, when it next is between two steps. From
 * any thread, never from a signal handler. false: too many wait already. */
bool htrail__interpreter_on_main_thread(int (*call)(void *), void *arg);

/* Whether the main thread has to be asked (see above). */
bool htrail__interpreter_needs_main_thread(void);

/* Make this thread's state for the next enter. Needs no GIL; cheap when it is there already.
 * false: the interpreter does not run, or has no memory. */
bool htrail__interpreter_attach(void);

/* In the child of a fork, where the interpreter has freed the state of our thread. */
void htrail__interpreter_forget(void);

/* Around a fork, in the parent and in the child: no call is being queued meanwhile. */
void htrail__interpreter_before_fork(void);
void htrail__interpreter_after_fork(void);

/* Who is asked, while enter waits for the main thread, whether there is still a reason to. */
void htrail__interpreter_give_up_when(bool (*given_up)(void));

/* Have the interpreter stand still, and let it go on. Where nobody wants it any more
 * (give_up_when), enter returns with nothing held; leave does nothing then. Where the interpreter ends while
 * enter waits, it ends the calling thread (pthread_exit): what must be given back then is in
 * a cleanup handler. */
void htrail__interpreter_enter(void);
void htrail__interpreter_leave(void);

/* Called with the GIL held: let the agent's thread have the interpreter until done is posted. */
void htrail__interpreter_lend(sem_t *done);

#endif
