/* child.c - see child.h. */
#include "capture/pause/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/process/file_table.h"
#include "capture/process/self.h"

enum {
    NICER_BY = 10,
    DISK_WHO_PROCESS = 1,
    DISK_BEST_EFFORT_LAST = 2 << 13 | 7, /* class "best effort", the last level of it */
};

void htrail__child_end(void)
{
    for (;;)
        syscall(SYS_exit_group, 0);
}

static void yield_to_the_program(void)
{
    struct sched_param none = {0};
    int nice_before = getpriority(PRIO_PROCESS, 0);
    if (sched_getscheduler(0) != SCHED_OTHER)
        (void)sched_setscheduler(0, SCHED_OTHER, &none);
    (void)setpriority(PRIO_PROCESS, 0, nice_before + NICER_BY);
    (void)syscall(SYS_ioprio_set, DISK_WHO_PROCESS, 0, DISK_BEST_EFFORT_LAST);
}

static void be_killed_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t done = write(fd, "1000", 4);
        (void)done;
        close(fd);
    }
}

/* A core file of it would hold the program's whole memory. */
static void leave_no_core(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

__attribute__((noreturn)) static void be_child(pid_t parent, int kept_fd, void (*work)(void *), void *arg)
{
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
    if (getppid() != parent) /* it died before that took effect */
        htrail__child_end();
    (void)htrail__file_table_own(kept_fd);
    yield_to_the_program();
    be_killed_first();
    leave_no_core();
    htrail__self_become_copy();
    prctl(PR_SET_NAME, "heaptrail-snap", 0L, 0L, 0L); /* last: who sees the name sees all of the above done */
    work(arg);
    htrail__child_end();
}

int htrail__child_start(pid_t *pid, int kept_fd, void (*work)(void *), void *arg)
{
    sigset_t every, before;
    pid_t parent = getpid();
    htrail__self_remember();
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    /* No flag and no stack: fork without an exit signal. The arguments differ in order between
     * machines, and all of them are 0. */
    long made = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
    int error = errno;
    if (made == 0)
        be_child(parent, kept_fd, work, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *pid = made > 0 ? (pid_t)made : 0;
    return made > 0 ? 0 : error;
}

bool htrail__child_ended(pid_t pid, int *signal)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, WNOHANG | __WALL);
    *signal = 0;
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    if (got == pid && WIFSIGNALED(status))
        *signal = WTERMSIG(status);
    return true; /* or reaped by a program that waits with __WALL for everything */
}

void htrail__child_kill(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
}

/* What unshare or setns promised to the next child would happen to ours: it would become the first
 * process of a new pid namespace, and with its end the program could never fork again. */
static bool next_child_is_elsewhere(void)
{
    static const char own_path[] = "/proc/thread-self/ns/pid", next_path[] = "/proc/thread-self/ns/pid_for_children";
    char own[64], next[64];
    struct stat facts;
    ssize_t own_bytes = readlink(own_path, own, sizeof own);
    if (own_bytes <= 0 || lstat(next_path, &facts) != 0)
        return false; /* a kernel before 4.12 does not tell */
    ssize_t next_bytes = readlink(next_path, next, sizeof next); /* fails while nobody lives there yet */
    return own_bytes != next_bytes || memcmp(own, next, (size_t)own_bytes) != 0;
}

const char *htrail__child_forbidden(void)
{
    return next_child_is_elsewhere() ? "the next child of the process would live in a new pid namespace" : NULL;
}
