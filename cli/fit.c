/* cli/fit.c - see the header. */
#include "cli/fit.h"

#include <stdint.h>

#include "cli/escape.h"
#include "cli/terminal.h"

size_t cli_width(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t at = 0; at < len;) {
        size_t step = cli_utf8_bytes((const unsigned char *)text + at, len - at);
        uint32_t point = step ? cli_code_point((const unsigned char *)text + at, step) : 0;
        at += step ? step : 1;
        width += (point >= 0x1100 && point < 0x1160) || (point >= 0x2e80 && point < 0xa4d0) || (point >= 0xac00 && point < 0xd7a4) ||
                         (point >= 0xf900 && point < 0xfb00) || (point >= 0xfe30 && point < 0xfe70) || (point >= 0xff00 && point < 0xff61) ||
                         (point >= 0x1f300 && point < 0x20000) || (point >= 0x20000 && point < 0x40000)
                     ? 2 : 1;
    }
    return width;
}

/* Where the first (or last) columns of text end (begin). */
static size_t head_bytes(const char *text, size_t len, size_t columns)
{
    size_t at = 0;
    while (at < len) {
        size_t step = cli_utf8_bytes((const unsigned char *)text + at, len - at);
        step = step ? step : 1;
        if (cli_width(text, at + step) > columns)
            break;
        at += step;
    }
    return at;
}

static size_t tail_start(const char *text, size_t len, size_t columns)
{
    size_t at = len;
    while (at > 0) {
        size_t before = at - 1;
        while (before > 0 && ((unsigned char)text[before] & 0xc0) == 0x80)
            before--;
        if (cli_width(text + before, len - before) > columns)
            break;
        at = before;
    }
    return at;
}

void cli_print_fitted(const char *text, size_t len, size_t columns)
{
    bool utf8 = cli_is_utf8(stdout);
    size_t dots = utf8 ? 1 : 2;
    if (cli_width(text, len) <= columns) {
        fwrite(text, 1, len, stdout);
        return;
    }
    size_t head = head_bytes(text, len, (columns - dots) / 2), left = columns - dots - cli_width(text, head);
    size_t tail = tail_start(text, len, left);
    fwrite(text, 1, head, stdout);
    fputs(utf8 ? "\u2026" : "..", stdout);
    fwrite(text + tail, 1, len - tail, stdout);
}
