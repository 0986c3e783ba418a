/* analyze/text.c - a text that grows, up to a limit. */
#include "analyze/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

void htrail__text_init(htrail__text *text, size_t limit_bytes)
{
    *text = (htrail__text){.limit_bytes = limit_bytes};
}

/* Room for len more bytes and the NUL. */
static bool reserve(htrail__text *text, size_t len)
{
    size_t capacity = text->capacity ? text->capacity : FIRST_BYTES;
    char *data;
    if (text->failed)
        return false;
    if (len > text->limit_bytes || text->len > text->limit_bytes - len)
        goto failed;
    while (capacity <= text->len + len)
        capacity *= 2;
    if (capacity != text->capacity) {
        data = realloc(text->data, capacity);
        if (data == NULL)
            goto failed;
        text->data = data;
        text->capacity = capacity;
    }
    return true;
failed:
    text->failed = true;
    return false;
}

void htrail__text_add(htrail__text *text, const char *data, size_t len)
{
    if (len == 0 || !reserve(text, len))
        return;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void htrail__text_add_string(htrail__text *text, const char *string)
{
    htrail__text_add(text, string, strlen(string));
}

void htrail__text_format(htrail__text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (len <= 0 || !reserve(text, (size_t)len))
        return;
    va_start(values, format);
    vsnprintf(text->data + text->len, (size_t)len + 1, format, values);
    va_end(values);
    text->len += (size_t)len;
}

void htrail__text_add_quoted(htrail__text *text, const char *data, size_t len)
{
    htrail__text_add_string(text, "'");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\'' || c == '\\')
            htrail__text_format(text, "\\%c", c);
        else if (c == '\n')
            htrail__text_add_string(text, "\\n");
        else if (c < 0x20 || c == 0x7f)
            htrail__text_format(text, "\\x%02x", c);
        else
            htrail__text_add(text, data + i, 1);
    }
    htrail__text_add_string(text, "'");
}

void htrail__text_add_character(htrail__text *text, unsigned character)
{
    char bytes[4];
    size_t len;
    if (character < 0x80) {
        bytes[0] = (char)character;
        len = 1;
    } else if (character < 0x800) {
        bytes[0] = (char)(0xc0 | character >> 6);
        bytes[1] = (char)(0x80 | (character & 0x3f));
        len = 2;
    } else if (character < 0x10000) {
        bytes[0] = (char)(0xe0 | character >> 12);
        bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (character & 0x3f));
        len = 3;
    } else {
        bytes[0] = (char)(0xf0 | character >> 18);
        bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
        bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
        bytes[3] = (char)(0x80 | (character & 0x3f));
        len = 4;
    }
    htrail__text_add(text, bytes, len);
}

void htrail__text_add_tenths(htrail__text *text, double number)
{
    long long tenths = llround(number * 10);
    long long positive = tenths < 0 ? -tenths : tenths;
    htrail__text_format(text, "%s%lld.%lld", tenths < 0 ? "-" : "", positive / 10, positive % 10);
}

const char *htrail__text_string(const htrail__text *text)
{
    return text->data != NULL && text->len > 0 ? text->data : "";
}

void htrail__text_clear(htrail__text *text)
{
    text->len = 0;
    text->failed = false;
    if (text->data != NULL)
        text->data[0] = '\0';
}

void htrail__text_release(htrail__text *text)
{
    free(text->data);
    htrail__text_init(text, text->limit_bytes);
}
