/* capture/agent/serve.h - the agent's thread and its socket.
 *
 * The thread sleeps in poll until somebody asks or a trigger is due (trigger.h); one snapshot
 * at a time, further clients wait in the socket's queue. It blocks every signal, so that no
 * handler and no sigwait of the program ever meets it. Its files are in a table of its own
 * where the kernel allows that (file_table.h); where not, a program that closes the socket, as
 * daemons do with every descriptor that they do not know, gets a new one made behind it.
 *
 * A child made by fork has neither the thread nor the socket, unless children are asked for:
 * then it has its own (fork.h). */
#ifndef HTRAIL_CAPTURE_AGENT_SERVE_H
#define HTRAIL_CAPTURE_AGENT_SERVE_H

#include <stdbool.h>

#include "capture/agent/settings.h"

/* Listen and start the thread, once a process. prefix is what default file names begin with
 * before the process id, "DIR/NAME"; both are copied. 0 or an errno value. */
int htrail__serve_start(const char *prefix, const htrail__settings *settings);

/* Whether the thread is there. */
bool htrail__serve_is_up(void);

/* For fork.h. pause: end the thread, if it is idle, and wait until it is gone; resume starts it
 * again. try_lock: true where it is idle, and stays so until unlock. in_child: forget what
 * was the parent's; with new_name the child listens for itself from resume on. */
bool htrail__serve_try_lock(void);
void htrail__serve_unlock(void);
void htrail__serve_pause(void);
void htrail__serve_resume(void);
void htrail__serve_in_child(void);
bool htrail__serve_wants_children(void);

#endif
