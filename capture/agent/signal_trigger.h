/* capture/agent/signal_trigger.h - a signal that takes a snapshot. The handler runs in a thread of
 * the program and only posts the trigger. Where somebody handled the signal before us, that
 * handler is called too. */
#ifndef HTRAIL_CAPTURE_AGENT_SIGNAL_TRIGGER_H
#define HTRAIL_CAPTURE_AGENT_SIGNAL_TRIGGER_H

#include <stdbool.h>

/* NULL, or why not. */
const char *htrail__signal_trigger_set(int number);

/* false: the program has put another handler in the place of ours. */
bool htrail__signal_trigger_holds(void);

#endif
