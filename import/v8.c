/* import/v8.c - a .heapsnapshot of V8 (node, Chrome) as a snapshot. docs/import.md says what becomes of what.
 *
 *     {"snapshot": {"meta": {"node_fields": [...], "node_types": [[...], ...], "edge_fields": ..., "edge_types": ...}, ...},
 *      "nodes": [numbers, as many a node as node_fields], "edges": [likewise, those of the first node first], "strings": [...]}
 *
 * Names are numbers of strings, which come last, and an edge leads to a place in nodes: the first pass keeps nodes (25 bytes
 * each) and strings, the second writes as the edges go by. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import/json.h"

enum { FIELDS_MAX = 32, TYPES_MAX = 64, TYPE_NAME_BYTES = 32 };

enum section { SECTION_NONE, SECTION_SNAPSHOT, SECTION_NODES, SECTION_EDGES, SECTION_STRINGS };
enum meta { META_NONE, META_NODE_FIELDS, META_NODE_TYPES, META_EDGE_FIELDS, META_EDGE_TYPES };
enum node_field { NODE_TYPE, NODE_NAME, NODE_ID, NODE_SIZE, NODE_EDGES, NODE_FIELDS_USED };
enum edge_field { EDGE_TYPE, EDGE_NAME, EDGE_TO, EDGE_FIELDS_USED };

/* What a node's type makes of it. */
typedef enum node_kind {
    KIND_OTHER, KIND_OBJECT, KIND_NATIVE, KIND_SYSTEM, KIND_STRING, KIND_NAMED, KIND_SYNTHETIC
} node_kind;

typedef struct node { uint64_t id, size_bytes; uint32_t name, edge_count; } node;
typedef struct v8_text { size_t offset; uint32_t len; htrail_label label; } v8_text;
typedef struct names { char text[TYPES_MAX][TYPE_NAME_BYTES]; uint32_t count; } names;

typedef struct v8 {
    htrail__job *job;
    uint32_t depth, section, meta;
    bool in_meta;
    names node_fields, node_types, edge_fields, edge_types;
    uint32_t node_at[NODE_FIELDS_USED], edge_at[EDGE_FIELDS_USED]; /* places of the fields; checked when nodes begin */
    uint8_t node_kinds[TYPES_MAX];
    uint8_t edge_kinds[TYPES_MAX]; /* htrail_ref_kind */
    bool edge_has_index[TYPES_MAX];
    bool is_described;

    int64_t fields[FIELDS_MAX];
    uint32_t field;
    node *nodes;        size_t node_count, node_cap;
    uint8_t *types;     size_t type_cap;
    v8_text *texts;     size_t text_count, text_cap;
    char *bytes;        size_t byte_count, byte_cap;

    uint8_t *is_root;   /* by node: a synthetic one that only holds; second pass */
    uint8_t *is_type;   /* by text: a type of this name was added */
    uint64_t types_added;
    size_t source;      /* the node whose edges go by */
    uint32_t edges_left;
} v8;

static uint64_t offset(const v8 *v) { return htrail__source_offset(v->job->source); }

/* The description. */

static bool is(const char *text, size_t len, const char *wanted) { return len == strlen(wanted) && memcmp(text, wanted, len) == 0; }

static bool add_to(v8 *v, names *list, const char *text, size_t len)
{
    if (list->count == TYPES_MAX)
        return htrail__job_fail(v->job, offset(v), "its description lists more than %d names", TYPES_MAX);
    size_t kept = len < TYPE_NAME_BYTES - 1 ? len : TYPE_NAME_BYTES - 1;
    memcpy(list->text[list->count], text, kept);
    list->text[list->count++][kept] = '\0';
    return true;
}

static uint32_t place_in(const names *list, const char *wanted)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->text[i], wanted) == 0)
            return i;
    return UINT32_MAX;
}

