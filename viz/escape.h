/* viz/escape.h - the one place where a text of the heap becomes safe to show. A name in
 * a heap may hold anything: markup, control characters, half a character, kilobytes.
 *
 * Each function adds to `out`. `clean` gives valid UTF-8 whose every character is
 * visible (format/visible.h: controls and what reorders a line become \x1b or \u202e), bytes
 * that are no UTF-8 become U+FFFD. `xml` and `dot` clean first, so they may be given anything. */
#ifndef HTRAIL_VIZ_ESCAPE_H
#define HTRAIL_VIZ_ESCAPE_H

#include "analyze/text.h"

enum { HTRAIL__LABEL_COLUMNS = 34 };

void htrail__escape_clean(htrail__text *out, const char *data, size_t len);
/* For the content of an XML element and for an attribute in double quotes. */
void htrail__escape_xml(htrail__text *out, const char *data, size_t len);
/* For a quoted string of a .dot file, where \N and \G are names of the graph. */
void htrail__escape_dot(htrail__text *out, const char *data, size_t len);
/* Clean, and at most `columns` wide: what is longer loses its middle to an ellipsis. */
void htrail__escape_ellipsis(htrail__text *out, const char *data, size_t len, size_t columns);

/* Columns of a terminal that a clean text takes. */
size_t htrail__escape_columns(const char *clean);

#endif
