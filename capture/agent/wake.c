/* capture/agent/wake.c - tgkill and signalfd. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/agent/wake.h"

enum { WAKE_SIGNAL = 62 /* of real time, near the end, where programs do not look for theirs */ };

static atomic_int thread_id; /* 0: nobody to wake */

int htrail__wake_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WAKE_SIGNAL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0)
        atomic_store(&thread_id, (int)syscall(SYS_gettid));
    return fd;
}

void htrail__wake_clear(int fd)
{
    struct signalfd_siginfo got;
    while (read(fd, &got, sizeof got) == (ssize_t)sizeof got) {
        /* One that was sent to the whole process is the program's: back to it. */
        if (got.ssi_code == SI_QUEUE)
            (void)sigqueue(getpid(), WAKE_SIGNAL, (union sigval){.sival_ptr = (void *)(uintptr_t)got.ssi_ptr});
        else if (got.ssi_code != SI_TKILL)
            (void)kill(getpid(), WAKE_SIGNAL);
        else
            continue;
        return;
    }
}

void htrail__wake_close(void) { atomic_store(&thread_id, 0); }

int htrail__wake_thread_id(void) { return atomic_load(&thread_id); }

void htrail__wake_thread(void)
{
    int id = atomic_load(&thread_id), error = errno;
    if (id != 0)
        (void)syscall(SYS_tgkill, getpid(), id, WAKE_SIGNAL);
    errno = error;
}
