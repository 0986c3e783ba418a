/* capture/agent/environment.h - what `heaptrail run` tells the process that it becomes, through
 * the environment, written and read in one place. One variable, gone before the program sees it:
 *
 *     HEAPTRAIL_AGENT=PID:SETTINGS
 *
 * PID is the process that the program becomes (any other process is a child of it, and is left
 * alone), or 0 where children are to have an agent too; SETTINGS as settings.h has them. The
 * launcher (capture/launch) stands in LD_PRELOAD. */
#ifndef HTRAIL_CAPTURE_AGENT_ENVIRONMENT_H
#define HTRAIL_CAPTURE_AGENT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTRAIL__AGENT_VARIABLE "HEAPTRAIL_AGENT"

typedef struct htrail__agent_environment {
    pid_t pid;            /* 0: every process */
    const char *settings; /* borrowed from the environment: copy it before forget */
} htrail__agent_environment;

/* Set HEAPTRAIL_AGENT and put preload (one path) behind what is in LD_PRELOAD: the launcher
 * replaces no function, and what does (an allocator, a sanitizer) wants to be first. 0 or an
 * errno value. Allocates: for `heaptrail run` only. */
int htrail__agent_environment_set(const htrail__agent_environment *environment, const char *preload);

/* false: the variable is not there, or not ours. */
bool htrail__agent_environment_get(htrail__agent_environment *environment);

/* Take one path out of LD_PRELOAD, which goes when it was the last. Changes the environment
 * in place, allocates nothing. false: the path was not in it. */
bool htrail__agent_environment_unload(const char *path);

/* Take HEAPTRAIL_AGENT out. */
void htrail__agent_environment_forget(void);

#endif
