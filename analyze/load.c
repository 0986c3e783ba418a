/* analyze/load.c - see the header. */
#include "analyze/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

#include "analyze/btree.h"
#include "analyze/graph.h"
#include "analyze/naming.h"
#include "analyze/reach.h"
#include "analyze/schema.h"

enum {
    KIND_COUNT = 13, /* htrail_ref_kind */
    BUCKETS = 66,    /* 0, then powers of two; the last is for what has no length */
    NO_LENGTH = 65,
    INSERTION_MAX = 32,
    PREFETCH_OBJECTS = 8,
    STEP_OBJECTS = 1 << 16,
    PAYLOAD_MAX = UINT32_MAX >> HTRAIL__LABEL_TAG_BITS
};

typedef struct edge {
    uint32_t dst, code;
} edge;

typedef struct sums {
    uint64_t count, bytes;
} sums;

typedef struct label_text {
    uint32_t kind, text;
    uint64_t repeat; /* the n-th reference with this label of one object to another; 0: the first */
} label_text;

typedef struct loader {
    const htrail__load_source *source;
    char *message, *partial;
    size_t message_cap;
    sqlite3 *db;
    htrail__graph *graph;
    htrail__reach reach;
    htrail__naming naming;
    htrail__btree_file file;
    htrail__btree tree;
    uint32_t object_root, reference_root, type_index_root, referrer_index_root;
    uint64_t total_bytes;

    /* Labels of the database. */
    label_text *labels;
    uint32_t label_count, label_room;
    uint32_t *label_of_text[KIND_COUNT]; /* by text: label + 1 */
    uint32_t *label_of_atom;

    /* Ids of the database, by text: id, 0 for none yet. */
    uint32_t *module_of_text, *name_of_text;
    uint32_t *module_texts, *name_texts; /* by id - 1 */
    uint32_t module_count, name_count;
    sums *module_sums, *name_sums, *type_sums;
    sums size_sums[BUCKETS], length_sums[BUCKETS];

    /* References that are rows: by source, then sorted. */
    uint32_t *codes;  /* by number - 1: label code of the holding reference */
    uint32_t *srcs, *dsts, *edge_codes;
    uint32_t edge_count;
} loader;

