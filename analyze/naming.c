/* analyze/naming.c - see the header. */
#include "analyze/naming.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { BASES_MAX = 64, FIELDS_MAX = 4096 };

/* What a type makes of its objects. */
typedef enum type_role { ROLE_NONE, ROLE_TEXT, ROLE_MODULE, ROLE_CLASS, ROLE_FUNCTION, ROLE_GENERATOR, ROLE_DICT, ROLE_FRAME } type_role;

/* Labels with a meaning, as bits of atoms. */
enum label_role {
    LABEL_DICT = 1 << 0,
    LABEL_GLOBALS = 1 << 1,
    LABEL_CLOSURE = 1 << 2,
    LABEL_CODE = 1 << 3,
    LABEL_LOCALS_NAMES = 1 << 4,
    LABEL_NAME = 1 << 5,
    LABEL_MODULE = 1 << 6,
    LABEL_FUNCTION = 1 << 7,
    LABEL_FRAME_GLOBALS = 1 << 8
};

/* Why a dict belongs to a module, the weakest first. */
enum strength { SAID_BY_NOBODY, SAID_BY_FUNCTION, SAID_BY_MODULE_KEY, SAID_BY_NAME_KEY, SAID_BY_OWNER };

typedef struct work {
    htrail__graph *graph;
    htrail__naming *naming;
    uint8_t *type_roles, *strengths;
    uint16_t *label_roles;
    bool *is_class; /* by type: a class statement made it */
    bool *is_named; /* by object: a closure whose cells have their names */
    uint32_t label_role_count; /* atoms made since have no role */
    uint32_t name_text, module_text; /* "__name__", "__module__"; 0 where no text says so */
} work;

static bool text_is(const htrail__graph *graph, uint32_t text, const char *wanted)
{
    htrail_str have = htrail__texts_get(&graph->texts, text);
    return have.len == strlen(wanted) && memcmp(have.data, wanted, have.len) == 0;
}

