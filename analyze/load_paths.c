/* analyze/load_paths.c - objects by how they are held: one path for all that are reached by the same labels
 * and types on their shortest chains, whatever the positions. No address and no number is in it, so
 * paths of two processes can be compared.
 *
 *     sys.modules > ['__main__'] module > .keep list > [i] __main__.Record
 *
 * A value of a __dict__ is an attribute: some versions of Python keep attributes there, others beside the instance.
 * Names of a mapping with many items are data: its values are one path, unless it is a namespace or
 * sys.modules. What repeats itself on the way (a linked list) is one step. */
#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "analyze/loader.h"
#include "analyze/mapping.h"
#include "analyze/str.h"
#include "analyze/text.h"

enum {
    NAMES_MAX = 64,       /* items of a mapping whose keys are names */
    PERIOD_MAX = 4,       /* steps that may repeat themselves */
    PATHS_MAX = 1 << 18,  /* further ones are "...", */
    STEPS_MAX = 48,       /* and so are further steps */
    STEP_BYTES_MAX = 1 << 16,
    PREFETCH_OBJECTS = 8
};

/* Kinds of steps that are no reference: what a root holds, garbage, and what is past the limit. */
enum { STEP_ROOT = 32, STEP_GARBAGE, STEP_REST };

typedef struct path {
    uint32_t parent; /* number of it, 0 for none */
    uint32_t type, steps;
    uint64_t label; /* kind, and above it a text or a root's kind */
    uint64_t objects, bytes;
} path;

typedef struct paths {
    htrail__loader *l;
    path *all; /* by number - 1 */
    uint32_t count, room;
    uint32_t *slots; /* number of the path that (parent, label, type) leads to; it need not be a child */
    struct paths_key { uint64_t label; uint32_t parent, type; } *keys;
    size_t slot_count, slots_used;
    uint32_t dict_text; /* "__dict__"; 0 where no text says so */
} paths;

static uint64_t hash_of(uint64_t label, uint32_t parent, uint32_t type)
{
    uint64_t hash = (label * 0x9e3779b97f4a7c15u ^ parent) * 0xff51afd7ed558ccdu ^ type;
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 32;
}

static size_t slot_of(const paths *p, uint64_t label, uint32_t parent, uint32_t type)
{
    size_t slot = hash_of(label, parent, type) & (p->slot_count - 1);
    while (p->slots[slot] != 0 && (p->keys[slot].label != label || p->keys[slot].parent != parent || p->keys[slot].type != type))
        slot = (slot + 1) & (p->slot_count - 1);
    return slot;
}

static bool grow_slots(paths *p)
{
    paths larger = {.slot_count = p->slot_count > 0 ? p->slot_count * 2 : 4096};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    larger.keys = malloc(larger.slot_count * sizeof *larger.keys);
    if (larger.slots == NULL || larger.keys == NULL) {
        free(larger.slots);
        free(larger.keys);
        return false;
    }
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i] != 0) {
            size_t slot = slot_of(&larger, p->keys[i].label, p->keys[i].parent, p->keys[i].type);
            larger.slots[slot] = p->slots[i];
            larger.keys[slot] = p->keys[i];
        }
    free(p->slots);
    free(p->keys);
    p->slots = larger.slots;
    p->keys = larger.keys;
    p->slot_count = larger.slot_count;
    return true;
}

/* Where the last steps are those before them over again, the path that they repeat; else 0. */
static uint32_t repeated(const paths *p, uint32_t parent, uint64_t label, uint32_t type)
{
    for (uint32_t period = 1; period <= PERIOD_MAX; period++) {
        uint32_t last = parent, before = parent;
        for (uint32_t i = 1; i < period && before != 0; i++)
            before = p->all[before - 1].parent;
        if (before == 0 || p->all[before - 1].label != label || p->all[before - 1].type != type)
            continue;
        uint32_t found = before;
        for (uint32_t i = 1; i < period && before != 0; i++, last = p->all[last - 1].parent) {
            before = p->all[before - 1].parent;
            if (before == 0 || p->all[before - 1].label != p->all[last - 1].label || p->all[before - 1].type != p->all[last - 1].type)
                before = 0;
        }
        if (before != 0)
            return found;
    }
    return 0;
}