static bool describe(v8 *v)
{
    static const char *const node_fields[NODE_FIELDS_USED] = {"type", "name", "id", "self_size", "edge_count"};
    static const char *const edge_fields[EDGE_FIELDS_USED] = {"type", "name_or_index", "to_node"};
    static const struct { const char *name; uint8_t kind; } node_kinds[] = {
        {"hidden", KIND_SYSTEM}, {"array", KIND_NAMED}, {"string", KIND_STRING}, {"object", KIND_OBJECT}, {"code", KIND_NAMED}, {"closure", KIND_NAMED},
        {"native", KIND_NATIVE}, {"synthetic", KIND_SYNTHETIC}, {"concatenated string", KIND_STRING}, {"sliced string", KIND_STRING},
        {"symbol", KIND_NAMED}, {"object shape", KIND_NAMED}};
    static const struct { const char *name; uint8_t kind; bool has_index; } edge_kinds[] = {
        {"context", HTRAIL_REF_CELL, false}, {"element", HTRAIL_REF_INDEX, true}, {"property", HTRAIL_REF_ATTR, false}, {"internal", HTRAIL_REF_FIELD, false},
        {"hidden", HTRAIL_REF_PLAIN, true}, {"shortcut", HTRAIL_REF_FIELD, false}, {"weak", HTRAIL_REF_WEAK, false}};

    if (v->node_fields.count > FIELDS_MAX || v->edge_fields.count > FIELDS_MAX)
        return htrail__job_fail(v->job, offset(v), "it has nodes or edges of more than %d fields", FIELDS_MAX);
    for (int i = 0; i < NODE_FIELDS_USED; i++)
        if ((v->node_at[i] = place_in(&v->node_fields, node_fields[i])) == UINT32_MAX)
            return htrail__job_fail(v->job, offset(v), "its description, which comes first, has no field '%s' of nodes", node_fields[i]);
    for (int i = 0; i < EDGE_FIELDS_USED; i++)
        if ((v->edge_at[i] = place_in(&v->edge_fields, edge_fields[i])) == UINT32_MAX)
            return htrail__job_fail(v->job, offset(v), "its description, which comes first, has no field '%s' of edges", edge_fields[i]);
    for (uint32_t i = 0; i < v->node_types.count; i++)
        for (size_t k = 0; k < sizeof node_kinds / sizeof *node_kinds; k++)
            if (strcmp(v->node_types.text[i], node_kinds[k].name) == 0)
                v->node_kinds[i] = node_kinds[k].kind;
    for (uint32_t i = 0; i < v->edge_types.count; i++)
        for (size_t k = 0; k < sizeof edge_kinds / sizeof *edge_kinds; k++)
            if (strcmp(v->edge_types.text[i], edge_kinds[k].name) == 0) {
                v->edge_kinds[i] = edge_kinds[k].kind;
                v->edge_has_index[i] = edge_kinds[k].has_index;
            }
    v->is_described = true;
    return true;
}

/* Both passes. */

static bool on_key(void *arg, const char *key, size_t len)
{
    v8 *v = arg;
    if (v->depth == 1) {
        v->section = is(key, len, "snapshot") ? SECTION_SNAPSHOT : is(key, len, "nodes") ? SECTION_NODES : is(key, len, "edges") ? SECTION_EDGES
                   : is(key, len, "strings") ? SECTION_STRINGS : SECTION_NONE;
        v->field = 0;
        if ((v->section == SECTION_NODES || v->section == SECTION_EDGES) && !v->is_described)
            return describe(v);
    } else if (v->depth == 2 && v->section == SECTION_SNAPSHOT) {
        v->in_meta = is(key, len, "meta");
    } else if (v->depth == 3 && v->section == SECTION_SNAPSHOT && v->in_meta) {
        v->meta = v->is_described ? META_NONE : is(key, len, "node_fields") ? META_NODE_FIELDS : is(key, len, "node_types") ? META_NODE_TYPES
                : is(key, len, "edge_fields") ? META_EDGE_FIELDS : is(key, len, "edge_types") ? META_EDGE_TYPES : META_NONE;
    }
    return true;
}

