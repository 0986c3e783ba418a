/* format/visible.c - see the header. */
#include "format/visible.h"

#include <stdio.h>
#include <string.h>

#include "format/utf8.h"

bool htrail__visible_is(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0, 0x1f},       {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
                  {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    if (point >= 0x20 && point < 0x7f)
        return true;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (point >= hidden[i].first && point <= hidden[i].last)
            return false;
    return (point & 0xfffe) != 0xfffe;
}

void htrail__visible_escape(char out[HTRAIL__VISIBLE_BYTES], uint32_t point)
{
    if (point == '\n' || point == '\t' || point == '\r')
        snprintf(out, HTRAIL__VISIBLE_BYTES, "\\%c", point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
    else
        snprintf(out, HTRAIL__VISIBLE_BYTES, point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)point);
}

size_t htrail__visible_next(char out[HTRAIL__VISIBLE_BYTES], const char *data, size_t len)
{
    size_t step = htrail__utf8_sequence((const unsigned char *)data, len);
    uint32_t point = step > 0 ? htrail__utf8_point(data, step) : (unsigned char)data[0];
    if (step > 0 && htrail__visible_is(point)) {
        memcpy(out, data, step);
        out[step] = '\0';
        return step;
    }
    if (step == 0) /* a NUL, or no UTF-8 */
        snprintf(out, HTRAIL__VISIBLE_BYTES, "\\x%02x", (unsigned)point);
    else
        htrail__visible_escape(out, point);
    return step > 0 ? step : 1;
}