static htrail_status fail(loader *l, htrail_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

static htrail_status fail(loader *l, htrail_status status, const char *format, ...)
{
    va_list values;
    if (l->message != NULL && l->message_cap > 0) {
        va_start(values, format);
        vsnprintf(l->message, l->message_cap, format, values);
        va_end(values);
    }
    return status;
}

static htrail_status no_memory(loader *l)
{
    return fail(l, HTRAIL_E_NOMEM, "cannot load '%s': out of memory at %" PRIu32 " objects", l->source->name,
                l->graph == NULL ? 0 : l->graph->object_count);
}

static htrail_status database_failed(loader *l)
{
    return fail(l, HTRAIL_E_DATABASE, "cannot write '%s': %s", l->partial, l->db == NULL ? "out of memory" : sqlite3_errmsg(l->db));
}

static htrail_status pages_failed(loader *l, htrail_status status)
{
    return status == HTRAIL_E_NOMEM ? no_memory(l) : fail(l, status, "cannot write '%s': %s", l->partial, strerror(errno));
}

/* Reading is the first half of the work, writing the second. */
static void step_reading(void *arg, uint64_t done_bytes)
{
    loader *l = arg;
    l->source->progress(l->source->progress_arg, done_bytes / 2, l->source->file_bytes);
}

static void step_writing(loader *l, uint64_t done, uint64_t all)
{
    if (l->source->progress != NULL && l->source->file_bytes > 0 && all > 0)
        l->source->progress(l->source->progress_arg,
                            l->source->file_bytes / 2 + (uint64_t)((double)done / (double)all * (double)(l->source->file_bytes / 2)),
                            l->source->file_bytes);
}

/* Labels: one row for each kind and text. */

static htrail_status add_label(loader *l, uint32_t kind, uint32_t text, uint64_t repeat, uint32_t *label)
{
    if (l->label_count == l->label_room) {
        uint32_t room = l->label_room ? l->label_room * 2 : 1024;
        label_text *labels = room > PAYLOAD_MAX ? NULL : realloc(l->labels, (size_t)room * sizeof *labels);
        if (labels == NULL)
            return no_memory(l);
        l->labels = labels;
        l->label_room = room;
    }
    l->labels[l->label_count] = (label_text){kind, text, repeat};
    *label = l->label_count++;
    return HTRAIL_OK;
}

static htrail_status label_for(loader *l, uint32_t kind, uint32_t text, uint32_t *label)
{
    if (kind >= KIND_COUNT)
        kind = HTRAIL_REF_PLAIN; /* a kind of a later version */
    uint32_t **of_text = &l->label_of_text[kind];
    if (*of_text == NULL && (*of_text = calloc((size_t)l->graph->texts.count + 1, sizeof **of_text)) == NULL)
        return no_memory(l);
    if ((*of_text)[text] == 0) {
        htrail_status status = add_label(l, kind, text, 0, label);
        if (status != HTRAIL_OK)
            return status;
        (*of_text)[text] = *label + 1;
    }
    *label = (*of_text)[text] - 1;
    return HTRAIL_OK;
}

static htrail_status label_atoms(loader *l)
{
    htrail_status status = HTRAIL_OK;
    l->label_of_atom = malloc(((size_t)l->graph->atom_count + 1) * sizeof *l->label_of_atom);
    if (l->label_of_atom == NULL)
        return no_memory(l);
    for (uint32_t i = 0; i < l->graph->atom_count && status == HTRAIL_OK; i++)
        status = label_for(l, l->graph->atoms[i].kind, l->graph->atoms[i].text, &l->label_of_atom[i]);
    return status;
}

/* The code of the database for the reference at place: see analyze/schema.c. */
static htrail_status code_of(loader *l, uint32_t place, uint32_t *code)
{
    const htrail__graph *graph = l->graph;
    uint32_t raw = graph->labels[place], label, key, text = 0;
    htrail_status status;

    if (HTRAIL__LABEL_TAG(raw) == HTRAIL__LABEL_ATOM) {
        *code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, l->label_of_atom[HTRAIL__LABEL_PAYLOAD(raw)]);
        return HTRAIL_OK;
    }
    *code = raw;
    if (HTRAIL__LABEL_TAG(raw) != HTRAIL__LABEL_UNDER_KEY)
        return HTRAIL_OK;
    key = graph->targets[place - 1];
    if (key != HTRAIL__NO_ID) {
        uint32_t name = graph->name_of[key], number = l->reach.number_of[key];
        if (name != 0 && l->naming.is_text[graph->objects[key].type]) {
            text = graph->names[name - 1].name;
        } else if (number <= PAYLOAD_MAX) {
            *code = HTRAIL__LABEL(HTRAIL__LABEL_UNDER_KEY, number);
            return HTRAIL_OK;
        }
    }
    if ((status = label_for(l, HTRAIL_REF_VALUE, text, &label)) == HTRAIL_OK)
        *code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, label);
    return status;
}

/* Two references of one object to another with the same label are told apart by a number. */
static htrail_status code_of_repeat(loader *l, edge *at, uint64_t repeat)
{
    uint32_t tag = HTRAIL__LABEL_TAG(at->code), payload = HTRAIL__LABEL_PAYLOAD(at->code), label;
    uint32_t kind = tag == HTRAIL__LABEL_ATOM ? l->labels[payload].kind : tag == HTRAIL__LABEL_INDEX ? HTRAIL_REF_INDEX
                  : tag == HTRAIL__LABEL_STACK ? HTRAIL_REF_STACK : HTRAIL_REF_VALUE;
    htrail_status status = add_label(l, kind, tag == HTRAIL__LABEL_ATOM ? l->labels[payload].text : 0, repeat, &label);
    at->code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, label);
    return status;
}

/* References. */

static int by_target(const void *left, const void *right)
{
    const edge *a = left, *b = right;
    if (a->dst != b->dst)
        return a->dst < b->dst ? -1 : 1;
    return a->code < b->code ? -1 : a->code > b->code;
}

static void sort_edges(edge *edges, uint32_t count)
{
    if (count > INSERTION_MAX) {
        qsort(edges, count, sizeof *edges, by_target);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        edge moved = edges[i];
        uint32_t at = i;
        for (; at > 0 && (edges[at - 1].dst > moved.dst || (edges[at - 1].dst == moved.dst && edges[at - 1].code > moved.code)); at--)
            edges[at] = edges[at - 1];
        edges[at] = moved;
    }
}