static bool on_open(void *arg, bool is_array)
{
    v8 *v = arg;
    v->depth++;
    return v->depth != 1 || !is_array || htrail__job_fail(v->job, 0, "it is a list and no heap snapshot of V8");
}

static bool on_close(void *arg, bool is_array)
{
    v8 *v = arg;
    (void)is_array;
    v->depth--;
    if (v->depth == 1 && (v->section == SECTION_NODES || v->section == SECTION_EDGES) && v->field != 0)
        return htrail__job_fail(v->job, offset(v), "the last of its %s is not whole", v->section == SECTION_NODES ? "nodes" : "edges");
    return true;
}

/* The first pass. */

static bool first_string(void *arg, const char *data, size_t len)
{
    v8 *v = arg;
    if (v->section == SECTION_STRINGS && v->depth == 2) {
        if (!htrail__job_reserve(v->job, &v->texts, &v->text_cap, v->text_count, 1, sizeof *v->texts) || !htrail__job_reserve(v->job, &v->bytes, &v->byte_cap, v->byte_count, len + 1, 1))
            return false;
        memcpy(v->bytes + v->byte_count, data, len);
        v->texts[v->text_count++] = (v8_text){.offset = v->byte_count, .len = (uint32_t)len};
        v->byte_count += len;
        return true;
    }
    if (v->section != SECTION_SNAPSHOT || !v->in_meta)
        return true;
    switch (v->meta) {
    case META_NODE_FIELDS: return v->depth != 4 || add_to(v, &v->node_fields, data, len);
    case META_EDGE_FIELDS: return v->depth != 4 || add_to(v, &v->edge_fields, data, len);
    /* The first of these lists belongs to the field 'type', and it alone is one. */
    case META_NODE_TYPES: return v->depth != 5 || add_to(v, &v->node_types, data, len);
    case META_EDGE_TYPES: return v->depth != 5 || add_to(v, &v->edge_types, data, len);
    default: return true;
    }
}

static bool first_number(void *arg, int64_t value)
{
    v8 *v = arg;
    if (v->section != SECTION_NODES || v->depth != 2)
        return true;
    v->fields[v->field++] = value;
    if (v->field < v->node_fields.count)
        return true;
    v->field = 0;
    for (int i = 0; i < NODE_FIELDS_USED; i++)
        if (v->fields[v->node_at[i]] < 0)
            return htrail__job_fail(v->job, offset(v), "node %zu has a number below 0", v->node_count);
    const int64_t *at = v->fields;
    if (at[v->node_at[NODE_ID]] == 0 || at[v->node_at[NODE_TYPE]] >= v->node_types.count)
        return htrail__job_fail(v->job, offset(v), "node %zu has type %" PRId64 " and id %" PRId64, v->node_count, at[v->node_at[NODE_TYPE]], at[v->node_at[NODE_ID]]);
    if (!htrail__job_reserve(v->job, &v->nodes, &v->node_cap, v->node_count, 1, sizeof *v->nodes) || !htrail__job_reserve(v->job, &v->types, &v->type_cap, v->node_count, 1, 1))
        return false;
    int64_t name = at[v->node_at[NODE_NAME]], edges = at[v->node_at[NODE_EDGES]];
    v->nodes[v->node_count] = (node){.id = (uint64_t)at[v->node_at[NODE_ID]], .size_bytes = (uint64_t)at[v->node_at[NODE_SIZE]],
                                     .name = name < UINT32_MAX ? (uint32_t)name : UINT32_MAX, .edge_count = edges < UINT32_MAX ? (uint32_t)edges : UINT32_MAX};
    v->types[v->node_count++] = (uint8_t)at[v->node_at[NODE_TYPE]];
    return true;
}

