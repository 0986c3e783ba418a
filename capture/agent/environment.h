/* capture/agent/environment.h - what `heaptrail run` tells the agent through the
 * environment, written and read in one place. One variable, gone before the program sees it:
 *
 *     HEAPTRAIL_AGENT=PID:FLAGS:VERSIONS:DIR
 *
 * PID is the process that the program becomes (any other process is a child of it, and is
 * left alone), FLAGS are htrail_cpython_flags, VERSIONS the Python versions that were
 * preloaded an agent for ("3.11,3.12"), DIR the folder for snapshots, absolute. The agents
 * themselves stand in LD_PRELOAD. */
#ifndef HTRAIL_CAPTURE_AGENT_ENVIRONMENT_H
#define HTRAIL_CAPTURE_AGENT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTRAIL__AGENT_VARIABLE "HEAPTRAIL_AGENT"

enum { HTRAIL__AGENT_VERSIONS_CAP = 128, HTRAIL__AGENT_DIR_CAP = 4096 };

typedef struct htrail__agent_environment {
    pid_t pid;
    uint32_t flags;
    char versions[HTRAIL__AGENT_VERSIONS_CAP];
    char dir[HTRAIL__AGENT_DIR_CAP];
} htrail__agent_environment;

/* Set HEAPTRAIL_AGENT and put preload (paths with colons between) behind what is in
 * LD_PRELOAD: the agent replaces no function, and what does (an allocator, a sanitizer) wants
 * to be first. 0 or an errno value. Allocates: for `heaptrail run` only. */
int htrail__agent_environment_set(const htrail__agent_environment *environment, const char *preload);

/* false: the variable is not there, or not ours. parse takes its text from elsewhere: NULL
 * for none. */
bool htrail__agent_environment_get(htrail__agent_environment *environment);
bool htrail__agent_environment_parse(htrail__agent_environment *environment, const char *text);

/* Take one path out of LD_PRELOAD, which goes when it was the last. Changes the environment
 * in place, allocates nothing. false: the path was not in it. */
bool htrail__agent_environment_unload(const char *path);

/* Take HEAPTRAIL_AGENT out. */
void htrail__agent_environment_forget(void);

/* The Python version that an agent is for, from its file name: "3.11" of
 * .../heaptrail.cpython-311-x86_64-linux-gnu.so. An interpreter imports it by the same mark. */
bool htrail__agent_environment_version_of(const char *path, char *version, size_t version_cap);

/* The first of the versions, and whether one is among them. */
bool htrail__agent_environment_is_first(const htrail__agent_environment *environment, const char *version);
bool htrail__agent_environment_has(const htrail__agent_environment *environment, const char *version);

#endif
