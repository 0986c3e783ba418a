/* capture/agent/interpreter.h - the few calls of the interpreter that the agent needs.
 * They are looked up by name in the running process, so that the agent can be in a process
 * without Python, knows no Python.h, and is the same for every version.
 *
 * Order of calls: find; then, from one thread, attach once the interpreter runs, then
 * enter and leave around each snapshot.
 *
 * Threads: find from any one thread; attach, enter and leave from the agent's. */
#ifndef HTRAIL_CAPTURE_AGENT_INTERPRETER_H
#define HTRAIL_CAPTURE_AGENT_INTERPRETER_H

#include <stdbool.h>

/* false: there is no Python in this process. */
bool htrail__interpreter_find(void);

/* Make a built-in module known, before the interpreter starts. name is borrowed for ever. */
bool htrail__interpreter_add_module(const char *name, void *(*init)(void));

typedef enum htrail__interpreter_state {
    HTRAIL__INTERPRETER_NOT_YET = 0, /* not initialised, or between two lives */
    HTRAIL__INTERPRETER_RUNS = 1,
    HTRAIL__INTERPRETER_ENDS = 2
} htrail__interpreter_state;

htrail__interpreter_state htrail__interpreter_state_get(void);

/* Make this thread's state, once a life of the interpreter. Needs no GIL. Cheap when it is
 * there already. false: the interpreter does not run, or has no memory. */
bool htrail__interpreter_attach(void);

/* In the child of a fork, where the interpreter has freed the state of our thread. */
void htrail__interpreter_forget(void);

/* Take the GIL and give it back. Where the interpreter ends while enter waits, it ends the
 * calling thread (pthread_exit): what must be given back then is in a cleanup handler. */
void htrail__interpreter_enter(void);
void htrail__interpreter_leave(void);

#endif