/* The rows of one object, in the order of the table; holding references go to codes. */
static htrail_status collect_edges(loader *l, uint32_t object, uint32_t *next_child, edge *edges, uint32_t *count)
{
    const htrail__graph_object *o = &l->graph->objects[object];
    htrail_status status = HTRAIL_OK;
    uint32_t repeats = 0;

    *count = 0;
    for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count && status == HTRAIL_OK; at++) {
        uint32_t target = l->graph->targets[at], code;
        if (target == HTRAIL__NO_ID)
            continue;
        if ((status = code_of(l, at, &code)) != HTRAIL_OK)
            break;
        if (htrail__reach_is_holding(&l->reach, at))
            l->codes[(*next_child)++] = code;
        else
            edges[(*count)++] = (edge){l->reach.number_of[target], code};
    }
    sort_edges(edges, *count);
    for (uint32_t i = 1, first = 0; i < *count && status == HTRAIL_OK; i++) {
        if (by_target(&edges[i], &edges[first]) != 0) {
            first = i;
            continue;
        }
        repeats++;
        status = code_of_repeat(l, &edges[i], i - first + 1);
    }
    if (repeats > 0)
        sort_edges(edges, *count);
    return status;
}

static htrail_status encode_edges(loader *l)
{
    const htrail__graph *graph = l->graph;
    const htrail__reach *reach = &l->reach;
    uint32_t most = 0, next_child = 0, room = (uint32_t)graph->references;
    edge *edges;
    htrail_status status = HTRAIL_OK;

    for (uint32_t i = 0; i < graph->object_count; i++)
        if (graph->objects[i].ref_count > most)
            most = graph->objects[i].ref_count;
    edges = malloc(((size_t)most + 1) * sizeof *edges);
    l->codes = malloc(((size_t)graph->object_count + 1) * sizeof *l->codes);
    l->srcs = malloc(((size_t)room + 1) * sizeof *l->srcs);
    l->dsts = malloc(((size_t)room + 1) * sizeof *l->dsts);
    l->edge_codes = malloc(((size_t)room + 1) * sizeof *l->edge_codes);
    if (edges == NULL || l->codes == NULL || l->srcs == NULL || l->dsts == NULL || l->edge_codes == NULL) {
        status = no_memory(l);
        goto done;
    }
    for (uint32_t place = 0; place < graph->object_count; place++) {
        uint32_t count;
        if (place + PREFETCH_OBJECTS < graph->object_count)
            __builtin_prefetch(&graph->objects[reach->object_of[place + PREFETCH_OBJECTS]]);
        /* Children of the objects so far come next; objects that roots hold are in between. */
        while (next_child < graph->object_count && reach->holder[next_child] == 0)
            l->codes[next_child++] = 0;
        if ((status = collect_edges(l, reach->object_of[place], &next_child, edges, &count)) != HTRAIL_OK)
            goto done;
        for (uint32_t i = 0; i < count; i++) {
            l->srcs[l->edge_count] = place + 1;
            l->dsts[l->edge_count] = edges[i].dst;
            l->edge_codes[l->edge_count++] = edges[i].code;
        }
    }
done:
    free(edges);
    return status;
}

/* Small tables. */

static htrail_status run_sql(loader *l, const char *sql)
{
    return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK ? HTRAIL_OK : database_failed(l);
}

static sqlite3_stmt *prepare(loader *l, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(l->db, sql, -1, &statement, NULL) != SQLITE_OK)
        sqlite3_finalize(statement), statement = NULL;
    return statement;
}

