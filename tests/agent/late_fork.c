/* late_fork.c - a fork that waits for a byte of the standard input before it is made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

pid_t fork(void)
{
    char byte;
    pid_t (*real)(void);
    *(void **)&real = dlsym(RTLD_NEXT, "fork");
    if (read(STDIN_FILENO, &byte, 1) < 0)
        return -1;
    return real();
}
