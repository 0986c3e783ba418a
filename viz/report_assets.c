/* viz/report_assets.c - the page of the report as it stands in viz/report/, in the command. */
#include "viz/report_assets.h"

#define EMBED(name, path)                                                                                 \
    __asm__(".pushsection .rodata\n.global " #name "\n.hidden " #name "\n" #name ":\n.incbin \"" path "\"\n" \
            ".byte 0\n.popsection\n")

EMBED(htrail__report_html, "viz/report/page.html");
EMBED(htrail__report_css, "viz/report/page.css");
EMBED(htrail__report_js, "viz/report/page.js");
EMBED(htrail__explorer_css, "viz/report/explorer.css");
EMBED(htrail__explorer_js, "viz/report/explorer.js");
