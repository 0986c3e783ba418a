/* analyze/partial.c - see the header. */
#include "analyze/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 100 };

int htrail__partial_make(const char *path)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct stat about;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        /* Where the kernel has no lock for it, it is written all the same. Another load may have
         * taken it for a stale one, between the two calls. */
        flock(fd, LOCK_EX);
        if (fstat(fd, &about) == 0 && about.st_nlink > 0)
            return fd;
        close(fd);
    }
    errno = EAGAIN;
    return -1;
}

/* "NAME.digits.partial" */
static bool is_partial_of(const char *entry, const char *name)
{
    size_t len = strlen(name), digits;
    if (strncmp(entry, name, len) != 0 || entry[len] != '.')
        return false;
    digits = strspn(entry + len + 1, "0123456789");
    return digits > 0 && strcmp(entry + len + 1 + digits, ".partial") == 0;
}

void htrail__partial_remove_stale(const char *db_path)
{
    const char *slash = strrchr(db_path, '/'), *name = slash == NULL ? db_path : slash + 1;
    char *folder = slash == NULL ? strdup(".") : strndup(db_path, (size_t)(slash - db_path) + 1);
    DIR *dir = folder == NULL ? NULL : opendir(folder);

    free(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat about;
        if (!is_partial_of(entry->d_name, name) || fstatat(dirfd(dir), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
        close(fd);
    }
    closedir(dir);
}