/* 0: out of memory. */
static uint32_t step_to(paths *p, uint32_t parent, uint64_t label, uint32_t type)
{
    if ((p->slots_used + 1) * 4 > p->slot_count * 3 && !grow_slots(p))
        return 0;
    size_t slot = slot_of(p, label, parent, type);
    if (p->slots[slot] != 0)
        return p->slots[slot];
    uint32_t number = repeated(p, parent, label, type), steps = parent == 0 ? 0 : p->all[parent - 1].steps;
    if (number == 0 && (label & 63) != STEP_REST && (p->count >= PATHS_MAX || steps >= STEPS_MAX)) {
        while (parent != 0 && p->count < PATHS_MAX && p->all[parent - 1].steps > STEPS_MAX - 1)
            parent = p->all[parent - 1].parent;
        return step_to(p, p->count < PATHS_MAX ? parent : 0, STEP_REST, type);
    }
    if (number == 0) {
        if (p->count == p->room) {
            uint32_t room = p->room > 0 ? p->room * 2 : 1024;
            path *all = realloc(p->all, room * sizeof *all);
            if (all == NULL)
                return 0;
            p->all = all;
            p->room = room;
        }
        p->all[p->count] = (path){.parent = parent, .type = type, .label = label, .steps = steps + 1};
        number = ++p->count;
    }
    p->slots[slot] = number;
    p->keys[slot] = (struct paths_key){label, parent, type};
    p->slots_used++;
    return number;
}

/* Whether the keys of a mapping are names and not data. */
static bool has_names(const htrail__loader *l, uint32_t holder)
{
    const htrail__graph *graph = l->graph;
    const htrail__graph_object *o = &graph->objects[l->reach.object_of[holder - 1]];
    uint32_t ref = l->reach.holder_ref[holder - 1];

    if (!(o->flags & HTRAIL_OBJECT_LENGTH) || o->length <= NAMES_MAX)
        return true;
    if (ref == HTRAIL__NO_REF)
        return l->reach.root[holder - 1] != 0 && l->reach.roots[l->reach.root[holder - 1] - 1].kind == HTRAIL_ROOT_MODULES;
    return htrail__graph_ref_kind(graph, ref) == HTRAIL_REF_FIELD;
}

static uint64_t label_of(const htrail__loader *l, uint32_t number)
{
    const htrail__graph *graph = l->graph;
    uint32_t ref = l->reach.holder_ref[number - 1], root = l->reach.root[number - 1], key, name, text = 0;

    if (root == 0)
        return STEP_GARBAGE;
    if (ref == HTRAIL__NO_REF || l->reach.holder[number - 1] == 0)
        return (uint64_t)l->reach.roots[root - 1].kind << 6 | STEP_ROOT;
    uint32_t code = graph->labels[ref], kind = htrail__graph_ref_kind(graph, ref);
    switch (HTRAIL__LABEL_TAG(code)) {
    case HTRAIL__LABEL_ATOM: text = graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].text; break;
    case HTRAIL__LABEL_UNDER_KEY:
        key = graph->targets[ref - 1];
        name = key == HTRAIL__NO_ID ? 0 : graph->name_of[key];
        if (name != 0 && l->naming.is_text[graph->objects[key].type])
            text = graph->names[name - 1].name;
        break;
    default: break;
    }
    if (kind == HTRAIL_REF_VALUE && !has_names(l, l->reach.holder[number - 1]))
        text = 0;
    return (uint64_t)text << 6 | (kind > HTRAIL_REF_WEAK ? HTRAIL_REF_PLAIN : kind);
}

static bool is_attributes(const paths *p, uint32_t holder)
{
    const htrail__graph *graph = p->l->graph;
    uint32_t ref = p->l->reach.holder_ref[holder - 1], code;

    if (ref == HTRAIL__NO_REF || p->l->reach.holder[holder - 1] == 0 || p->dict_text == 0)
        return false;
    code = graph->labels[ref];
    return HTRAIL__LABEL_TAG(code) == HTRAIL__LABEL_ATOM && graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].kind == HTRAIL_REF_FIELD &&
           graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].text == p->dict_text;
}

