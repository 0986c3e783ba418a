/* capture/attach/memory.h - the memory of another process, through /proc/PID/mem: reads need
 * the right to trace it, and writes reach pages that it may only execute. */
#ifndef HTRAIL_CAPTURE_ATTACH_MEMORY_H
#define HTRAIL_CAPTURE_ATTACH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An open file, or -1 with errno. Reading and writing go on while it runs. */
int htrail__memory_open(pid_t pid);

/* All of it or false, with errno. */
bool htrail__memory_read(int memory, uint64_t address, void *data, size_t bytes);
bool htrail__memory_write(int memory, uint64_t address, const void *data, size_t bytes);

/* A text, cut at text_cap. */
bool htrail__memory_read_text(int memory, uint64_t address, char *text, size_t text_cap);

typedef struct htrail__memory_range {
    uint64_t start, end;
} htrail__memory_range;

/* The mapping that holds an address, if it can be read and written. */
bool htrail__memory_writable_around(pid_t pid, uint64_t address, htrail__memory_range *range);

#endif
