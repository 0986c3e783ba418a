/* capture/attach/library.c - beside the command in the build folder, or under its prefix. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/attach/library.h"

static const char *const places[] = {
    "/python%s/heaptrail.*so",
    "/../lib/heaptrail/python%s/heaptrail.*so",
    "/../lib/*/heaptrail/python%s/heaptrail.*so",
};

bool htrail__library_find(const char *version, char *path, size_t path_cap)
{
    char folder[PATH_MAX], place[128], pattern[PATH_MAX + 128], real[PATH_MAX];
    bool any = false;
    ssize_t bytes = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (bytes <= 0)
        return false;
    folder[bytes] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places && !any; i++) {
        glob_t found = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(place, sizeof place, places[i], version);
#pragma GCC diagnostic pop
        snprintf(pattern, sizeof pattern, "%s%s", folder, place);
        any = glob(pattern, 0, NULL, &found) == 0 && realpath(found.gl_pathv[0], real) != NULL &&
              snprintf(path, path_cap, "%s", real) < (int)path_cap;
        globfree(&found);
    }
    return any;
}

bool htrail__library_is_seen(pid_t pid, const char *path)
{
    char theirs[PATH_MAX + 64];
    struct stat here, there;
    snprintf(theirs, sizeof theirs, "/proc/%ld/root%s", (long)pid, path);
    return stat(path, &here) == 0 && stat(theirs, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int htrail__library_copy(const char *path, pid_t pid, pid_t tid, int file)
{
    char theirs[96];
    struct stat facts;
    int error = 0, from = open(path, O_RDONLY | O_CLOEXEC), to = -1;

    snprintf(theirs, sizeof theirs, "/proc/%ld/task/%ld/fd/%d", (long)pid, (long)tid, file);
    if (from < 0 || fstat(from, &facts) != 0 || (to = open(theirs, O_WRONLY | O_CLOEXEC)) < 0) {
        error = errno;
        goto done;
    }
    for (off_t at = 0; at < facts.st_size && error == 0;) {
        ssize_t moved = sendfile(to, from, &at, (size_t)(facts.st_size - at));
        error = moved < 0 ? errno : moved == 0 ? EIO : 0;
    }
done:
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return error;
}
