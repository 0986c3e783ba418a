/* capture/agent/destination.c - PATH.partial, then PATH. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/agent/destination.h"

enum { SEQUENCE_MAX = 9999999, NEW_FILE_MODE = 0600 /* names and sizes of somebody's data are in it */ };

static int set_path(htrail__destination *destination, const char *path)
{
    char folder[PATH_MAX] = "";
    if (path[0] == '\0')
        return ENOENT;
    if (path[0] != '/' && getcwd(folder, sizeof folder) == NULL)
        return errno;
    int bytes = snprintf(destination->path, sizeof destination->path, "%s%s%s", folder, path[0] != '/' ? "/" : "", path);
    return bytes < PATH_MAX ? 0 : ENAMETOOLONG;
}

/* Exclusive, so that no link and no file of somebody else is followed or overwritten; what
 * a killed snapshot left under that name makes room. */
static int open_partial(htrail__destination *destination)
{
    if (snprintf(destination->partial, sizeof destination->partial, "%s.partial", destination->path) >= PATH_MAX)
        return ENAMETOOLONG;
    for (int tries = 0; tries < 2; tries++) {
        destination->fd = open(destination->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, NEW_FILE_MODE);
        if (destination->fd >= 0)
            return 0;
        if (errno != EEXIST || tries > 0 || unlink(destination->partial) != 0)
            break;
    }
    int error = errno;
    destination->partial[0] = '\0';
    return error;
}

int htrail__destination_open(htrail__destination *destination, const char *path)
{
    struct stat facts;
    *destination = (htrail__destination){.fd = -1};
    if (strcmp(path, "-") == 0) {
        destination->fd = STDOUT_FILENO;
        destination->borrowed = true;
        memcpy(destination->path, "-", 2);
        return 0;
    }
    int error = set_path(destination, path);
    if (error != 0)
        return error;
    if (stat(destination->path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        if (S_ISDIR(facts.st_mode))
            return EISDIR;
        destination->fd = open(destination->path, O_WRONLY | O_CLOEXEC);
        return destination->fd < 0 ? errno : 0;
    }
    return open_partial(destination);
}

int htrail__destination_open_numbered(htrail__destination *destination, const char *prefix, uint32_t *sequence)
{
    struct stat facts;
    for (uint32_t number = *sequence; number <= SEQUENCE_MAX; number++) {
        *destination = (htrail__destination){.fd = -1};
        int bytes = snprintf(destination->path, sizeof destination->path, "%s-%04" PRIu32 ".htrail", prefix, number);
        if (bytes >= PATH_MAX)
            return ENAMETOOLONG;
        if (lstat(destination->path, &facts) == 0)
            continue;
        *sequence = number;
        return open_partial(destination);
    }
    return EEXIST;
}

int htrail__destination_keep(htrail__destination *destination)
{
    int error = 0;
    if (destination->partial[0] != '\0') {
        if (fsync(destination->fd) != 0 || rename(destination->partial, destination->path) != 0)
            error = errno;
        else
            destination->partial[0] = '\0';
    }
    htrail__destination_drop(destination);
    return error;
}

void htrail__destination_drop(htrail__destination *destination)
{
    if (destination->partial[0] != '\0')
        unlink(destination->partial);
    destination->partial[0] = '\0';
    if (destination->fd >= 0 && !destination->borrowed)
        close(destination->fd);
    destination->fd = -1;
}

bool htrail__destination_leave(htrail__destination *destination)
{
    struct stat facts;
    bool left = destination->partial[0] != '\0' && fstat(destination->fd, &facts) == 0 && facts.st_size > 0;
    if (left) {
        close(destination->fd);
        destination->fd = -1;
    } else {
        htrail__destination_drop(destination);
    }
    return left;
}