static bool insert(sqlite3_stmt *statement)
{
    return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

static void bind_text(const loader *l, sqlite3_stmt *statement, int column, uint32_t text)
{
    htrail_str value = htrail__texts_get(&l->graph->texts, text);
    sqlite3_bind_text64(statement, column, value.data, value.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_number(sqlite3_stmt *statement, int column, uint64_t value)
{
    sqlite3_bind_int64(statement, column, (int64_t)value);
}

static htrail_status end_statement(loader *l, sqlite3_stmt *statement, bool fine)
{
    htrail_status status = fine && statement != NULL ? HTRAIL_OK : database_failed(l);
    sqlite3_finalize(statement);
    return status;
}

static htrail_status write_meta(loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *statement = prepare(l, "INSERT OR REPLACE INTO snapshot VALUES(?, ?)");
    bool fine = statement != NULL;
    char number[32];

    for (uint32_t i = 0; i < graph->meta_count && fine; i++) {
        bind_text(l, statement, 1, graph->metas[i].key);
        bind_text(l, statement, 2, graph->metas[i].value);
        fine = insert(statement);
    }
#define FACT(key, format, value)                                                                  \
    if (fine) {                                                                                   \
        snprintf(number, sizeof number, format, value);                                           \
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);                                  \
        sqlite3_bind_text(statement, 2, number, -1, SQLITE_TRANSIENT);                            \
        fine = insert(statement);                                                                 \
    }
#define TEXT(key, value)                                                                          \
    if (fine && (value)[0] != '\0') {                                                             \
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);                                  \
        sqlite3_bind_text(statement, 2, value, -1, SQLITE_TRANSIENT);                             \
        fine = insert(statement);                                                                 \
    }
    /* Ours come last: a file cannot say them of itself. */
    FACT("schema_version", "%d", HTRAIL__SCHEMA_VERSION)
    FACT("file_id", "%016" PRIx64, graph->header.file_id)
    FACT("file_bytes", "%" PRIu64, graph->bytes_read)
    FACT("source_bytes", "%" PRIu64, l->source->file_bytes)
    FACT("format_version", "%u", (unsigned)graph->header.version_major)
    FACT("format_version_minor", "%u", (unsigned)graph->header.version_minor)
    FACT("pointer_bytes", "%u", (unsigned)graph->header.pointer_bytes)
    FACT("objects", "%" PRIu32, graph->object_count)
    FACT("references", "%" PRIu64, graph->references)
    FACT("references_dangling", "%" PRIu64, graph->references_dangling)
    FACT("objects_duplicate", "%" PRIu64, graph->objects_duplicate)
    FACT("parts_lost", "%" PRIu64, graph->parts_lost)
    FACT("names_dangling", "%" PRIu64, graph->names_dangling)
    FACT("roots_dangling", "%" PRIu64, graph->roots_dangling)
    FACT("types", "%" PRIu32, graph->type_count)
    FACT("names", "%" PRIu32, graph->name_count)
    FACT("values", "%" PRIu32, graph->value_count)
    FACT("roots", "%" PRIu32, l->reach.root_count)
    FACT("size_bytes", "%" PRIu64, l->total_bytes)
    FACT("complete", "%d", graph->complete)
    TEXT("source", l->source->name)
    TEXT("cut", graph->cut)
    TEXT("stopped_early", graph->stopped)
#undef FACT
#undef TEXT
    return end_statement(l, statement, fine);
}

static htrail_status write_types(loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *statement = prepare(l, "INSERT INTO type VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < graph->type_count && fine; i++) {
        const htrail__graph_type *type = &graph->types[i];
        uint32_t object = htrail__addresses_find(&graph->addresses, type->address);
        uint32_t base = type->base == 0 ? HTRAIL__NO_ID : htrail__addresses_find(&graph->addresses, type->base);
        sqlite3_clear_bindings(statement);
        bind_number(statement, 1, i + 1);
        bind_text(l, statement, 2, type->full_name);
        bind_text(l, statement, 3, type->module);
        bind_text(l, statement, 4, type->name);
        bind_number(statement, 5, type->address);
        if (object != HTRAIL__NO_ID)
            bind_number(statement, 6, l->reach.number_of[object]);
        if (base != HTRAIL__NO_ID)
            bind_number(statement, 7, l->reach.number_of[base]);
        bind_number(statement, 8, type->basic_bytes);
        bind_number(statement, 9, type->item_bytes);
        bind_number(statement, 10, (type->flags & HTRAIL_TYPE_HEAP) != 0);
        bind_number(statement, 11, (type->flags & HTRAIL_TYPE_PSEUDO) != 0);
        bind_number(statement, 12, l->type_sums[i].count);
        bind_number(statement, 13, l->type_sums[i].bytes);
        fine = insert(statement);
    }
    return end_statement(l, statement, fine);
}

static htrail_status write_sums(loader *l, const char *sql, const uint32_t *texts, const sums *values, uint32_t count)
{
    sqlite3_stmt *statement = prepare(l, sql);
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < count && fine; i++) {
        bind_number(statement, 1, i + 1);
        bind_text(l, statement, 2, texts[i]);
        bind_number(statement, 3, values[i].count);
        bind_number(statement, 4, values[i].bytes);
        fine = insert(statement);
    }
    return end_statement(l, statement, fine);
}

static const char *kind_text(uint32_t kind)
{
    static const char *const texts[KIND_COUNT] = {"plain", "index", "key", "value", "attr", "slot", "field",
                                                  "local", "cell", "default", "offset", "stack", "weak"};
    return texts[kind];
}

static htrail_status write_labels(loader *l)
{
    sqlite3_stmt *statement = prepare(l, "INSERT INTO label VALUES(?1, ?2, ?3 || CASE WHEN ?4 > 0 THEN '#' || ?4 ELSE '' END)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->label_count && fine; i++) {
        bind_number(statement, 1, i);
        sqlite3_bind_text(statement, 2, kind_text(l->labels[i].kind), -1, SQLITE_STATIC);
        bind_text(l, statement, 3, l->labels[i].text);
        bind_number(statement, 4, l->labels[i].repeat);
        fine = insert(statement);
    }
    return end_statement(l, statement, fine);
}

