/* viz/report_page.h - one HTML file that fetches nothing: the page of viz/report/ with its data in it.
 *
 * Texts of the heap stand in the JSON, which the script puts in as text, and in the chains, which are written
 * with viz/escape.h. A Content-Security-Policy lets the page's own script run, known by its hash, and nothing
 * else: no request, no other script. The explorer's page (`heaptrail serve`) is the same with one script more, and may
 * ask where it came from. */
#ifndef HTRAIL_VIZ_REPORT_PAGE_H
#define HTRAIL_VIZ_REPORT_PAGE_H

#include <htrail/status.h>

#include "analyze/text.h"

enum { HTRAIL__REPORT_BYTES_MAX = 64 << 20 };

typedef enum htrail__report_kind { HTRAIL__REPORT_FILE, HTRAIL__REPORT_EXPLORER } htrail__report_kind;

/* Adds the page to out. title is text; json and chains (sections of HTML) are borrowed. */
HTRAIL_MUST_CHECK htrail_status htrail__report_page_write(htrail__text *out, const char *title, const htrail__text *json, const htrail__text *chains,
                                                          htrail__report_kind kind);

#endif