/* The second pass. */

static htrail_str text_of(const v8 *v, uint64_t number)
{
    return number < v->text_count ? (htrail_str){v->bytes + v->texts[number].offset, v->texts[number].len} : (htrail_str){"", 0};
}

static htrail_label label_of(v8 *v, uint64_t number)
{
    if (number >= v->text_count)
        return 0;
    if (v->texts[number].label == 0)
        v->texts[number].label = htrail__job_label(v->job, v->bytes + v->texts[number].offset, v->texts[number].len);
    return v->texts[number].label;
}

/* Under which name Chrome's memory panel would show it: an object's constructor, "(string)", "(closure)". No object lies at these ids. */
static bool type_of(v8 *v, const node *of, uint8_t type, htrail_id *id)
{
    enum { NAME_ROOM = TYPE_NAME_BYTES + 3 };
    static const char system_prefix[] = "system / ";
    char name[NAME_ROOM];
    htrail_str own = text_of(v, of->name);
    bool is_system = own.len >= strlen(system_prefix) && memcmp(own.data, system_prefix, strlen(system_prefix)) == 0;
    bool by_name = own.len > 0 && (v->node_kinds[type] == KIND_OBJECT || v->node_kinds[type] == KIND_NATIVE || (v->node_kinds[type] == KIND_SYSTEM && is_system));
    htrail_type added = {.flags = HTRAIL_TYPE_PSEUDO};

    if (by_name) {
        *id = added.id = UINT64_C(3) << 62 | (uint64_t)of->name << 1;
        if (v->is_type[of->name])
            return true;
        v->is_type[of->name] = 1;
        added.name = own;
    } else {
        const char *plain = v->node_kinds[type] == KIND_SYSTEM ? "system" : strcmp(v->node_types.text[type], "code") == 0 ? "compiled code" : v->node_types.text[type];
        *id = added.id = UINT64_C(1) << 63 | (uint64_t)type << 1;
        if (v->types_added >> type & 1)
            return true;
        v->types_added |= UINT64_C(1) << type;
        size_t len = strlen(plain);
        name[0] = '(';
        memcpy(name + 1, plain, len);
        name[len + 1] = ')';
        added.name = (htrail_str){name, len + 2};
    }
    return htrail__job_wrote(v->job, htrail_writer_add_type(v->job->writer, &added));
}

static bool add_root(v8 *v, size_t at)
{
    htrail_str name = text_of(v, v->nodes[at].name);
    htrail_root root = {.object = v->nodes[at].id, .kind = HTRAIL_ROOT_RUNTIME, .name = name.len > 0 ? name : (htrail_str){"(root)", 6}};
    v->is_root[at] = 1;
    return htrail__job_wrote(v->job, htrail_writer_add_root(v->job->writer, &root));
}

/* Ends the node whose last edge was read, and begins those after it until one has edges. */
static bool next_nodes(v8 *v)
{
    htrail__job *job = v->job;
    while (v->edges_left == 0 && v->source < v->node_count) {
        const node *of = &v->nodes[v->source];
        uint8_t kind = v->node_kinds[v->types[v->source]];
        htrail_str name = text_of(v, of->name);
        if (job->object.id != 0 && !htrail__job_end(job))
            return false;
        htrail_id type;
        if (!type_of(v, of, v->types[v->source], &type))
            return false;
        if ((kind == KIND_NAMED || kind == KIND_SYNTHETIC) && name.len > 0 && !htrail__job_name(job, of->id, name.data, name.len, "", 0))
            return false;
        if (kind == KIND_STRING && job->with_contents &&
            !htrail__job_wrote(job, htrail_writer_add_value(job->writer, &(htrail_value){.object = of->id, .text = name, .flags = HTRAIL_VALUE_TEXT})))
            return false;
        htrail__job_begin(job, of->id, type, of->size_bytes, kind == KIND_SYNTHETIC ? HTRAIL_OBJECT_PSEUDO : 0);
        v->edges_left = of->edge_count;
        if (v->edges_left == 0) {
            v->source++;
            if (!htrail__job_end(job))
                return false;
            job->object.id = 0;
        }
    }
    return true;
}

