/* capture/attach/memory.c - pread, pwrite and /proc/PID/maps. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/attach/memory.h"

int htrail__memory_open(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/mem", (long)pid);
    return open(path, O_RDWR | O_CLOEXEC);
}

bool htrail__memory_read(int memory, uint64_t address, void *data, size_t bytes)
{
    ssize_t done = pread(memory, data, bytes, (off_t)address);
    if (done >= 0 && (size_t)done != bytes)
        errno = EFAULT;
    return done >= 0 && (size_t)done == bytes;
}

bool htrail__memory_write(int memory, uint64_t address, const void *data, size_t bytes)
{
    ssize_t done = pwrite(memory, data, bytes, (off_t)address);
    if (done >= 0 && (size_t)done != bytes)
        errno = EFAULT;
    return done >= 0 && (size_t)done == bytes;
}

bool htrail__memory_read_text(int memory, uint64_t address, char *text, size_t text_cap)
{
    ssize_t done = pread(memory, text, text_cap - 1, (off_t)address);
    text[done < 0 ? 0 : done] = '\0';
    return done > 0;
}

bool htrail__memory_writable_around(pid_t pid, uint64_t address, htrail__memory_range *range)
{
    char path[64], line[512], access[8];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/maps", (long)pid);
    FILE *maps = fopen(path, "re");
    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL)
        found = sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &range->start, &range->end, access) == 3 &&
                range->start <= address && address < range->end && access[0] == 'r' && access[1] == 'w';
    if (maps != NULL)
        fclose(maps);
    return found;
}
