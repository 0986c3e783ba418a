/* export/v8.c - a .heapsnapshot, as V8 writes it and Chrome's memory panel, node's tools and memlab read it.
 *
 * Two nodes and one a kind of root come before the objects. Names are numbers into the strings, which come last. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/texts.h"
#include "export/job.h"

enum { NODE_FIELDS = 7, FIRST_KIND = 2 };
enum { TYPE_HIDDEN, TYPE_ARRAY, TYPE_STRING, TYPE_OBJECT, TYPE_CODE, TYPE_CLOSURE, TYPE_SYNTHETIC = 9 };
enum { EDGE_CONTEXT, EDGE_ELEMENT, EDGE_PROPERTY, EDGE_INTERNAL, EDGE_HIDDEN, EDGE_SHORTCUT, EDGE_WEAK };

static const char head[] =
    "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\"trace_node_id\",\"detachedness\"],"
    "\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\",\"number\",\"native\",\"synthetic\",\"concatenated string\","
    "\"sliced string\",\"symbol\",\"bigint\",\"object shape\"],\"string\",\"number\",\"number\",\"number\",\"number\",\"number\"],"
    "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],"
    "\"string_or_number\",\"node\"],\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\",\"line\",\"column\"],"
    "\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\",\"children\"],\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],"
    "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]}";

/* What keeps an object alive that no object holds; garbage is held by a kind of its own, or the panel would have no place for it, and so
 * is what is immortal, so that it counts there as it does here: it does not go with what refers to it. */
#define HELD \
    "SELECT kind, object, CASE name WHEN '' THEN kind ELSE name END AS label, id AS place FROM root UNION ALL SELECT '(garbage)', id, '', 1 << 60 | id FROM object WHERE depth IS NULL AND dominator IS NULL\n" \
    "UNION ALL SELECT '(immortal)', id, '', 1 << 61 | id FROM object WHERE is_immortal AND depth IS NOT NULL"

typedef struct work {
    htrail__export_job *job;
    htrail__texts texts;
    uint32_t *edge_counts; /* by id */
    int64_t objects, edges, kinds, held;
    bool is_first;
} work;

static bool text(work *w, const char *from, uint32_t *number)
{
    return htrail__texts_add(&w->texts, (htrail_str){from, strlen(from)}, number) == HTRAIL_OK || htrail__export_no_memory(w->job);
}

static void node(work *w, uint32_t type, uint32_t name, uint64_t id, int64_t size_bytes, int64_t edges)
{
    fprintf(w->job->out, "%s%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",0,0\n", w->is_first ? "" : ",", type, name, id, size_bytes, edges);
    w->is_first = false;
}

static void edge(work *w, uint32_t type, uint64_t name, uint64_t to)
{
    fprintf(w->job->out, "%s%" PRIu32 ",%" PRIu64 ",%" PRIu64 "\n", w->is_first ? "" : ",", type, name, to * NODE_FIELDS);
    w->is_first = false;
}

static bool count(work *w)
{
    sqlite3_stmt *statement = NULL;
    int64_t last = 0;
    int step = -1;
    if (!htrail__export_number(w->job, "SELECT count(*) FROM object", &w->objects) || !htrail__export_number(w->job, "SELECT coalesce(max(id), 0) FROM object", &last) ||
        !htrail__export_number(w->job, "SELECT count(*) FROM reference", &w->edges) ||
        !htrail__export_number(w->job, "SELECT count(DISTINCT kind) FROM (" HELD ")", &w->kinds) || !htrail__export_number(w->job, "SELECT count(*) FROM (" HELD ")", &w->held))
        return false;
    if (last != w->objects) {
        w->job->status = HTRAIL_E_DATABASE;
        snprintf(w->job->message, w->job->message_cap, "the ids of its objects have gaps");
        return false;
    }
    if ((w->edge_counts = calloc((size_t)w->objects + 1, sizeof *w->edge_counts)) == NULL)
        return htrail__export_no_memory(w->job);
    if (htrail__export_prepare(w->job, &statement, "SELECT src, count(*) FROM reference GROUP BY src"))
        while ((step = htrail__export_step(w->job, statement)) == 1) {
            int64_t id = sqlite3_column_int64(statement, 0);
            if (id > 0 && id <= w->objects)
                w->edge_counts[id] = (uint32_t)sqlite3_column_int64(statement, 1);
        }
    sqlite3_finalize(statement);
    return step == 0;
}

static uint32_t type_of(const char *type)
{
    if (strcmp(type, "str") == 0 || strcmp(type, "bytes") == 0 || strcmp(type, "java.lang.String") == 0 || strcmp(type, "(string)") == 0)
        return TYPE_STRING;
    if (strcmp(type, "function") == 0 || strcmp(type, "(closure)") == 0)
        return TYPE_CLOSURE;
    return strcmp(type, "code") == 0 || strcmp(type, "(compiled code)") == 0 ? TYPE_CODE : TYPE_OBJECT;
}

static bool nodes(work *w)
{
    sqlite3_stmt *statement = NULL;
    char name[256];
    uint32_t number;
    int step = -1;

    w->is_first = true;
    fputs("\"nodes\":[", w->job->out);
    node(w, TYPE_SYNTHETIC, 0, 1, 0, 1);
    if (!text(w, "(GC roots)", &number))
        return false;
    node(w, TYPE_SYNTHETIC, number, 3, 0, w->kinds);
    if (!htrail__export_prepare(w->job, &statement, "SELECT kind, count(*) FROM (" HELD ") GROUP BY kind ORDER BY kind"))
        return false;
    for (uint64_t kind = FIRST_KIND; (step = htrail__export_step(w->job, statement)) == 1; kind++) {
        const char *of = htrail__export_text(statement, 0);
        snprintf(name, sizeof name, of[0] == '(' ? "%.200s" : "(%.200s)", of);
        if (!text(w, name, &number))
            break;
        node(w, TYPE_SYNTHETIC, number, 2 * kind + 1, 0, sqlite3_column_int64(statement, 1));
    }
    sqlite3_finalize(statement);
    statement = NULL;
    if (step != 0 || !htrail__export_prepare(w->job, &statement, "SELECT id, type, name, size, text FROM object ORDER BY id"))
        return false;
    while ((step = htrail__export_step(w->job, statement)) == 1) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const char *type = htrail__export_text(statement, 1), *own = htrail__export_text(statement, 2), *contents = htrail__export_text(statement, 4);
        uint32_t kind = type_of(type);
        /* The panel groups objects by their name, so it is their type; the other kinds are groups by themselves. */
        const char *shown = kind == TYPE_STRING && contents[0] != '\0' ? contents : kind != TYPE_OBJECT && own[0] != '\0' ? own : type;
        if (!text(w, shown, &number))
            break;
        node(w, kind, number, 2 * (uint64_t)(id + FIRST_KIND + w->kinds) + 1, sqlite3_column_int64(statement, 3), id > 0 && id <= w->objects ? w->edge_counts[id] : 0);
    }
    sqlite3_finalize(statement);
    fputs("],\n", w->job->out);
    return step == 0;
}

