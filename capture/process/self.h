/* self.h - which process the facts are of: this one or, in a copy of it that was made for a
 * snapshot (capture/pause/child.h), the one it is a copy of. Whoever reads /proc for a
 * snapshot asks here instead of writing "/proc/self". */
#ifndef HTRAIL_PROCESS_SELF_H
#define HTRAIL_PROCESS_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

pid_t htrail__self_pid(void);
pid_t htrail__self_parent_pid(void);

/* "/proc/self/NAME", or "/proc/PID/NAME" of the process this one is a copy of, in path; path.
 * 64 bytes are enough for what the kernel has there. */
const char *htrail__self_path(char *path, size_t path_cap, const char *name);

/* Before a copy is made: what it cannot ask any more. Then in the copy. */
void htrail__self_remember(void);
void htrail__self_become_copy(void);
bool htrail__self_is_copy(void);

#endif