static type_role role_by_name(const htrail__graph *graph, uint32_t full_name)
{
    static const struct { const char *name; type_role role; } roles[] = {
        {"str", ROLE_TEXT}, {"unicode", ROLE_TEXT}, {"bytes", ROLE_TEXT}, {"code", ROLE_TEXT}, {"cell", ROLE_TEXT},
        {"module", ROLE_MODULE}, {"type", ROLE_CLASS}, {"classobj", ROLE_CLASS}, {"function", ROLE_FUNCTION}, {"dict", ROLE_DICT},
        {"generator", ROLE_GENERATOR}, {"coroutine", ROLE_GENERATOR}, {"async_generator", ROLE_GENERATOR},
        {"frame", ROLE_FRAME},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (text_is(graph, full_name, roles[i].name))
            return roles[i].role;
    return ROLE_NONE;
}

static htrail_status find_type_roles(work *w)
{
    const htrail__graph *graph = w->graph;
    htrail__addresses map;
    htrail_status status = htrail__addresses_init(&map);

    w->type_roles = calloc((size_t)graph->type_count + 1, 1);
    w->naming->is_text = calloc((size_t)graph->type_count + 1, sizeof *w->naming->is_text);
    if (status != HTRAIL_OK || w->type_roles == NULL || w->naming->is_text == NULL) {
        status = HTRAIL_E_NOMEM;
        goto done;
    }
    for (uint32_t i = 0; i < graph->type_count && status == HTRAIL_OK; i++)
        status = htrail__addresses_add(&map, graph->types[i].address);
    if (status == HTRAIL_OK && graph->type_count > 0)
        status = htrail__addresses_freeze(&map, &graph->types[0].address, sizeof *graph->types, graph->type_count);
    if (status != HTRAIL_OK)
        goto done;
    for (uint32_t i = 0; i < graph->type_count; i++) {
        uint32_t at = i;
        for (int step = 0; at != HTRAIL__NO_ID && step < BASES_MAX && w->type_roles[i] == ROLE_NONE; step++) {
            w->type_roles[i] = (uint8_t)role_by_name(graph, graph->types[at].full_name);
            at = graph->types[at].base == 0 ? HTRAIL__NO_ID : htrail__addresses_find(&map, graph->types[at].base);
        }
        w->naming->is_text[i] = w->type_roles[i] == ROLE_TEXT;
    }
done:
    htrail__addresses_release(&map);
    return status;
}

static htrail_status find_label_roles(work *w)
{
    static const struct { const char *text; uint32_t kind; uint16_t role; } roles[] = {
        {"__dict__", HTRAIL_REF_FIELD, LABEL_DICT},       {"__globals__", HTRAIL_REF_FIELD, LABEL_GLOBALS},
        {"__closure__", HTRAIL_REF_FIELD, LABEL_CLOSURE}, {"__code__", HTRAIL_REF_FIELD, LABEL_CODE},
        {"co_localsplusnames", HTRAIL_REF_FIELD, LABEL_LOCALS_NAMES}, {"f_func", HTRAIL_REF_FIELD, LABEL_FUNCTION},
        {"f_globals", HTRAIL_REF_FIELD, LABEL_FRAME_GLOBALS},
        {"__name__", HTRAIL_REF_VALUE, LABEL_NAME},       {"__module__", HTRAIL_REF_VALUE, LABEL_MODULE},
    };
    const htrail__graph *graph = w->graph;

    w->label_role_count = graph->atom_count;
    w->label_roles = calloc((size_t)graph->atom_count + 1, sizeof *w->label_roles);
    if (w->label_roles == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
        uint32_t text;
        if (htrail__texts_find(&graph->texts, (htrail_str){roles[r].text, strlen(roles[r].text)}, &text) != HTRAIL_OK)
            continue;
        if (roles[r].role == LABEL_NAME)
            w->name_text = text;
        if (roles[r].role == LABEL_MODULE)
            w->module_text = text;
        for (uint32_t i = 0; i < graph->atom_count; i++)
            if (graph->atoms[i].kind == roles[r].kind && graph->atoms[i].text == text)
                w->label_roles[i] |= roles[r].role;
    }
    return HTRAIL_OK;
}

static uint16_t label_role(const work *w, uint32_t code)
{
    uint32_t atom = HTRAIL__LABEL_PAYLOAD(code);
    return HTRAIL__LABEL_TAG(code) == HTRAIL__LABEL_ATOM && atom < w->label_role_count ? w->label_roles[atom] : 0;
}

/* What the reference of object with this role leads to. Where many objects may lead to one, it is
 * among the first. */
static uint32_t follow(const work *w, uint32_t object, uint16_t role)
{
    const htrail__graph_object *o = &w->graph->objects[object];
    uint32_t count = o->ref_count < FIELDS_MAX ? o->ref_count : FIELDS_MAX;
    for (uint32_t at = o->first_ref; at < o->first_ref + count; at++)
        if (label_role(w, w->graph->labels[at]) & role)
            return w->graph->targets[at];
    return HTRAIL__NO_ID;
}

/* Whether C code made it: its namespace has the methods of C code, as none of a class statement has, and
 * not one of Python's. deque, lock and their like are heap types in newer versions. */
static bool is_made_by_c(const work *w, const htrail__graph_type *type)
{
    static const char *const methods[] = {"wrapper_descriptor", "method_descriptor", "builtin_function_or_method"};
    const htrail__graph *graph = w->graph;
    uint32_t object = htrail__addresses_find(&graph->addresses, type->address), dict;
    bool found = false;

    if (object == HTRAIL__NO_ID || (dict = follow(w, object, LABEL_DICT)) == HTRAIL__NO_ID)
        return false;
    const htrail__graph_object *o = &graph->objects[dict];
    uint32_t count = o->ref_count < FIELDS_MAX ? o->ref_count : FIELDS_MAX;
    for (uint32_t at = o->first_ref; at < o->first_ref + count; at++) {
        if (graph->targets[at] == HTRAIL__NO_ID)
            continue;
        uint32_t of = graph->objects[graph->targets[at]].type;
        if (w->type_roles[of] == ROLE_FUNCTION)
            return false;
        for (size_t i = 0; i < sizeof methods / sizeof *methods && !found; i++)
            found = text_is(graph, graph->types[of].full_name, methods[i]);
    }
    return found;
}

static const htrail__graph_name *name_of(const work *w, uint32_t object)
{
    uint32_t place = object == HTRAIL__NO_ID ? 0 : w->graph->name_of[object];
    return place == 0 ? NULL : &w->graph->names[place - 1];
}

static void say_module(work *w, uint32_t dict, uint32_t module, uint8_t strength)
{
    if (dict == HTRAIL__NO_ID || module == 0 || w->type_roles[w->graph->objects[dict].type] != ROLE_DICT || w->strengths[dict] >= strength)
        return;
    w->strengths[dict] = strength;
    w->naming->module_of[dict] = module;
}

/* The keys __name__ and __module__ of a dict, where their values have names themselves. */
static void look_into_dict(work *w, uint32_t dict)
{
    const htrail__graph *graph = w->graph;
    const htrail__graph_object *o = &graph->objects[dict];
    for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count; at++) {
        uint32_t code = graph->labels[at];
        uint16_t role = label_role(w, code);
        if (HTRAIL__LABEL_TAG(code) == HTRAIL__LABEL_UNDER_KEY) {
            const htrail__graph_name *key = name_of(w, graph->targets[at - 1]);
            if (key != NULL && key->name != 0)
                role = key->name == w->name_text ? LABEL_NAME : key->name == w->module_text ? LABEL_MODULE : 0;
        }
        if (role & (LABEL_NAME | LABEL_MODULE)) {
            uint32_t value = graph->targets[at];
            const htrail__graph_name *name = name_of(w, value);
            if (name != NULL && w->type_roles[graph->objects[value].type] == ROLE_TEXT)
                say_module(w, dict, name->name, role & LABEL_NAME ? SAID_BY_NAME_KEY : SAID_BY_MODULE_KEY);
        }
    }
}

