/* capture/attach/task.h - the threads of another process, from /proc, and which of them is
 * disturbed least by a short stop. */
#ifndef HTRAIL_CAPTURE_ATTACH_TASK_H
#define HTRAIL_CAPTURE_ATTACH_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { HTRAIL__TASKS_CAP = 64 };

typedef struct htrail__task {
    pid_t tid;
    pid_t tid_inside; /* as the process itself sees it, in a container */
    pid_t tracer;     /* 0: none */
    char state;       /* 'R', 'S', 'D', 'T', 't', 'Z', 'X' */
    int seccomp;      /* 0 none, 1 strict, 2 a filter */
    bool shadow_stack;
    int64_t call; /* the system call that it sleeps in, -1: none */
    int cost;     /* less is better */
} htrail__task;

bool htrail__task_read(pid_t pid, pid_t tid, htrail__task *task);

/* Those to try, the best first, at most HTRAIL__TASKS_CAP; *all is how many there are. */
size_t htrail__tasks_read(pid_t pid, htrail__task tasks[HTRAIL__TASKS_CAP], size_t *all);

/* Does glibc's allocator, or its loader, never wait in this system call? */
bool htrail__task_waits_outside(int64_t call);

#endif
