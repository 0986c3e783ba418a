/* format/output.c - see output.h. */
#include "format/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STREAM_CHUNK_BYTES = 4096 /* what a pipe that poll calls writable takes at once */, STREAM_WAIT_MS = 10 * 1000 };

static htrail_status fail(htrail__output *o, const char *what, const char *path, int error)
{
    char text[128];
    /* strerror_r, GNU's: its text is static or in the buffer, nothing is allocated. */
    snprintf(o->message, sizeof o->message, "cannot %s '%s': %s", what, path, strerror_r(error, text, sizeof text));
    o->os_error = error;
    return HTRAIL_E_IO;
}

static htrail_status fail_of_reader(htrail__output *o)
{
    snprintf(o->message, sizeof o->message, "cannot write the snapshot: nobody reads the other end of the pipe");
    o->os_error = ETIMEDOUT;
    return HTRAIL_E_IO;
}

/* The file behind the descriptor is still the one at the path: nobody renamed it between
 * our open and our lock. */
static bool is_at_path(int fd, const char *path)
{
    struct stat by_fd, by_path;
    return fstat(fd, &by_fd) == 0 && stat(path, &by_path) == 0 && by_fd.st_dev == by_path.st_dev &&
           by_fd.st_ino == by_path.st_ino;
}

/* A device, a pipe, a socket, standard output: written to as it is. A file that took its place would be the end of
 * it, and under the path /dev/null of much else. Nobody waits for a pipe that nobody reads. */
static htrail_status open_in_place(htrail__output *o, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(o, "write", path, errno);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    o->fd = fd;
    o->owns_fd = o->is_stream = true;
    return HTRAIL_OK;
}

htrail_status htrail__output_open_path(htrail__output *o, const char *path)
{
    struct stat facts;
    size_t len = strlen(path);
    o->fd = -1;
    if (strcmp(path, "-") == 0) {
        o->fd = STDOUT_FILENO;
        o->is_stream = fstat(o->fd, &facts) == 0 && !S_ISREG(facts.st_mode);
        return HTRAIL_OK;
    }
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return fail(o, "write", path, EISDIR);
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return open_in_place(o, path);
    if (len == 0 || len + sizeof ".partial" > sizeof o->partial_path)
        return fail(o, "write", path, len == 0 ? ENOENT : ENAMETOOLONG);
    snprintf(o->partial_path, sizeof o->partial_path, "%s.partial", path);
    for (int tries = 0; tries < 8; tries++) {
        /* For the owner alone: names and sizes of somebody's data are in it. */
        int fd = open(o->partial_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
            return fail(o, "write", o->partial_path, errno);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            snprintf(o->message, sizeof o->message, "cannot write '%s': another snapshot is being written there",
                     o->partial_path);
            o->os_error = EBUSY;
            return HTRAIL_E_IO;
        }
        if (!is_at_path(fd, o->partial_path)) {
            close(fd);
            continue;
        }
        if (ftruncate(fd, 0) != 0 && errno != EINVAL) { /* what a killed writer left */
            int error = errno;
            close(fd);
            return fail(o, "write", o->partial_path, error);
        }
        o->fd = fd;
        o->owns_fd = true;
        memcpy(o->path, path, len + 1);
        return HTRAIL_OK;
    }
    return fail(o, "write", o->partial_path, EBUSY);
}

void htrail__output_open_fd(htrail__output *o, int fd) { o->fd = fd; }

void htrail__output_open_sink(htrail__output *o, const htrail_sink *sink)
{
    o->fd = -1;
    o->sink = *sink;
}

htrail_status htrail__output_write(htrail__output *o, const void *data, size_t len)
{
    const char *name = o->path[0] != '\0' ? o->partial_path : "snapshot";
    if (o->sink.write != NULL) {
        int error = o->sink.write(o->sink.arg, data, len);
        return error == 0 ? HTRAIL_OK : fail(o, "write", name, error);
    }
    for (const char *at = data; len > 0;) {
        struct pollfd writable = {.fd = o->fd, .events = POLLOUT};
        if (o->is_stream && poll(&writable, 1, STREAM_WAIT_MS) == 0)
            return fail_of_reader(o);
        ssize_t done = write(o->fd, at, o->is_stream && len > STREAM_CHUNK_BYTES ? STREAM_CHUNK_BYTES : len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(o, "write", name, errno);
        at += done;
        len -= (size_t)done;
    }
    return HTRAIL_OK;
}

htrail_status htrail__output_commit(htrail__output *o, bool fsync_first)
{
    if (fsync_first && o->fd >= 0 && fsync(o->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fail(o, "write", o->path[0] != '\0' ? o->partial_path : "snapshot", errno);
    if (o->path[0] == '\0')
        return HTRAIL_OK;
    if (rename(o->partial_path, o->path) != 0)
        return fail(o, "write", o->path, errno);
    o->path[0] = '\0';
    return HTRAIL_OK;
}

void htrail__output_close(htrail__output *o)
{
    if (o->path[0] != '\0')
        unlink(o->partial_path);
    o->path[0] = '\0';
    if (o->owns_fd)
        close(o->fd);
    o->owns_fd = false;
    o->fd = -1;
}