/* Item i of the tuple holds the i-th free variable: their names are the last of the code's. */
static htrail_status name_cells(work *w, uint32_t function)
{
    htrail__graph *graph = w->graph;
    uint32_t closure = follow(w, function, LABEL_CLOSURE), code = follow(w, function, LABEL_CODE), names;

    if (closure == HTRAIL__NO_ID || code == HTRAIL__NO_ID || (names = follow(w, code, LABEL_LOCALS_NAMES)) == HTRAIL__NO_ID)
        return HTRAIL_OK;
    const htrail__graph_object *cells = &graph->objects[closure], *all = &graph->objects[names];
    if (cells->ref_count > all->ref_count || w->is_named[closure])
        return HTRAIL_OK;
    w->is_named[closure] = true; /* once, however many functions share it */
    for (uint32_t i = 0; i < cells->ref_count; i++) {
        uint32_t *label = &graph->labels[cells->first_ref + i], atom;
        uint32_t string = graph->targets[all->first_ref + all->ref_count - cells->ref_count + i];
        const htrail__graph_name *name = name_of(w, string);
        if (HTRAIL__LABEL_TAG(*label) != HTRAIL__LABEL_INDEX || name == NULL)
            continue;
        htrail_status status = htrail__graph_atom_for(graph, HTRAIL_REF_CELL, graph->objects[string].address, &atom);
        if (status != HTRAIL_OK)
            return status;
        graph->atoms[atom].text = name->name;
        *label = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, atom);
    }
    return HTRAIL_OK;
}

/* A generator knows its name and not its module: while it runs, its function knows. */
static void say_module_of_generator(const work *w, uint32_t generator)
{
    const htrail__graph_name *function = name_of(w, follow(w, generator, LABEL_FUNCTION));
    uint32_t place = w->graph->name_of[generator];
    if (function != NULL && place != 0 && w->graph->names[place - 1].module == 0)
        w->graph->names[place - 1].module = function->module;
}

/* That of its function, of which a version that has none in its frames leaves the globals. */
static uint32_t module_of_frame(const work *w, uint32_t frame)
{
    uint32_t function = follow(w, frame, LABEL_FUNCTION), globals;
    if (function != HTRAIL__NO_ID && w->type_roles[w->graph->objects[function].type] == ROLE_FUNCTION &&
        (globals = follow(w, function, LABEL_GLOBALS)) != HTRAIL__NO_ID && w->strengths[globals] != SAID_BY_NOBODY)
        return w->naming->module_of[globals];
    globals = follow(w, frame, LABEL_FRAME_GLOBALS);
    return globals == HTRAIL__NO_ID || w->strengths[globals] == SAID_BY_NOBODY ? 0 : w->naming->module_of[globals];
}

