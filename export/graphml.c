/* export/graphml.c - every object a node and every reference an edge, as yEd, Gephi, igraph and networkx read them. */
#include <inttypes.h>
#include <string.h>

#include "export/job.h"

/* XML has no place for control characters and for what is no UTF-8; both become '?'. */
static size_t sequence(const unsigned char *at)
{
    static const struct { unsigned char mask, bits; size_t len; } kinds[] = {{0xe0, 0xc0, 2}, {0xf0, 0xe0, 3}, {0xf8, 0xf0, 4}};
    if (*at < 0x80)
        return *at >= ' ' && *at != 0x7f ? 1 : 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((*at & kinds[i].mask) != kinds[i].bits)
            continue;
        uint32_t letter = *at & (unsigned char)~kinds[i].mask;
        for (size_t k = 1; k < kinds[i].len; k++) {
            if ((at[k] & 0xc0) != 0x80)
                return 0;
            letter = letter << 6 | (at[k] & 0x3f);
        }
        bool is_letter = letter >= (kinds[i].len == 2 ? 0xa0u : kinds[i].len == 3 ? 0x800u : 0x10000u) && letter <= 0x10ffff &&
                         (letter < 0xd800 || letter > 0xdfff) && letter != 0xfffe && letter != 0xffff;
        return is_letter ? kinds[i].len : 0;
    }
    return 0;
}

static void put(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t len = sequence(at);
        switch (len == 0 ? '\0' : *at) {
        case '\0': fputc('?', out); break;
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fwrite(at, 1, len, out);
        }
        at += len > 0 ? len : 1;
    }
}

static void data(FILE *out, const char *key, const char *text)
{
    if (text[0] == '\0')
        return;
    fprintf(out, "<data key=\"%s\">", key);
    put(out, text);
    fputs("</data>", out);
}

bool htrail__export_graphml(htrail__export_job *job)
{
    static const char head[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
        "<key id=\"type\" for=\"node\" attr.name=\"type\" attr.type=\"string\"/>\n<key id=\"name\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n"
        "<key id=\"size\" for=\"node\" attr.name=\"size\" attr.type=\"long\"/>\n<key id=\"retained\" for=\"node\" attr.name=\"retained\" attr.type=\"long\"/>\n"
        "<key id=\"root\" for=\"node\" attr.name=\"root\" attr.type=\"string\"/>\n<key id=\"kind\" for=\"edge\" attr.name=\"kind\" attr.type=\"string\"/>\n"
        "<key id=\"label\" for=\"edge\" attr.name=\"label\" attr.type=\"string\"/>\n<graph id=\"heap\" edgedefault=\"directed\">\n";
    static const char *const node_keys[] = {NULL, "type", "name", "size", "retained", "root"};
    sqlite3_stmt *statement = NULL;
    int step = -1;

    fputs(head, job->out);
    if (!htrail__export_prepare(job, &statement, "SELECT id, type, name, size, retained, (SELECT key FROM root WHERE root.object = object.id ORDER BY root.id LIMIT 1) FROM object ORDER BY id"))
        return false;
    while ((step = htrail__export_step(job, statement)) == 1) {
        fprintf(job->out, "<node id=\"n%lld\">", (long long)sqlite3_column_int64(statement, 0));
        for (int column = 1; column < (int)(sizeof node_keys / sizeof *node_keys); column++)
            data(job->out, node_keys[column], htrail__export_text(statement, column));
        fputs("</node>\n", job->out);
    }
    sqlite3_finalize(statement);
    statement = NULL;
    if (step != 0 || !htrail__export_prepare(job, &statement, "SELECT src, dst, kind, label FROM reference ORDER BY src, dst, kind, label"))
        return false;
    while ((step = htrail__export_step(job, statement)) == 1) {
        fprintf(job->out, "<edge source=\"n%lld\" target=\"n%lld\">", (long long)sqlite3_column_int64(statement, 0), (long long)sqlite3_column_int64(statement, 1));
        data(job->out, "kind", htrail__export_text(statement, 2));
        data(job->out, "label", htrail__export_text(statement, 3));
        fputs("</edge>\n", job->out);
    }
    sqlite3_finalize(statement);
    fputs("</graph>\n</graphml>\n", job->out);
    return step == 0;
}
