/* cli/escape.c - see the header. */
#include "cli/escape.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"
#include "format/utf8.h"
#include "format/visible.h"

/* One character of data into out, escaped; how much of data it took. */
static size_t escape_one(char out[HTRAIL__VISIBLE_BYTES], const char *data, size_t len, bool is_ascii)
{
    size_t step = htrail__visible_next(out, data, len);
    if (is_ascii && (unsigned char)out[0] >= 0x80)
        htrail__visible_escape(out, htrail__utf8_point(out, strlen(out)));
    return step;
}

char *cli_escaped(FILE *stream, const char *data, size_t len, size_t *out_len)
{
    bool is_ascii = cli_is_ascii(stream);
    char *text = malloc(len * 8 + HTRAIL__VISIBLE_BYTES);
    size_t used = 0;
    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < len;) {
        at += escape_one(text + used, data + at, len - at, is_ascii);
        used += strlen(text + used);
    }
    text[used] = '\0';
    *out_len = used;
    return text;
}

void cli_print_escaped(FILE *stream, const char *data, size_t len)
{
    bool is_ascii = cli_is_ascii(stream);
    char one[HTRAIL__VISIBLE_BYTES];
    for (size_t at = 0; at < len;) {
        at += escape_one(one, data + at, len - at, is_ascii);
        fputs(one, stream);
    }
}

void cli_print_json_text(FILE *stream, const char *data, size_t len)
{
    fputc('"', stream);
    for (size_t at = 0; at < len;) {
        size_t step = data[at] == '\0' ? 1 : htrail__utf8_sequence((const unsigned char *)data + at, len - at);
        if (step == 0) {
            fputs("\\ufffd", stream);
            at++;
            continue;
        }
        uint32_t point = htrail__utf8_point(data + at, step);
        if (point == '"' || point == '\\')
            fprintf(stream, "\\%c", (char)point);
        else if (point == '\n')
            fputs("\\n", stream);
        else if (!htrail__visible_is(point) && point < 0x10000)
            fprintf(stream, "\\u%04x", (unsigned)point);
        else if (!htrail__visible_is(point))
            fprintf(stream, "\\u%04x\\u%04x", 0xd800 + ((unsigned)point - 0x10000) / 0x400, 0xdc00 + (unsigned)point % 0x400);
        else
            fwrite(data + at, 1, step, stream);
        at += step;
    }
    fputc('"', stream);
}
