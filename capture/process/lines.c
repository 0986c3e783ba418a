/* lines.c - see lines.h. */
#include "capture/process/lines.h"

#include <unistd.h>

bool htrail__lines_next(htrail__lines *lines, char *line, size_t cap)
{
    size_t len = 0;
    bool any = false;
    for (;;) {
        if (lines->used == lines->filled) {
            ssize_t got = read(lines->fd, lines->buffer, sizeof lines->buffer);
            if (got <= 0)
                break;
            lines->used = 0;
            lines->filled = (size_t)got;
        }
        char c = lines->buffer[lines->used++];
        any = true;
        if (c == '\n')
            break;
        if (len + 1 < cap)
            line[len++] = c;
    }
    line[len] = '\0';
    return any;
}

const char *htrail__lines_hex(const char *text, uintptr_t *value)
{
    *value = 0;
    for (;; text++) {
        char c = *text;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
        if (digit == 16)
            return text;
        *value = *value << 4 | digit;
    }
}