static htrail_status write_roots(loader *l)
{
    sqlite3_stmt *statement = prepare(l, "INSERT INTO root VALUES(?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    char counts[64];
    for (uint32_t i = 0; i < l->reach.root_count && fine; i++) {
        const htrail__reach_root *root = &l->reach.roots[i];
        sqlite3_clear_bindings(statement);
        bind_number(statement, 1, i + 1);
        bind_number(statement, 2, l->reach.number_of[root->object]);
        sqlite3_bind_text(statement, 3, htrail__root_kind_text(root->kind), -1, SQLITE_STATIC);
        if (root->counts > 0) {
            snprintf(counts, sizeof counts, "%" PRIu64 " reference%s", root->counts, root->counts == 1 ? "" : "s");
            sqlite3_bind_text(statement, 4, counts, -1, SQLITE_TRANSIENT);
        } else {
            bind_text(l, statement, 4, root->name);
        }
        if (root->thread_id != 0)
            bind_number(statement, 5, root->thread_id);
        if (root->kind == HTRAIL_ROOT_FRAME)
            bind_number(statement, 6, root->depth);
        fine = insert(statement);
    }
    return end_statement(l, statement, fine);
}

/* Texts of names that are no name, and what the user asked for of the values. */
static htrail_status write_object_texts(loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *names = prepare(l, "INSERT INTO object_text VALUES(?, ?, NULL, 0)");
    sqlite3_stmt *values = prepare(l, "INSERT INTO object_text VALUES(?1, ?2, ?3, ?4) ON CONFLICT(object) DO UPDATE "
                                      "SET text = coalesce(?2, text), hash = ?3, is_cut = ?4");
    bool fine = names != NULL && values != NULL;
    for (uint32_t i = 0; i < graph->name_count && fine; i++) {
        uint32_t object = graph->names[i].object;
        if (object == HTRAIL__NO_ID || graph->name_of[object] != i + 1 || !l->naming.is_text[graph->objects[object].type])
            continue;
        bind_number(names, 1, l->reach.number_of[object]);
        bind_text(l, names, 2, graph->names[i].name);
        fine = insert(names);
    }
    for (uint32_t i = 0; i < graph->value_count && fine; i++) {
        const htrail__graph_value *value = &graph->values[i];
        if (value->object == HTRAIL__NO_ID)
            continue;
        sqlite3_clear_bindings(values);
        bind_number(values, 1, l->reach.number_of[value->object]);
        if (value->flags & HTRAIL_VALUE_TEXT)
            bind_text(l, values, 2, value->text);
        if (value->flags & HTRAIL_VALUE_HASH)
            bind_number(values, 3, value->hash);
        bind_number(values, 4, (value->flags & HTRAIL_VALUE_CUT) != 0);
        fine = insert(values);
    }
    htrail_status status = end_statement(l, names, fine);
    return end_statement(l, values, fine && status == HTRAIL_OK);
}

static unsigned bucket_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static htrail_status write_buckets(loader *l, const char *by, const sums *values)
{
    sqlite3_stmt *statement = prepare(l, "INSERT INTO total VALUES(?, ?, ?, ?)");
    bool fine = statement != NULL;
    char key[64];
    for (unsigned i = 0; i < BUCKETS && fine; i++) {
        uint64_t low = i == 0 ? 0 : UINT64_C(1) << (i - 1), high = i == 0 ? 0 : low + (low - 1);
        if (values[i].count == 0)
            continue;
        if (i == NO_LENGTH)
            snprintf(key, sizeof key, "none");
        else if (low == high)
            snprintf(key, sizeof key, "%" PRIu64, low);
        else
            snprintf(key, sizeof key, "%" PRIu64 "-%" PRIu64, low, high);
        sqlite3_bind_text(statement, 1, by, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
        bind_number(statement, 3, values[i].count);
        bind_number(statement, 4, values[i].bytes);
        fine = insert(statement);
    }
    return end_statement(l, statement, fine);
}

/* Ids and sums of modules, names, types, sizes. */

static uint32_t id_of_text(uint32_t *of_text, uint32_t *texts, uint32_t *count, uint32_t text)
{
    if (of_text[text] == 0) {
        texts[(*count)++] = text;
        of_text[text] = *count;
    }
    return of_text[text];
}

static uint32_t name_text_of(const loader *l, uint32_t object)
{
    uint32_t name = l->graph->name_of[object];
    return name == 0 || l->naming.is_text[l->graph->objects[object].type] ? 0 : l->naming.full_name[name - 1];
}

static void add_sums(sums *to, uint64_t bytes)
{
    to->count++;
    to->bytes += bytes;
}

static htrail_status sum_up(loader *l)
{
    const htrail__graph *graph = l->graph;
    size_t texts = (size_t)graph->texts.count + 1;

    l->module_of_text = calloc(texts, sizeof(uint32_t));
    l->name_of_text = calloc(texts, sizeof(uint32_t));
    l->module_texts = malloc(texts * sizeof(uint32_t));
    l->name_texts = malloc(texts * sizeof(uint32_t));
    l->module_sums = calloc(texts, sizeof(sums));
    l->name_sums = calloc(texts, sizeof(sums));
    l->type_sums = calloc((size_t)graph->type_count + 1, sizeof(sums));
    if (l->module_of_text == NULL || l->name_of_text == NULL || l->module_texts == NULL || l->name_texts == NULL ||
        l->module_sums == NULL || l->name_sums == NULL || l->type_sums == NULL)
        return no_memory(l);
    id_of_text(l->name_of_text, l->name_texts, &l->name_count, 0); /* id 1: no name */
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const htrail__graph_object *o = &graph->objects[i];
        add_sums(&l->type_sums[o->type], o->size_bytes);
        add_sums(&l->module_sums[id_of_text(l->module_of_text, l->module_texts, &l->module_count, l->naming.module_of[i]) - 1], o->size_bytes);
        add_sums(&l->name_sums[id_of_text(l->name_of_text, l->name_texts, &l->name_count, name_text_of(l, i)) - 1], o->size_bytes);
        add_sums(&l->size_sums[bucket_of(o->size_bytes)], o->size_bytes);
        add_sums(&l->length_sums[o->flags & HTRAIL_OBJECT_LENGTH ? bucket_of(o->length) : NO_LENGTH], o->size_bytes);
        l->total_bytes += o->size_bytes;
    }
    return HTRAIL_OK;
}

static uint32_t root_page_of(loader *l, const char *name)
{
    sqlite3_stmt *statement = prepare(l, "SELECT rootpage FROM sqlite_schema WHERE name = ?");
    uint32_t page = 0;
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
            page = (uint32_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return page;
}

/* What ANALYZE would find out by reading everything. */
static htrail_status write_statistics(loader *l)
{
    uint64_t objects = l->graph->object_count, edges = l->edge_count;
    uint64_t per_src = objects ? edges / objects + 1 : 1, per_type = l->graph->type_count ? objects / l->graph->type_count + 1 : 1;
    char sql[1024];
    snprintf(sql, sizeof sql,
             "ANALYZE sqlite_schema; INSERT INTO sqlite_stat1 VALUES('heap_object', 'heap_object_type', '%" PRIu64 " %" PRIu64 "'),"
             "('heap_reference', 'heap_reference', '%" PRIu64 " %" PRIu64 " 1 1'),"
             "('heap_reference', 'heap_referrer', '%" PRIu64 " %" PRIu64 "');",
             objects, per_type, edges, per_src, edges, per_src);
    return run_sql(l, sql);
}

static htrail_status write_small_tables(loader *l)
{
    htrail_status status;
    if (sqlite3_open_v2(l->partial, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return database_failed(l);
    if ((status = run_sql(l, "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                             "PRAGMA locking_mode = EXCLUSIVE; BEGIN;")) != HTRAIL_OK ||
        (status = run_sql(l, htrail__schema_sql)) != HTRAIL_OK || (status = write_meta(l)) != HTRAIL_OK ||
        (status = write_types(l)) != HTRAIL_OK ||
        (status = write_sums(l, "INSERT INTO module VALUES(?, ?, ?, ?)", l->module_texts, l->module_sums, l->module_count)) != HTRAIL_OK ||
        (status = write_sums(l, "INSERT INTO name VALUES(? - 1, ?, ?, ?)", l->name_texts, l->name_sums, l->name_count)) != HTRAIL_OK ||
        (status = write_labels(l)) != HTRAIL_OK || (status = write_roots(l)) != HTRAIL_OK ||
        (status = write_object_texts(l)) != HTRAIL_OK || (status = run_sql(l, htrail__schema_finish_sql)) != HTRAIL_OK ||
        (status = write_buckets(l, "size", l->size_sums)) != HTRAIL_OK ||
        (status = write_buckets(l, "length", l->length_sums)) != HTRAIL_OK || (status = write_statistics(l)) != HTRAIL_OK)
        return status;
    l->object_root = root_page_of(l, "heap_object");
    l->reference_root = root_page_of(l, "heap_reference");
    l->type_index_root = root_page_of(l, "heap_object_type");
    l->referrer_index_root = root_page_of(l, "heap_referrer");
    if ((status = run_sql(l, "COMMIT")) != HTRAIL_OK)
        return status;
    if (sqlite3_close(l->db) != SQLITE_OK)
        return database_failed(l);
    l->db = NULL;
    return HTRAIL_OK;
}

/* Large tables. */

static htrail_status write_objects(loader *l)
{
    const htrail__graph *graph = l->graph;
    const htrail__reach *reach = &l->reach;
    uint32_t child = 0, count = graph->object_count;
    htrail_status status = htrail__btree_begin(&l->tree, &l->file, false, l->object_root, count);

    for (uint32_t place = 0; place < count && status == HTRAIL_OK; place++) {
        uint32_t object = reach->object_of[place];
        const htrail__graph_object *o = &graph->objects[object];
        bool pseudo = o->flags & HTRAIL_OBJECT_PSEUDO, reached = reach->root[place] != 0;
        if (place + PREFETCH_OBJECTS < count) {
            __builtin_prefetch(&graph->objects[reach->object_of[place + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&graph->name_of[reach->object_of[place + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->naming.module_of[reach->object_of[place + PREFETCH_OBJECTS]]);
        }
        while (child < count && reach->holder[child] == 0)
            child++;
        uint32_t first_child = child;
        while (child < count && reach->holder[child] == place + 1)
            child++;
        int64_t row[] = {
            HTRAIL__BTREE_NULL, /* the rowid */
            (int64_t)o->address,
            (int64_t)o->type + 1,
            l->module_of_text[l->naming.module_of[object]],
            (int64_t)o->size_bytes,
            pseudo ? HTRAIL__BTREE_NULL : (int64_t)o->refcount,
            o->flags,
            reached ? (int64_t)reach->root[place] : HTRAIL__BTREE_NULL,
            reached ? (int64_t)reach->depth[place] : HTRAIL__BTREE_NULL,
            reach->holder[place] ? (int64_t)reach->holder[place] : HTRAIL__BTREE_NULL,
            reach->holder[place] ? (int64_t)l->codes[place] : HTRAIL__BTREE_NULL,
            o->flags & HTRAIL_OBJECT_LENGTH ? (int64_t)o->length : HTRAIL__BTREE_NULL,
            child > first_child ? (int64_t)first_child + 1 : HTRAIL__BTREE_NULL,
            child - first_child,
            (int64_t)l->name_of_text[name_text_of(l, object)] - 1,
        };
        /* What is left off at the end reads as the column's default. */
        size_t columns = sizeof row / sizeof *row;
        if (row[columns - 1] == 0 && row[--columns - 1] == 0 && row[--columns - 1] == HTRAIL__BTREE_NULL)
            while (row[columns - 1] == HTRAIL__BTREE_NULL)
                columns--;
        status = htrail__btree_add(&l->tree, (int64_t)place + 1, row, columns);
        if (place % STEP_OBJECTS == 0)
            step_writing(l, place, count);
    }
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    return status == HTRAIL_OK ? status : pages_failed(l, status);
}

static htrail_status write_references(loader *l)
{
    htrail_status status = htrail__btree_begin(&l->tree, &l->file, true, l->reference_root, l->edge_count);
    for (uint32_t i = 0; i < l->edge_count && status == HTRAIL_OK; i++)
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){l->srcs[i], l->dsts[i], l->edge_codes[i]}, 3);
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    return status == HTRAIL_OK ? status : pages_failed(l, status);
}

/* A stable counting sort: places[i] is the place of the i-th in the order of keys. */
static uint32_t *sorted_places(const uint32_t *keys, uint32_t count, uint32_t key_max)
{
    uint32_t *starts = calloc((size_t)key_max + 2, sizeof *starts), *places = malloc(((size_t)count + 1) * sizeof *places);
    if (starts != NULL && places != NULL) {
        for (uint32_t i = 0; i < count; i++)
            starts[keys[i] + 1]++;
        for (uint32_t key = 0; key <= key_max; key++)
            starts[key + 1] += starts[key];
        for (uint32_t i = 0; i < count; i++)
            places[starts[keys[i]]++] = i;
    } else {
        free(places);
        places = NULL;
    }
    free(starts);
    return places;
}

static htrail_status write_referrers(loader *l)
{
    uint32_t *places = sorted_places(l->dsts, l->edge_count, l->graph->object_count);
    htrail_status status;

    if (places == NULL)
        return no_memory(l);
    status = htrail__btree_begin(&l->tree, &l->file, true, l->referrer_index_root, l->edge_count);
    for (uint32_t i = 0; i < l->edge_count && status == HTRAIL_OK; i++) {
        if (i + PREFETCH_OBJECTS < l->edge_count) {
            __builtin_prefetch(&l->srcs[places[i + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->dsts[places[i + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->edge_codes[places[i + PREFETCH_OBJECTS]]);
        }
        uint32_t at = places[i];
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){l->dsts[at], l->srcs[at], l->edge_codes[at]}, 3);
    }
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    free(places);
    return status == HTRAIL_OK ? status : pages_failed(l, status);
}

static htrail_status write_type_index(loader *l)
{
    uint32_t count = l->graph->object_count, *types = calloc((size_t)count + 1, sizeof *types), *places = NULL;
    htrail_status status = HTRAIL_E_NOMEM;

    if (types == NULL)
        goto done;
    for (uint32_t place = 0; place < count; place++)
        types[place] = l->graph->objects[l->reach.object_of[place]].type;
    places = sorted_places(types, count, l->graph->type_count);
    if (places == NULL)
        goto done;
    status = htrail__btree_begin(&l->tree, &l->file, true, l->type_index_root, count);
    for (uint32_t i = 0; i < count && status == HTRAIL_OK; i++)
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){(int64_t)types[places[i]] + 1, (int64_t)places[i] + 1}, 2);
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
done:
    free(types);
    free(places);
    return status == HTRAIL_OK ? status : pages_failed(l, status);
}

static htrail_status write_large_tables(loader *l)
{
    htrail_status status = htrail__btree_file_open(&l->file, l->partial);
    if (status != HTRAIL_OK)
        return pages_failed(l, status);
    if ((status = write_objects(l)) != HTRAIL_OK || (status = write_type_index(l)) != HTRAIL_OK ||
        (status = write_references(l)) != HTRAIL_OK || (status = write_referrers(l)) != HTRAIL_OK)
        return status;
    status = htrail__btree_file_close(&l->file);
    return status == HTRAIL_OK ? status : pages_failed(l, status);
}

static htrail_status load(loader *l, htrail_reader *reader, const char *db_path)
{
    const htrail__graph_opts opts = {.name = l->source->name, .step = l->source->progress == NULL ? NULL : step_reading, .step_arg = l};
    htrail_status status = htrail__graph_read(&l->graph, reader, &opts, l->message, l->message_cap);

    if (status != HTRAIL_OK)
        return status;
    if (htrail__naming_build(&l->naming, l->graph) != HTRAIL_OK || htrail__reach_build(&l->reach, l->graph) != HTRAIL_OK)
        return no_memory(l);
    if ((status = label_atoms(l)) != HTRAIL_OK || (status = encode_edges(l)) != HTRAIL_OK || (status = sum_up(l)) != HTRAIL_OK)
        return status;
    if ((status = write_small_tables(l)) != HTRAIL_OK || (status = write_large_tables(l)) != HTRAIL_OK)
        return status;
    if (rename(l->partial, db_path) != 0)
        return fail(l, HTRAIL_E_IO, "cannot rename '%s' to '%s': %s", l->partial, db_path, strerror(errno));
    return HTRAIL_OK;
}

static void release(loader *l)
{
    sqlite3_close(l->db);
    htrail__btree_release(&l->tree);
    htrail__btree_file_release(&l->file);
    htrail__graph_free(l->graph);
    htrail__reach_release(&l->reach);
    htrail__naming_release(&l->naming);
    for (int kind = 0; kind < KIND_COUNT; kind++)
        free(l->label_of_text[kind]);
    free(l->labels);
    free(l->label_of_atom);
    free(l->module_of_text);
    free(l->name_of_text);
    free(l->module_texts);
    free(l->name_texts);
    free(l->module_sums);
    free(l->name_sums);
    free(l->type_sums);
    free(l->codes);
    free(l->srcs);
    free(l->dsts);
    free(l->edge_codes);
    free(l->partial);
}

htrail_status htrail__load(htrail_reader *reader, const htrail__load_source *source, const char *db_path, char *message,
                           size_t message_cap)
{
    loader l = {.source = source, .message = message, .message_cap = message_cap, .file = {.fd = -1}};
    htrail_status status;
    size_t len = strlen(db_path) + sizeof ".partial";

    l.partial = malloc(len);
    if (l.partial == NULL) {
        status = no_memory(&l);
    } else {
        snprintf(l.partial, len, "%s.partial", db_path);
        unlink(l.partial);
        status = load(&l, reader, db_path);
        if (status != HTRAIL_OK)
            unlink(l.partial);
    }
    release(&l);
    return status;
}
