/* capture/attach/seccomp.h - would the filters of a process let the agent in? A system call that a
 * filter forbids may end the whole program: it is asked first what it would say.
 *
 * Every container has a filter, so having one is no reason to refuse. */
#ifndef HTRAIL_CAPTURE_ATTACH_SECCOMP_H
#define HTRAIL_CAPTURE_ATTACH_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* tid is stopped by us. false, with the reason, where a filter forbids something that is needed,
 * or cannot be read (that takes root). */
bool htrail__seccomp_allows(pid_t tid, char *reason, size_t reason_cap);

/* What one filter answers to a system call whose arguments are given: SECCOMP_RET_..., or
 * SECCOMP_RET_KILL_PROCESS for a filter that is none. */
uint32_t htrail__seccomp_run(const struct sock_filter *filter, size_t count, long number, const uint64_t arguments[6]);

#endif
