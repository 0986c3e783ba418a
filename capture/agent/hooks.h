/* capture/agent/hooks.h - learn of the end of the program and of a MemoryError: the two
 * triggers that the interpreter itself has to tell of (capture/python/events.h). They are armed
 * by the main thread while the interpreter starts, or at its next step.
 *
 * Order of calls: prepare, before the interpreter starts where that can be; ask from the
 * agent's thread for an interpreter that runs, until armed. */
#ifndef HTRAIL_CAPTURE_AGENT_HOOKS_H
#define HTRAIL_CAPTURE_AGENT_HOOKS_H

#include <stdbool.h>

void htrail__hooks_prepare(bool at_exit, bool on_memory_error);
bool htrail__hooks_armed(void);

/* May be repeated until armed: it may be too early. */
void htrail__hooks_ask(void);

#endif
