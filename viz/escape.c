/* viz/escape.c - texts of the heap made safe for XML, .dot and the eye. */
#include "viz/escape.h"

#include <string.h>

enum { INVALID = 0xfffd, ELLIPSIS = 0x2026 };

/* The character at data and its bytes in *used; INVALID and one byte where there is none.
 * Overlong forms and surrogates are none. */
static unsigned decode(const unsigned char *data, size_t len, size_t *used)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = data[0], character;
    size_t need = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
    *used = 1;
    if (need == 1)
        return first;
    if (need == 0 || need > len)
        return INVALID;
    character = first & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return INVALID;
        character = character << 6 | (data[i] & 0x3fu);
    }
    if (character < smallest[need] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
        return INVALID;
    *used = need;
    return character;
}

/* Characters that draw nothing of their own, or change how their neighbours are read. */
static bool is_hidden(unsigned character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xad || character == 0x61c ||
           (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2060 && character <= 0x206f) || character == 0xfeff || (character & 0xfffe) == 0xfffe ||
           (character >= 0xfdd0 && character <= 0xfdef) || (character >= 0xe0000 && character <= 0xe007f);
}

void htrail__escape_clean(htrail__text *out, const char *data, size_t len)
{
    size_t used;
    for (size_t i = 0; i < len; i += used) {
        unsigned character = decode((const unsigned char *)data + i, len - i, &used);
        if (!is_hidden(character))
            htrail__text_add_character(out, character);
        else if (character == '\n')
            htrail__text_add_string(out, "\\n");
        else if (character == '\t')
            htrail__text_add_string(out, "\\t");
        else if (character < 0x100)
            htrail__text_format(out, "\\x%02x", character);
        else
            htrail__text_format(out, character < 0x10000 ? "\\u%04x" : "\\U%08x", character);
    }
}

typedef const char *(*replacement)(char character);

static const char *xml_replacement(char character)
{
    switch (character) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

/* A double quote is escaped by who writes the quotes: libcgraph. */
static const char *dot_replacement(char character)
{
    return character == '\\' ? "\\\\" : NULL;
}

static void clean_and_replace(htrail__text *out, const char *data, size_t len, replacement replace)
{
    htrail__text clean;
    htrail__text_init(&clean, out->limit_bytes);
    htrail__escape_clean(&clean, data, len);
    for (size_t i = 0; i < clean.len; i++) {
        const char *instead = replace(clean.data[i]);
        if (instead != NULL)
            htrail__text_add_string(out, instead);
        else
            htrail__text_add(out, clean.data + i, 1);
    }
    out->failed |= clean.failed;
    htrail__text_release(&clean);
}

void htrail__escape_xml(htrail__text *out, const char *data, size_t len)
{
    clean_and_replace(out, data, len, xml_replacement);
}

void htrail__escape_dot(htrail__text *out, const char *data, size_t len)
{
    clean_and_replace(out, data, len, dot_replacement);
}

static size_t columns_of(unsigned character)
{
    bool wide = (character >= 0x1100 && character <= 0x115f) || (character >= 0x2e80 && character <= 0xa4cf) ||
                (character >= 0xac00 && character <= 0xd7a3) || (character >= 0xf900 && character <= 0xfaff) ||
                (character >= 0xfe30 && character <= 0xfe6f) || (character >= 0xff00 && character <= 0xff60) ||
                (character >= 0x1f300 && character <= 0x1faff) || (character >= 0x20000 && character <= 0x3ffff);
    return wide ? 2 : 1;
}

/* Bytes of text from its beginning that fit into columns. */
static size_t fitting_head(const htrail__text *text, size_t columns)
{
    size_t at = 0, used, width = 0;
    while (at < text->len) {
        width += columns_of(decode((const unsigned char *)text->data + at, text->len - at, &used));
        if (width > columns)
            break;
        at += used;
    }
    return at;
}

/* Offset from which the rest of text fits into columns. */
static size_t fitting_tail(const htrail__text *text, size_t columns)
{
    size_t at = text->len, used, width = 0;
    while (at > 0) {
        size_t start = at - 1;
        while (start > 0 && ((unsigned char)text->data[start] & 0xc0) == 0x80)
            start--;
        width += columns_of(decode((const unsigned char *)text->data + start, at - start, &used));
        if (width > columns)
            break;
        at = start;
    }
    return at;
}

void htrail__escape_ellipsis(htrail__text *out, const char *data, size_t len, size_t columns)
{
    htrail__text clean;
    htrail__text_init(&clean, out->limit_bytes);
    htrail__escape_clean(&clean, data, len);
    if (clean.len == 0 || fitting_head(&clean, columns) == clean.len) {
        htrail__text_add(out, clean.data, clean.len);
    } else {
        size_t tail_columns = columns / 2;
        size_t tail = fitting_tail(&clean, tail_columns);
        htrail__text_add(out, clean.data, fitting_head(&clean, columns - tail_columns - 1));
        htrail__text_add_character(out, ELLIPSIS);
        htrail__text_add(out, clean.data + tail, clean.len - tail);
    }
    out->failed |= clean.failed;
    htrail__text_release(&clean);
}