static bool second_number(void *arg, int64_t value)
{
    v8 *v = arg;
    if (v->section != SECTION_EDGES || v->depth != 2)
        return true;
    v->fields[v->field++] = value;
    if (v->field < v->edge_fields.count)
        return true;
    v->field = 0;
    if (v->source >= v->node_count)
        return htrail__job_fail(v->job, offset(v), "it has more edges than its nodes say");
    int64_t type = v->fields[v->edge_at[EDGE_TYPE]], name = v->fields[v->edge_at[EDGE_NAME]], to = v->fields[v->edge_at[EDGE_TO]];
    if (type < 0 || type >= v->edge_types.count || name < 0 || to < 0 || to % v->node_fields.count != 0 || (uint64_t)to / v->node_fields.count >= v->node_count)
        return htrail__job_fail(v->job, offset(v), "an edge of node %zu has type %" PRId64 ", name %" PRId64 " and leads to %" PRId64, v->source, type, name, to);
    size_t target = (size_t)to / v->node_fields.count;
    uint32_t kind = v->edge_kinds[type];
    htrail_label label = kind == HTRAIL_REF_PLAIN ? 0 : v->edge_has_index[type] ? (htrail_label)name + 1 : label_of(v, (uint64_t)name);
    if (v->node_kinds[v->types[target]] == KIND_SYNTHETIC && v->is_root[v->source] && !v->is_root[target] && !add_root(v, target))
        return false;
    if (!htrail__job_ref(v->job, v->nodes[target].id, kind, label))
        return false;
    if (--v->edges_left > 0)
        return true;
    v->source++;
    if (!htrail__job_end(v->job))
        return false;
    v->job->object.id = 0;
    return next_nodes(v);
}

static bool write_all(v8 *v)
{
    static const htrail__json_events events = {.key = on_key, .open = on_open, .close = on_close, .number = second_number};
    v->is_root = calloc(v->node_count + 1, 1);
    v->is_type = calloc(v->text_count + 1, 1);
    if (v->is_root == NULL || v->is_type == NULL)
        return htrail__job_no_memory(v->job);
    if (v->node_count == 0)
        return htrail__job_fail(v->job, offset(v), "it has no nodes");
    if (v->text_count == 0)
        return htrail__job_fail(v->job, offset(v), "it has no strings");
    v->section = v->meta = v->depth = v->field = 0;
    v->job->object.id = 0;
    if (!htrail__source_rewind(v->job->source))
        return htrail__job_cut(v->job, 0, "its beginning");
    if (!add_root(v, 0) || !next_nodes(v) || !htrail__json_read(v->job, &events, v, 0))
        return false;
    if (v->source < v->node_count)
        return htrail__job_fail(v->job, offset(v), "it has fewer edges than its nodes say: those of node %zu are missing", v->source);
    return true;
}

bool htrail__import_v8(htrail__job *job)
{
    static const htrail__json_events events = {.key = on_key, .open = on_open, .close = on_close, .number = first_number, .string = first_string};
    v8 *v = calloc(1, sizeof *v);
    if (v == NULL)
        return htrail__job_no_memory(job);
    v->job = job;
    htrail__job_meta(job, "runtime", "V8 (heapsnapshot)");
    bool done = htrail__json_read(job, &events, v, 0) && write_all(v);
    /* The strings come last: of one that is cut nothing has a name. */
    if (job->status == HTRAIL_E_TRUNCATED)
        job->status = HTRAIL_E_CORRUPT;
    free(v->nodes);
    free(v->types);
    free(v->texts);
    free(v->bytes);
    free(v->is_root);
    free(v->is_type);
    free(v);
    return done;
}
