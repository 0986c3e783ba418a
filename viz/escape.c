/* viz/escape.c - texts of the heap made safe for XML, .dot and the eye. */
#include "viz/escape.h"

#include <string.h>

#include "format/columns.h"
#include "format/visible.h"
#include "format/utf8.h"

enum { INVALID = 0xfffd, ELLIPSIS = 0x2026 };

void htrail__escape_clean(htrail__text *out, const char *data, size_t len)
{
    char one[HTRAIL__VISIBLE_BYTES];
    for (size_t i = 0; i < len;) {
        bool is_character = data[i] == '\0' || htrail__utf8_sequence((const unsigned char *)data + i, len - i) > 0;
        i += htrail__visible_next(one, data + i, len - i);
        if (is_character)
            htrail__text_add_string(out, one);
        else
            htrail__text_add_character(out, INVALID);
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

/* The character at data, of a clean text. */
static unsigned decode(const char *data, size_t len, size_t *used)
{
    *used = htrail__utf8_sequence((const unsigned char *)data, len);
    return htrail__utf8_point(data, *used);
}

/* Bytes of text from its beginning that fit into columns. */
static size_t fitting_head(const htrail__text *text, size_t columns)
{
    size_t at = 0, used, width = 0;
    while (at < text->len) {
        width += htrail__columns_of(decode(text->data + at, text->len - at, &used));
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
        width += htrail__columns_of(decode(text->data + start, at - start, &used));
        if (width > columns)
            break;
        at = start;
    }
    return at;
}

size_t htrail__escape_columns(const char *clean)
{
    size_t width = 0, used;
    for (size_t left = strlen(clean); left > 0; clean += used, left -= used)
        width += htrail__columns_of(decode(clean, left, &used));
    return width;
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
