/* maps.c - see maps.h. */
#include "capture/process/maps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct line_reader {
    int fd;
    size_t used, filled;
    char buffer[4096];
} line_reader;

/* The next line, NUL-terminated, in line (cut where it is longer); false at the end. */
static bool next_line(line_reader *reader, char *line, size_t cap)
{
    size_t len = 0;
    bool any = false;
    for (;;) {
        if (reader->used == reader->filled) {
            ssize_t got = read(reader->fd, reader->buffer, sizeof reader->buffer);
            if (got <= 0)
                break;
            reader->used = 0;
            reader->filled = (size_t)got;
        }
        char c = reader->buffer[reader->used++];
        any = true;
        if (c == '\n')
            break;
        if (len + 1 < cap)
            line[len++] = c;
    }
    line[len] = '\0';
    return any;
}

static const char *read_hex(const char *p, uintptr_t *out)
{
    *out = 0;
    for (;; p++) {
        char c = *p;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
        if (digit == 16)
            return p;
        *out = *out << 4 | digit;
    }
}

bool htrail__maps_data_of(uintptr_t address, uintptr_t *start, uintptr_t *end)
{
    line_reader reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    char line[512];
    bool found = false;
    uintptr_t run_start = 0, run_end = 0;
    if (reader.fd < 0)
        return false;
    /* Neighbouring writable mappings are one run; the heap begins another. */
    while (next_line(&reader, line, sizeof line)) {
        uintptr_t from, to;
        const char *p = read_hex(line, &from);
        if (*p != '-')
            continue;
        p = read_hex(p + 1, &to);
        bool writable = p[0] == ' ' && p[1] == 'r' && p[2] == 'w' && strstr(p, "[heap]") == NULL;
        if (writable && from == run_end && run_end != 0) {
            run_end = to;
        } else {
            if (run_start <= address && address < run_end)
                break;
            run_start = writable ? from : 0;
            run_end = writable ? to : 0;
        }
    }
    if (run_start <= address && address < run_end) {
        *start = run_start;
        *end = run_end;
        found = true;
    }
    close(reader.fd);
    return found;
}
