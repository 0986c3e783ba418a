/* capture/attach/library.h - the agent for a version of Python, beside this command. */
#ifndef HTRAIL_CAPTURE_ATTACH_LIBRARY_H
#define HTRAIL_CAPTURE_ATTACH_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Its real path, for "3.11". false: this build has none. */
bool htrail__library_find(const char *version, char *path, size_t path_cap);

/* Is it the same file under that path for the process? Not in a container with files of its own. */
bool htrail__library_is_seen(pid_t pid, const char *path);

/* Write it into an open file of one of its threads. 0 or an errno value. */
int htrail__library_copy(const char *path, pid_t pid, pid_t tid, int file);

#endif
