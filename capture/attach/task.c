/* capture/attach/task.c - /proc/PID/task/TID/status and syscall. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "capture/attach/task.h"

enum { COST_RUNS = 1, COST_ENDS_EARLY = 10, COST_UNINTERRUPTIBLE = 100, COST_UNUSABLE = 1000 };

/* System calls that end with EINTR at any stop, where others begin anew (signal(7)). The first
 * ones are made to begin anew (registers.h); nothing helps the others. */
static bool ends_early(int64_t call)
{
    switch (call) {
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
#ifdef SYS_io_uring_enter
    case SYS_io_uring_enter:
#endif
        return true;
    default:
        return false;
    }
}

bool htrail__task_waits_outside(int64_t call)
{
    switch (call) {
#ifdef SYS_poll
    case SYS_poll:
    case SYS_select:
    case SYS_epoll_wait:
    case SYS_pause:
#endif
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_epoll_pwait:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_read: /* of a terminal or pipe: only those wait so that a stop interrupts them */
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_rt_sigtimedwait:
    case SYS_rt_sigsuspend:
    case SYS_flock:
    case SYS_fcntl:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_msgrcv:
    case SYS_msgsnd:
    case SYS_restart_syscall:
        return true;
    default:
        return false;
    }
}

static long last_number(const char *text)
{
    const char *last = strrchr(text, '\t');
    return strtol(last != NULL ? last + 1 : text, NULL, 10);
}

bool htrail__task_read(pid_t pid, pid_t tid, htrail__task *task)
{
    char path[96], line[512];
    *task = (htrail__task){.tid = tid, .tid_inside = tid, .state = '?', .call = -1};
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/status", (long)pid, (long)tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        char *value = strchr(line, ':');
        if (value == NULL)
            continue;
        *value++ = '\0';
        value[strcspn(value, "\n")] = '\0';
        if (strcmp(line, "State") == 0)
            task->state = value[strspn(value, " \t")];
        else if (strcmp(line, "TracerPid") == 0)
            task->tracer = (pid_t)strtol(value, NULL, 10);
        else if (strcmp(line, "NSpid") == 0)
            task->tid_inside = (pid_t)last_number(value);
        else if (strcmp(line, "Seccomp") == 0)
            task->seccomp = (int)strtol(value, NULL, 10);
        else if (strcmp(line, "x86_Thread_features") == 0)
            task->shadow_stack = strstr(value, "shstk") != NULL;
    }
    fclose(file);
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/syscall", (long)pid, (long)tid);
    file = fopen(path, "re");
    if (file != NULL && fgets(line, sizeof line, file) != NULL && line[0] >= '0' && line[0] <= '9')
        task->call = strtol(line, NULL, 10);
    if (file != NULL)
        fclose(file);
    return true;
}

static int cost_of(const htrail__task *task)
{
    if (task->tracer != 0 || strchr("SDR", task->state) == NULL)
        return COST_UNUSABLE;
    if (task->state == 'D')
        return COST_UNINTERRUPTIBLE;
    return ends_early(task->call) ? COST_ENDS_EARLY : task->call < 0 ? COST_RUNS : 0;
}

static int by_cost(const void *a, const void *b)
{
    const htrail__task *one = a, *other = b;
    return one->cost != other->cost ? one->cost - other->cost : one->tid - other->tid;
}

size_t htrail__tasks_read(pid_t pid, htrail__task tasks[HTRAIL__TASKS_CAP], size_t *all)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *folder = opendir(path);
    *all = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        ++*all;
        if (count < HTRAIL__TASKS_CAP && htrail__task_read(pid, (pid_t)tid, &tasks[count])) {
            tasks[count].cost = cost_of(&tasks[count]);
            if (tasks[count].cost < COST_UNUSABLE)
                count++;
        }
    }
    if (folder != NULL)
        closedir(folder);
    qsort(tasks, count, sizeof *tasks, by_cost);
    return count;
}
