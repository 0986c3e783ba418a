/* pour.c - see pour.h. */
#include "capture/pause/pour.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { CHUNK_BYTES = 4096 /* what a pipe that poll calls writable takes at once (PIPE_BUF) */, WAIT_MS = 10 * 1000, STEP_MS = 100 };

static int wait_for_reader(int fd, bool (*give_up)(void *), void *arg)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        int ready = poll(&writable, 1, STEP_MS);
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready > 0)
            return writable.revents & (POLLERR | POLLNVAL) ? EPIPE : 0;
        if (give_up != NULL && give_up(arg))
            return ECANCELED;
    }
    return ETIMEDOUT;
}

int htrail__pour(int fd, bool is_file, const void *data, size_t bytes, bool (*give_up)(void *), void *arg)
{
    for (const char *at = data; bytes > 0;) {
        size_t part = is_file || bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
        int error = is_file ? 0 : wait_for_reader(fd, give_up, arg);
        if (error != 0)
            return error;
        ssize_t done = write(fd, at, part);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        at += done;
        bytes -= (size_t)done;
    }
    return 0;
}