/* Holders have smaller numbers than what they hold. */
static bool find_paths(paths *p, uint32_t *path_of)
{
    const htrail__loader *l = p->l;
    for (uint32_t number = 1; number <= l->graph->object_count; number++) {
        const htrail__graph_object *o = &l->graph->objects[l->reach.object_of[number - 1]];
        uint32_t holder = l->reach.root[number - 1] == 0 ? 0 : l->reach.holder[number - 1];
        if (number + PREFETCH_OBJECTS <= l->graph->object_count)
            __builtin_prefetch(&l->graph->objects[l->reach.object_of[number + PREFETCH_OBJECTS - 1]]);
        uint64_t label = label_of(l, number);
        if (holder != 0 && (label & 63) == HTRAIL_REF_VALUE && label >> 6 != 0 && is_attributes(p, holder)) {
            label = label >> 6 << 6 | HTRAIL_REF_ATTR;
            holder = l->reach.holder[holder - 1];
        }
        uint32_t found = step_to(p, holder == 0 ? 0 : path_of[holder - 1], label, l->type_named[o->type]);
        if (found == 0)
            return false;
        path_of[number - 1] = found;
        p->all[found - 1].objects++;
        p->all[found - 1].bytes = o->size_bytes < INT64_MAX - p->all[found - 1].bytes ? p->all[found - 1].bytes + o->size_bytes : INT64_MAX;
    }
    return true;
}

/* "['keep'] list"; of what a root holds "frame > function". */
static void add_step(const htrail__loader *l, htrail__text *out, const path *step)
{
    htrail_str type = htrail__texts_get(&l->graph->texts, l->graph->types[step->type].full_name);
    uint32_t kind = step->label & 63;

    htrail__text_clear(out);
    if (kind == STEP_ROOT)
        htrail__text_add_string(out, htrail__root_kind_text((uint32_t)(step->label >> 6)));
    else if (kind == STEP_GARBAGE)
        htrail__text_add_string(out, "(garbage)");
    else if (kind == STEP_REST)
        htrail__text_add_string(out, "...");
    else
        htrail__chain_label(out, kind, htrail__texts_get(&l->graph->texts, (uint32_t)(step->label >> 6)), HTRAIL__ANY_POSITION);
    if (kind != STEP_ROOT || step->label >> 6 != HTRAIL_ROOT_MODULES || !htrail__str_is(type, "dict")) { /* its dict is what it is */
        htrail__text_add_string(out, kind == STEP_ROOT ? " > " : out->len > 0 ? " " : "");
        htrail__text_add(out, type.data, type.len);
    }
}

static htrail_status write_paths(const paths *p)
{
    sqlite3_stmt *statement = htrail__loader_prepare(p->l, "INSERT INTO heap_path VALUES(?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    htrail__text step;

    htrail__text_init(&step, STEP_BYTES_MAX);
    for (uint32_t i = 0; i < p->count && fine; i++) {
        add_step(p->l, &step, &p->all[i]);
        htrail__loader_bind_number(statement, 1, p->all[i].parent);
        htrail__loader_bind_number(statement, 2, i + 1);
        sqlite3_bind_text64(statement, 3, htrail__text_string(&step), step.len, SQLITE_STATIC, SQLITE_UTF8);
        htrail__loader_bind_number(statement, 4, p->all[i].objects);
        htrail__loader_bind_number(statement, 5, p->all[i].bytes);
        fine = htrail__loader_insert(statement);
    }
    htrail__text_release(&step);
    return htrail__loader_end_statement(p->l, statement, fine);
}

htrail_status htrail__loader_write_paths(htrail__loader *l)
{
    paths p = {.l = l};
    uint32_t *path_of = htrail__mapping_new(l->graph->object_count, sizeof *path_of);
    if (htrail__texts_find(&l->graph->texts, (htrail_str){"__dict__", strlen("__dict__")}, &p.dict_text) != HTRAIL_OK)
        p.dict_text = 0;
    htrail_status status = path_of != NULL && find_paths(&p, path_of) ? write_paths(&p) : htrail__loader_no_memory(l);

    htrail__mapping_free(path_of);
    free(p.all);
    free(p.slots);
    free(p.keys);
    return status;
}
