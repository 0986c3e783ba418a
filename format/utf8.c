/* format/utf8.c - see the header. */
#include "format/utf8.h"

#include <stdlib.h>
#include <string.h>

size_t htrail__utf8_sequence(const unsigned char *data, size_t len)
{
    unsigned char lead = len > 0 ? data[0] : 0;
    size_t wanted = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;

    if (lead == 0 || wanted > len)
        return 0;
    for (size_t i = 1; i < wanted; i++)
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    if ((lead == 0xe0 && data[1] < 0xa0) || (lead == 0xed && data[1] > 0x9f) || (lead == 0xf0 && data[1] < 0x90) ||
        (lead == 0xf4 && data[1] > 0x8f))
        return 0; /* overlong, a surrogate, past U+10FFFF */
    return wanted;
}

uint32_t htrail__utf8_point(const char *data, size_t len)
{
    unsigned char lead = (unsigned char)data[0];
    uint32_t point = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((unsigned char)data[i] & 0x3f);
    return point;
}

bool htrail__utf8_is_clean(htrail_str text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.len;) {
        if (data[i] - 1u < 0x7f) {
            i++;
            continue;
        }
        size_t step = htrail__utf8_sequence(data + i, text.len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

size_t htrail__utf8_escape(char *out, htrail_str text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *data = (const unsigned char *)text.data;
    char *at = out;
    for (size_t i = 0; i < text.len;) {
        size_t step = htrail__utf8_sequence(data + i, text.len - i);
        if (step == 0) {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = digits[data[i] >> 4];
            *at++ = digits[data[i] & 15];
            i++;
            continue;
        }
        memcpy(at, data + i, step);
        at += step;
        i += step;
    }
    return (size_t)(at - out);
}

char *htrail__utf8_copy(htrail_str text)
{
    bool is_clean = htrail__utf8_is_clean(text);
    char *copy = malloc(text.len * (is_clean ? 1 : HTRAIL__UTF8_ESCAPED_BYTES) + 1);
    if (copy == NULL)
        return NULL;
    size_t len = is_clean ? text.len : htrail__utf8_escape(copy, text);
    if (is_clean && len > 0)
        memcpy(copy, text.data, len);
    copy[len] = '\0';
    return copy;
}
