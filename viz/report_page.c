/* viz/report_page.c - see the header. */
#include "viz/report_page.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "viz/escape.h"
#include "viz/report_assets.h"

/* In a <script> element nothing is escaped; only '<' could end it, and JSON can write that otherwise. */
static void add_json(htrail__text *out, const htrail__text *json)
{
    const char *at = htrail__text_string(json), *end = at + json->len;
    while (at < end) {
        const char *next = memchr(at, '<', (size_t)(end - at));
        size_t len = (size_t)((next == NULL ? end : next) - at);
        htrail__text_add(out, at, len);
        at += len;
        if (at < end) {
            htrail__text_add_string(out, "\\u003c");
            at++;
        }
    }
}

static htrail_status add_hash(htrail__text *out, const char *script)
{
    guint8 digest[32];
    gsize len = sizeof digest;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    if (sum == NULL)
        return HTRAIL_E_NOMEM;
    g_checksum_update(sum, (const guchar *)script, -1);
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    char *text = g_base64_encode(digest, len);
    htrail__text_format(out, "'sha256-%s'", text);
    g_free(text);
    return HTRAIL_OK;
}

static void add_script(htrail__text *out, const char *script)
{
    htrail__text_add_string(out, "<script>");
    htrail__text_add_string(out, script);
    htrail__text_add_string(out, "</script>\n");
}

/* What stands for a name of the template. */
typedef struct page {
    const char *title;
    const htrail__text *json, *chains;
    bool explores;
} page;

static bool is(const char *name, size_t len, const char *wanted) { return len == strlen(wanted) && memcmp(name, wanted, len) == 0; }

/* false: no name of ours, but an @ of the page's own. */
static bool add_part(htrail__text *out, const page *p, const char *name, size_t len, htrail_status *status)
{
    if (is(name, len, "TITLE")) {
        htrail__escape_xml(out, p->title, strlen(p->title));
        htrail__text_add_string(out, ": heaptrail");
    } else if (is(name, len, "SCRIPT_POLICY")) {
        *status = add_hash(out, htrail__report_js);
        if (*status == HTRAIL_OK && p->explores) {
            htrail__text_add_string(out, " ");
            *status = add_hash(out, htrail__explorer_js);
            htrail__text_add_string(out, "; connect-src 'self'");
        }
    } else if (is(name, len, "STYLE")) {
        htrail__text_add_string(out, htrail__report_css);
        htrail__text_add_string(out, p->explores ? htrail__explorer_css : "");
    } else if (is(name, len, "DATA")) {
        add_json(out, p->json);
    } else if (is(name, len, "SCRIPT")) { /* the explorer's first: the page finds it there */
        if (p->explores)
            add_script(out, htrail__explorer_js);
        add_script(out, htrail__report_js);
    } else if (is(name, len, "CHAINS")) {
        htrail__text_add(out, htrail__text_string(p->chains), p->chains->len);
    } else {
        return false;
    }
    return true;
}

htrail_status htrail__report_page_write(htrail__text *out, const char *title, const htrail__text *json, const htrail__text *chains, htrail__report_kind kind)
{
    const page p = {title, json, chains, kind == HTRAIL__REPORT_EXPLORER};
    htrail_status status = HTRAIL_OK;
    for (const char *at = htrail__report_html; *at != '\0' && status == HTRAIL_OK;) {
        const char *name = strchr(at, '@'), *end = name == NULL ? NULL : strchr(name + 1, '@');
        if (end == NULL) {
            htrail__text_add_string(out, at);
            break;
        }
        htrail__text_add(out, at, (size_t)(name - at));
        at = end + 1;
        if (!add_part(out, &p, name + 1, (size_t)(end - name) - 1, &status)) {
            htrail__text_add(out, name, 1);
            at = name + 1;
        }
    }
    return status != HTRAIL_OK ? status : out->failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
}
