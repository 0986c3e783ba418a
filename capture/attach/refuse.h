/* capture/attach/refuse.h - why a process may not, or cannot, be entered: half a sentence. */
#ifndef HTRAIL_CAPTURE_ATTACH_REFUSE_H
#define HTRAIL_CAPTURE_ATTACH_REFUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What can be seen before anything is tried. false: nothing is in the way. */
bool htrail__refuse_by_looks(pid_t pid, char *reason, size_t reason_cap);

/* Why the kernel forbade it, with its errno value. */
void htrail__refuse_by_kernel(pid_t pid, int error, char *reason, size_t reason_cap);

/* What Yama's ptrace_scope says about a process that is not our child; NULL: nothing against it. */
const char *htrail__refuse_by_scope(int scope, bool privileged);

#endif