static bool root_edges(work *w)
{
    sqlite3_stmt *statement = NULL;
    uint32_t number;
    int step = -1;
    edge(w, EDGE_ELEMENT, 1, 1);
    for (int64_t kind = 0; kind < w->kinds; kind++)
        edge(w, EDGE_ELEMENT, (uint64_t)kind + 1, (uint64_t)(FIRST_KIND + kind));
    if (!htrail__export_prepare(w->job, &statement, "SELECT object, label FROM (" HELD ") ORDER BY kind, place"))
        return false;
    while ((step = htrail__export_step(w->job, statement)) == 1) {
        if (!text(w, htrail__export_text(statement, 1), &number))
            break;
        edge(w, EDGE_PROPERTY, number, (uint64_t)(sqlite3_column_int64(statement, 0) - 1 + FIRST_KIND + w->kinds));
    }
    sqlite3_finalize(statement);
    return step == 0;
}

static bool edges(work *w)
{
    static const struct { const char *kind; uint32_t type; } types[] = {
        {"index", EDGE_ELEMENT}, {"value", EDGE_PROPERTY}, {"key", EDGE_INTERNAL}, {"field", EDGE_INTERNAL}, {"attr", EDGE_PROPERTY}, {"slot", EDGE_PROPERTY},
        {"cell", EDGE_CONTEXT}, {"local", EDGE_CONTEXT}, {"weak", EDGE_WEAK}};
    sqlite3_stmt *statement = NULL;
    int step = -1;

    w->is_first = true;
    fputs("\"edges\":[", w->job->out);
    if (!root_edges(w) || !htrail__export_prepare(w->job, &statement, "SELECT dst, kind, label FROM reference ORDER BY src, dst"))
        return false;
    while ((step = htrail__export_step(w->job, statement)) == 1) {
        const char *kind = htrail__export_text(statement, 1), *label = htrail__export_text(statement, 2);
        uint32_t type = EDGE_INTERNAL, number = 0;
        uint64_t to = (uint64_t)sqlite3_column_int64(statement, 0) - 1 + FIRST_KIND + (uint64_t)w->kinds;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (strcmp(types[i].kind, kind) == 0)
                type = types[i].type;
        if (type != EDGE_ELEMENT && !text(w, label[0] != '\0' ? label : kind, &number))
            break;
        edge(w, type, type == EDGE_ELEMENT ? strtoull(label, NULL, 10) : number, to);
    }
    sqlite3_finalize(statement);
    fputs("],\n", w->job->out);
    return step == 0;
}

static void strings(work *w)
{
    fputs("\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[],\n\"strings\":[", w->job->out);
    for (uint32_t i = 0; i < w->texts.count; i++) {
        htrail_str of = htrail__texts_get(&w->texts, i);
        fputs(i > 0 ? ",\n\"" : "\"", w->job->out);
        for (size_t k = 0; k < of.len; k++) {
            unsigned char letter = (unsigned char)of.data[k];
            if (letter < ' ' || letter == '"' || letter == '\\' || letter == 0x7f)
                fprintf(w->job->out, "\\u%04x", letter);
            else
                fputc(letter, w->job->out);
        }
        fputc('"', w->job->out);
    }
    fputs("]}\n", w->job->out);
}

bool htrail__export_v8(htrail__export_job *job)
{
    work w = {.job = job};
    bool done = false;
    if (htrail__texts_init(&w.texts, UINT32_MAX) != HTRAIL_OK)
        return htrail__export_no_memory(job);
    if (count(&w)) {
        fputs(head, job->out);
        fprintf(job->out, ",\"node_count\":%" PRId64 ",\"edge_count\":%" PRId64 ",\"trace_function_count\":0},\n", w.objects + FIRST_KIND + w.kinds, w.edges + w.held + w.kinds + 1);
        if ((done = nodes(&w) && edges(&w)))
            strings(&w);
    }
    free(w.edge_counts);
    htrail__texts_release(&w.texts);
    return done;
}
