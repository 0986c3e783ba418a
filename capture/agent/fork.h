/* capture/agent/fork.h - what a fork of the program means for the agent.
 *
 * In the child there is no agent, unless children are asked for: then its main thread starts one
 * between two of its first steps, when the interpreter has put itself in order.
 *
 * In the parent, Python 3.12 and later warn of a fork where the kernel counts more than one
 * thread. Of a program with one thread it would be ours that makes it warn: it ends before the
 * fork, and the main thread starts it again between two of its next steps. A fork while a snapshot is
 * under way is not waited for, and warns. */
#ifndef HTRAIL_CAPTURE_AGENT_FORK_H
#define HTRAIL_CAPTURE_AGENT_FORK_H

/* From the first start of the thread on; may be called again. */
void htrail__fork_watch(void);

#endif
