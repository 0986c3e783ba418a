/* capture/attach/refuse.c - /proc/PID/status and exe, and the switches of the kernel. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/attach/refuse.h"
#include "capture/attach/task.h"

#if defined __x86_64__
enum { OUR_MACHINE = EM_X86_64 };
#else
enum { OUR_MACHINE = EM_AARCH64 };
#endif

static void name_of(pid_t pid, char *name, size_t name_cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, name, name_cap - 1);
    if (fd >= 0)
        close(fd);
    name[bytes < 0 ? 0 : bytes] = '\0';
    name[strcspn(name, "\n")] = '\0';
}

static bool refuse_by_program(pid_t pid, char *reason, size_t reason_cap)
{
    char path[64];
    Elf64_Ehdr head = {0};
    snprintf(path, sizeof path, "/proc/%ld/exe", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false; /* the kernel says more */
    ssize_t bytes = read(fd, &head, sizeof head);
    close(fd);
    if (bytes < (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != OUR_MACHINE) {
        snprintf(reason, reason_cap, "it is a %d-bit program of another architecture than heaptrail",
                 head.e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64);
        return true;
    }
    return false;
}

bool htrail__refuse_by_looks(pid_t pid, char *reason, size_t reason_cap)
{
    htrail__task tasks[HTRAIL__TASKS_CAP], leader;
    char name[32];
    size_t all;

    if (!htrail__task_read(pid, pid, &leader)) {
        snprintf(reason, reason_cap, "it has ended");
        return true;
    }
    if (leader.tracer != 0) {
        name_of(leader.tracer, name, sizeof name);
        snprintf(reason, reason_cap, "it is traced by process %ld (%s)", (long)leader.tracer, name);
        return true;
    }
    if (leader.state == 'T') {
        snprintf(reason, reason_cap, "it is stopped: let it go on with 'kill -CONT %ld' and ask again", (long)pid);
        return true;
    }
    if (leader.seccomp == 1) {
        snprintf(reason, reason_cap, "it may make no system calls (strict seccomp)");
        return true;
    }
    if (leader.shadow_stack) {
        snprintf(reason, reason_cap, "it has a shadow stack, and may not be led astray");
        return true;
    }
    if (refuse_by_program(pid, reason, reason_cap))
        return true;
    if (htrail__tasks_read(pid, tasks, &all) == 0 && leader.state == 'Z') {
        snprintf(reason, reason_cap, "it has ended");
        return true;
    }
    return false;
}

const char *htrail__refuse_by_scope(int scope, bool privileged)
{
    switch (scope) {
    case 1:
        return privileged ? NULL : "the kernel lets only root trace a process that is not its child (kernel.yama.ptrace_scope is 1): "
                                   "run heaptrail as root";
    case 2:
        return privileged ? NULL : "the kernel lets only root trace (kernel.yama.ptrace_scope is 2): run heaptrail as root";
    case 3:
        return "the kernel lets nobody trace until the next start (kernel.yama.ptrace_scope is 3)";
    default:
        return NULL;
    }
}

static int yama_scope(void)
{
    int scope = 0;
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    if (file != NULL && fscanf(file, "%d", &scope) != 1)
        scope = 0;
    if (file != NULL)
        fclose(file);
    return scope;
}

void htrail__refuse_by_kernel(pid_t pid, int error, char *reason, size_t reason_cap)
{
    htrail__task self;
    char path[64];
    struct stat facts;
    const char *scope = htrail__refuse_by_scope(yama_scope(), geteuid() == 0);

    snprintf(path, sizeof path, "/proc/%ld/mem", (long)pid);
    if (error == ESRCH || error == ENOENT)
        snprintf(reason, reason_cap, "it has ended");
    else if (error != EPERM && error != EACCES)
        snprintf(reason, reason_cap, "it may not be traced: %s", strerror(error));
    else if (scope != NULL)
        snprintf(reason, reason_cap, "%s", scope);
    else if (geteuid() != 0 && stat(path, &facts) == 0 && facts.st_uid != geteuid())
        snprintf(reason, reason_cap, "it has, or had, other rights than you (it cannot be traced even by its own user): "
                                     "run heaptrail as root");
    else if (htrail__task_read(getpid(), getpid(), &self) && self.seccomp != 0)
        snprintf(reason, reason_cap, "a seccomp filter on heaptrail itself forbids ptrace: run it outside of this container, or give "
                                     "the container the capability SYS_PTRACE");
    else
        snprintf(reason, reason_cap, "the kernel forbids to trace it: run heaptrail as root, with the capability SYS_PTRACE");
}