static htrail_status name_everything(work *w)
{
    htrail__graph *graph = w->graph;
    htrail_status status = HTRAIL_OK;
    uint32_t *module_of = w->naming->module_of;

    for (uint32_t i = 0; i < graph->object_count && status == HTRAIL_OK; i++) {
        type_role role = w->type_roles[graph->objects[i].type];
        htrail__resident_step(i);
        if (role == ROLE_GENERATOR)
            say_module_of_generator(w, i);
        const htrail__graph_name *name = name_of(w, i);
        if (name != NULL && role != ROLE_TEXT && role != ROLE_DICT)
            module_of[i] = role == ROLE_MODULE ? name->name : name->module;
        switch (role) {
        case ROLE_DICT:
            look_into_dict(w, i);
            break;
        case ROLE_MODULE:
        case ROLE_CLASS:
            say_module(w, follow(w, i, LABEL_DICT), module_of[i], SAID_BY_OWNER);
            break;
        case ROLE_FUNCTION:
            say_module(w, follow(w, i, LABEL_GLOBALS), module_of[i], SAID_BY_FUNCTION);
            status = name_cells(w, i);
            break;
        default:
            break;
        }
    }
    for (uint32_t i = 0; i < graph->object_count; i++)
        if (w->type_roles[graph->objects[i].type] == ROLE_FRAME && module_of[i] == 0)
            module_of[i] = module_of_frame(w, i);
    for (uint32_t i = 0; i < graph->type_count; i++)
        w->is_class[i] = graph->types[i].flags & HTRAIL_TYPE_HEAP && !is_made_by_c(w, &graph->types[i]);
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const htrail__graph_type *type = &graph->types[graph->objects[i].type];
        bool own = module_of[i] != 0;
        if (!own)
            module_of[i] = type->module;
        if (module_of[i] != 0 && (own || w->is_class[graph->objects[i].type]))
            w->naming->says_module[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    return status;
}

static htrail_status full_names(work *w)
{
    htrail__graph *graph = w->graph;
    char *text = NULL;
    size_t room = 0;
    htrail_status status = HTRAIL_OK;

    w->naming->full_name = calloc((size_t)graph->name_count + 1, sizeof *w->naming->full_name);
    if (w->naming->full_name == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < graph->name_count && status == HTRAIL_OK; i++) {
        const htrail__graph_name *name = &graph->names[i];
        w->naming->full_name[i] = name->name;
        if (name->module == 0 || name->name == 0 || name->object == HTRAIL__NO_ID ||
            w->type_roles[graph->objects[name->object].type] == ROLE_MODULE)
            continue;
        htrail_str module = htrail__texts_get(&graph->texts, name->module), own = htrail__texts_get(&graph->texts, name->name);
        if (module.len + own.len + 1 > room) {
            char *grown = realloc(text, 2 * (module.len + own.len + 1));
            if (grown == NULL) {
                status = HTRAIL_E_NOMEM;
                break;
            }
            text = grown;
            room = 2 * (module.len + own.len + 1);
        }
        memcpy(text, module.data, module.len);
        text[module.len] = '.';
        memcpy(text + module.len + 1, own.data, own.len);
        status = htrail__texts_add(&graph->texts, (htrail_str){text, module.len + own.len + 1}, &w->naming->full_name[i]);
    }
    free(text);
    return status;
}

htrail_status htrail__naming_build(htrail__naming *naming, htrail__graph *graph)
{
    work w = {.graph = graph, .naming = naming};
    htrail_status status;

    *naming = (htrail__naming){0};
    naming->module_of = htrail__mapping_new(graph->object_count, sizeof *naming->module_of);
    naming->says_module = htrail__mapping_new(graph->object_count / 64, sizeof *naming->says_module);
    w.strengths = htrail__mapping_new(graph->object_count, 1);
    w.is_class = calloc((size_t)graph->type_count + 1, sizeof *w.is_class);
    w.is_named = htrail__mapping_new(graph->object_count, sizeof *w.is_named);
    if (naming->module_of == NULL || naming->says_module == NULL || w.strengths == NULL || w.is_class == NULL || w.is_named == NULL)
        status = HTRAIL_E_NOMEM;
    else if ((status = find_type_roles(&w)) == HTRAIL_OK && (status = find_label_roles(&w)) == HTRAIL_OK &&
             (status = name_everything(&w)) == HTRAIL_OK)
        status = full_names(&w);
    free(w.type_roles);
    free(w.label_roles);
    htrail__mapping_free(w.strengths);
    free(w.is_class);
    htrail__mapping_free(w.is_named);
    return status;
}

void htrail__naming_release(htrail__naming *naming)
{
    htrail__mapping_free(naming->module_of);
    htrail__mapping_free(naming->says_module);
    free(naming->full_name);
    free(naming->is_text);
    *naming = (htrail__naming){0};
}
