/* capture/process/file_table.c - close_range with CLOSE_RANGE_UNSHARE, or unshare.
 *
 * Everything but the kept file is closed in the copy: a pipe of the program must not stay
 * open because of us. unshare(CLONE_FILES) is refused by Docker's filter, close_range is not;
 * kernels before 5.9 have only unshare. */
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/process/file_table.h"

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number on every architecture */
#endif

enum { UNSHARE_TABLE = 1 << 1, CLOSED_ONE_BY_ONE = 65536 };

static bool own_by_close_range(unsigned kept_fd)
{
    if (syscall(SYS_close_range, kept_fd + 1, ~0u, UNSHARE_TABLE) != 0)
        return false;
    if (kept_fd > 0)
        syscall(SYS_close_range, 0u, kept_fd - 1, 0u);
    return true;
}

static bool own_by_unshare(int kept_fd)
{
    struct rlimit most;
    int end = CLOSED_ONE_BY_ONE;
    if (unshare(CLONE_FILES) != 0)
        return false;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < (rlim_t)end)
        end = (int)most.rlim_cur;
    for (int fd = 0; fd < end; fd++)
        if (fd != kept_fd)
            close(fd);
    return true;
}

bool htrail__file_table_own(int kept_fd)
{
    return own_by_close_range((unsigned)kept_fd) || own_by_unshare(kept_fd);
}
