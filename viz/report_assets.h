/* viz/report_assets.h - the page of the report: a template with @NAMES@, style and script. NUL-terminated. */
#ifndef HTRAIL_VIZ_REPORT_ASSETS_H
#define HTRAIL_VIZ_REPORT_ASSETS_H

extern const char htrail__report_html[], htrail__report_css[], htrail__report_js[];
/* What the explorer has beside. */
extern const char htrail__explorer_css[], htrail__explorer_js[];

#endif
