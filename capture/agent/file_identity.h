/* capture/agent/file_identity.h - is this number still our file? A program may close every
 * descriptor it does not know (daemons do), and open its own under the same number; the
 * agent must never read from or write into those. */
#ifndef HTRAIL_CAPTURE_AGENT_FILE_IDENTITY_H
#define HTRAIL_CAPTURE_AGENT_FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct htrail__file_identity {
    int fd; /* -1: none */
    dev_t device;
    ino_t inode;
    mode_t mode;
} htrail__file_identity;

static inline htrail__file_identity htrail__file_identity_of(int fd)
{
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return (htrail__file_identity){-1, 0, 0, 0};
    return (htrail__file_identity){fd, facts.st_dev, facts.st_ino, facts.st_mode};
}

static inline bool htrail__file_identity_holds(const htrail__file_identity *file)
{
    struct stat facts;
    return file->fd >= 0 && fstat(file->fd, &facts) == 0 && facts.st_dev == file->device &&
           facts.st_ino == file->inode;
}

/* Close it if it is still ours. */
static inline void htrail__file_identity_close(htrail__file_identity *file)
{
    if (htrail__file_identity_holds(file))
        close(file->fd);
    file->fd = -1;
}

#endif
