/* self.c - see self.h. */
#include "capture/process/self.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    pid_t pid, parent_pid;
    char name[24]; /* as /proc calls it, which may be of another namespace than getpid */
    bool is_copy;
} original;

void htrail__self_remember(void)
{
    original.pid = getpid();
    original.parent_pid = getppid();
    ssize_t bytes = readlink("/proc/self", original.name, sizeof original.name - 1);
    original.name[bytes > 0 ? bytes : 0] = '\0';
}

void htrail__self_become_copy(void) { original.is_copy = true; }
bool htrail__self_is_copy(void) { return original.is_copy; }
pid_t htrail__self_pid(void) { return original.is_copy ? original.pid : getpid(); }
pid_t htrail__self_parent_pid(void) { return original.is_copy ? original.parent_pid : getppid(); }

const char *htrail__self_path(char *path, size_t path_cap, const char *name)
{
    snprintf(path, path_cap, "/proc/%s/%s", original.is_copy ? original.name : "self", name);
    return path;
}
