/* cli/fit.c - see the header. */
#include "cli/fit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/terminal.h"
#include "format/columns.h"
#include "format/utf8.h"

/* The bytes of the character at data, and the columns that it takes. */
static size_t next(const char *data, size_t len, unsigned *columns)
{
    size_t step = htrail__utf8_sequence((const unsigned char *)data, len);
    *columns = step > 0 ? htrail__columns_of(htrail__utf8_point(data, step)) : 1;
    return step > 0 ? step : 1;
}

size_t cli_width(const char *text, size_t len)
{
    size_t width = 0;
    unsigned columns;
    for (size_t at = 0; at < len; width += columns)
        at += next(text + at, len - at, &columns);
    return width;
}

/* Where the first columns of text end, with what stands on the last of them. */
static size_t head_bytes(const char *text, size_t len, size_t room, size_t *used)
{
    size_t at = 0;
    *used = 0;
    for (unsigned columns; at < len; *used += columns) {
        size_t step = next(text + at, len - at, &columns);
        if (*used + columns > room)
            break;
        at += step;
    }
    return at;
}

/* Where what is left begins when so many columns of text are gone: at a character that stands on no other. */
static size_t after_columns(const char *text, size_t len, size_t gone)
{
    size_t at = 0, passed = 0;
    for (unsigned columns; at < len; passed += columns) {
        size_t step = next(text + at, len - at, &columns);
        if (passed >= gone && columns > 0)
            break;
        at += step;
    }
    return at;
}

size_t cli_print_fitted(FILE *stream, const char *text, size_t len, size_t columns)
{
    bool utf8 = cli_is_utf8(stream);
    size_t width = cli_width(text, len), dots = utf8 ? 1 : 2, used;
    if (width <= columns) {
        fwrite(text, 1, len, stream);
        return width;
    }
    if (columns < dots)
        dots = columns;
    size_t head = head_bytes(text, len, (columns - dots) / 2, &used), tail = after_columns(text, len, width - (columns - dots - used));
    fwrite(text, 1, head, stream);
    fprintf(stream, "%.*s", utf8 && dots > 0 ? 3 : (int)dots, utf8 ? "\u2026" : "..");
    fwrite(text + tail, 1, len - tail, stream);
    return used + dots + cli_width(text + tail, len - tail);
}
