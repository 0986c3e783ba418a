/* cli/escape.c - see the header. */
#include "cli/escape.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"

size_t cli_utf8_bytes(const unsigned char *data, size_t len)
{
    unsigned char lead = data[0];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    uint32_t point = wanted == 1 ? lead : lead & (0x7fu >> wanted);

    if (wanted == 0 || wanted > len)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (data[i] & 0x3f);
    }
    if ((wanted == 3 && point < 0x800) || (wanted == 4 && point < 0x10000) || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    return wanted;
}

uint32_t cli_code_point(const unsigned char *data, size_t len)
{
    uint32_t point = len == 1 ? data[0] : data[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (data[i] & 0x3f);
    return point;
}

/* Controls, line separators, what turns the direction of text and what nobody sees: a name must not
 * be able to rewrite the line that it stands in, nor to look like another. */
static bool is_hostile(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c || point == 0x180e || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe007f);
}

/* One character of data into out (room for 12), escaped; how much of data it took. */
static size_t escape_one(char *out, const char *data, size_t len, bool is_ascii)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t step = cli_utf8_bytes(bytes, len);
    if (step == 0) {
        snprintf(out, 12, "\\x%02x", bytes[0]);
        return 1;
    }
    uint32_t point = cli_code_point(bytes, step);
    if (!is_hostile(point) && (point < 0x80 || !is_ascii)) {
        memcpy(out, data, step);
        out[step] = '\0';
    } else if (point == '\n' || point == '\t' || point == '\r') {
        snprintf(out, 12, "\\%c", point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
    } else {
        snprintf(out, 12, point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)point);
    }
    return step;
}

char *cli_escaped(FILE *stream, const char *data, size_t len, size_t *out_len)
{
    bool is_ascii = cli_is_ascii(stream);
    char *text = malloc(len * 8 + 12);
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
    char one[12];
    for (size_t at = 0; at < len;) {
        at += escape_one(one, data + at, len - at, is_ascii);
        fputs(one, stream);
    }
}

void cli_print_json_text(FILE *stream, const char *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
    fputc('"', stream);
    for (size_t at = 0; at < len;) {
        size_t step = cli_utf8_bytes(bytes + at, len - at);
        if (step == 0) {
            fputs("\\ufffd", stream);
            at++;
            continue;
        }
        uint32_t point = cli_code_point(bytes + at, step);
        if (point == '"' || point == '\\')
            fprintf(stream, "\\%c", (char)point);
        else if (point == '\n')
            fputs("\\n", stream);
        else if (is_hostile(point) && point < 0x10000)
            fprintf(stream, "\\u%04x", (unsigned)point);
        else if (is_hostile(point))
            fprintf(stream, "\\u%04x\\u%04x", 0xd800 + ((unsigned)point - 0x10000) / 0x400, 0xdc00 + (unsigned)point % 0x400);
        else
            fwrite(data + at, 1, step, stream);
        at += step;
    }
    fputc('"', stream);
}
