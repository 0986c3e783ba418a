/* viz/report_page.c - see the header. */
#include "viz/report_page.h"

#include <glib.h>
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

static htrail_status add_hash(htrail__text *out)
{
    guint8 digest[32];
    gsize len = sizeof digest;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    if (sum == NULL)
        return HTRAIL_E_NOMEM;
    g_checksum_update(sum, (const guchar *)htrail__report_js, -1);
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    char *text = g_base64_encode(digest, len);
    htrail__text_format(out, "sha256-%s", text);
    g_free(text);
    return HTRAIL_OK;
}

htrail_status htrail__report_page_write(htrail__text *out, const char *title, const htrail__text *json, const htrail__text *chains)
{
    htrail_status status = HTRAIL_OK;
    for (const char *at = htrail__report_html; *at != '\0';) {
        const char *name = strchr(at, '@'), *end = name == NULL ? NULL : strchr(name + 1, '@');
        if (end == NULL) {
            htrail__text_add_string(out, at);
            break;
        }
        htrail__text_add(out, at, (size_t)(name - at));
        size_t len = (size_t)(end - name) - 1;
        at = end + 1;
        if (len == 5 && memcmp(name + 1, "TITLE", 5) == 0) {
            htrail__escape_xml(out, title, strlen(title));
            htrail__text_add_string(out, ": heaptrail");
        } else if (len == 11 && memcmp(name + 1, "SCRIPT_HASH", 11) == 0) {
            status = add_hash(out);
        } else if (len == 6 && memcmp(name + 1, "SCRIPT", 6) == 0) {
            htrail__text_add_string(out, htrail__report_js);
        } else if (len == 5 && memcmp(name + 1, "STYLE", 5) == 0) {
            htrail__text_add_string(out, htrail__report_css);
        } else if (len == 4 && memcmp(name + 1, "DATA", 4) == 0) {
            add_json(out, json);
        } else if (len == 6 && memcmp(name + 1, "CHAINS", 6) == 0) {
            htrail__text_add(out, htrail__text_string(chains), chains->len);
        } else { /* an @ of the page's own */
            htrail__text_add(out, name, 1);
            at = name + 1;
        }
        if (status != HTRAIL_OK)
            return status;
    }
    return out->failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
}
