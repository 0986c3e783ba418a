/* analyze/text.h - a text that grows, for output made piece by piece.
 *
 * Order of calls: init, add..., string or data and len, release. What was added past
 * the limit, or without memory, is left out and `failed` stays set: look once, at the
 * end. */
#ifndef HTRAIL_ANALYZE_TEXT_H
#define HTRAIL_ANALYZE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct htrail__text {
    char *data; /* NUL-terminated once something was added, else NULL */
    size_t len, capacity, limit_bytes;
    bool failed;
} htrail__text;

void htrail__text_init(htrail__text *text, size_t limit_bytes);
void htrail__text_add(htrail__text *text, const char *data, size_t len);
void htrail__text_add_string(htrail__text *text, const char *string);
void htrail__text_format(htrail__text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a Python string literal. */
void htrail__text_add_quoted(htrail__text *text, const char *data, size_t len);
/* One Unicode character as UTF-8. */
void htrail__text_add_character(htrail__text *text, unsigned character);
/* A number with one digit after the point, whatever the locale says. */
void htrail__text_add_tenths(htrail__text *text, double number);
/* Never NULL; valid until the next add. */
const char *htrail__text_string(const htrail__text *text);
/* Empty again, memory kept. */
void htrail__text_clear(htrail__text *text);
void htrail__text_release(htrail__text *text);

#endif
