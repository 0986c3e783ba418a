/* viz/cards.c - see the header. */
#include "viz/cards.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "analyze/str.h"
#include "viz/escape.h"
#include "viz/numbers.h"

/* Objects of one card that the user's expressions are asked of. */
enum { TEXT_BYTES_MAX = 1 << 16, ASKED_MAX = 100000, INFO_ASKED_MAX = 1000, INFO_COLUMNS = 60, COUNT_COLUMNS = 12 /* of a label beside it */, MORE_COLUMNS = 60 /* our own words: not to be cut */ };

htrail_str htrail__cards_text(const htrail__cards *c, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(c->lookup), text);
}

const htrail__shape *htrail__cards_shape(const htrail__cards *c, uint32_t node)
{
    return &c->holders->shapes.shapes[c->holders->nodes[node].shape];
}

/* The text as an owned string; text is emptied. */
char *htrail__cards_take(htrail__cards *c, htrail__text *text)
{
    char *copy = strdup(htrail__text_string(text));
    c->failed |= copy == NULL || text->failed;
    htrail__text_clear(text);
    return copy;
}

char *htrail__cards_take_short(htrail__cards *c, htrail__text *text, size_t columns)
{
    htrail__text cut;
    htrail__text_init(&cut, TEXT_BYTES_MAX);
    htrail__escape_ellipsis(&cut, text->data, text->len, columns);
    c->failed |= text->failed;
    htrail__text_clear(text);
    char *copy = htrail__cards_take(c, &cut);
    htrail__text_release(&cut);
    return copy;
}


/* Whole texts are lines: the heap's own line ends are escaped, ours are added after. */
static void add_clean(htrail__text *out, const htrail__text *line)
{
    htrail__escape_clean(out, line->data, line->len);
}

void htrail__cards_add_title(const htrail__cards *c, htrail__text *out, uint32_t node)
{
    const htrail__shape *shape = htrail__cards_shape(c, node), *holder = NULL;
    const htrail__holder_node *n = &c->holders->nodes[node];
    if (shape->root_kind == HTRAIL__ROOT_GARBAGE) {
        htrail__text_add_string(out, "nothing: garbage not yet collected");
    } else if (shape->root_kind != 0) {
        htrail__chain_root_text(out, htrail__cards_text(c, shape->type), htrail__cards_text(c, n->root_names == 1 ? n->root_name : shape->name));
        if (n->root_names > 1 && shape->root_kind == HTRAIL_ROOT_ATEXIT && out->len > 0 && out->data[out->len - 1] != 's')
            htrail__text_add_string(out, "s");
    } else if (shape->is_titled) {
        htrail_str title = htrail__cards_text(c, shape->name);
        htrail__text_add(out, title.data, title.len);
    } else if (n->names > 1) {
        bool classes = htrail__chain_is_class(htrail__cards_text(c, shape->type), htrail__cards_text(c, n->name));
        htrail_str type = htrail__cards_text(c, shape->type);
        htrail__text_add(out, classes ? "class" : type.data, classes ? strlen("class") : type.len);
    } else {
        if (shape->parent != HTRAIL__NO_SHAPE)
            holder = &c->holders->shapes.shapes[shape->parent];
        bool held = holder != NULL && holder->root_kind == 0;
        /* A merged holder has no name of its own: that of one says at least what it is. */
        bool many = held && n->parent != HTRAIL__NO_SHAPE && c->holders->nodes[n->parent].names > 1;
        if (many && htrail__str_is(htrail__cards_text(c, shape->type), "dict") && htrail__str_is(htrail__cards_text(c, shape->label), "__dict__")) {
            htrail__text_add_string(out, "dict of ");
            htrail__cards_add_title(c, out, n->parent);
            return;
        }
        htrail__chain_object_text(out, htrail__cards_text(c, shape->type), htrail__cards_text(c, shape->name), htrail__cards_text(c, shape->module),
                                  held ? htrail__cards_text(c, holder->type) : (htrail_str){0}, held ? htrail__cards_text(c, holder->name) : (htrail_str){0},
                                  htrail__cards_text(c, shape->label));
    }
}

htrail__card_kind htrail__cards_kind(htrail_str type, htrail_str name)
{
    static const char *const functions[] = {"function", "builtin_function_or_method", "method", "code", "classmethod", "staticmethod", "property", "method_descriptor", "wrapper_descriptor", "getset_descriptor", "member_descriptor", "functools.partial", NULL};
    static const char *const frames[] = {"frame", "generator", "coroutine", "async_generator", "traceback", NULL};
    static const char *const containers[] = {"list", "dict", "tuple", "set", "frozenset", "dictkeys", "cell", "mappingproxy", "collections.deque", "collections.OrderedDict", "collections.defaultdict", "collections.Counter", NULL};
    static const char *const values[] = {"str", "bytes", "int", "float", "bool", "complex", "bytearray", "memoryview", "NoneType", "unicode", "long", NULL};
    if (htrail__str_is(type, "module"))
        return HTRAIL__CARD_MODULE;
    if (htrail__str_is(type, "type") || htrail__str_is(type, "classobj") || htrail__chain_is_class(type, name))
        return HTRAIL__CARD_TYPE;
    return htrail__str_is_one_of(type, functions)    ? HTRAIL__CARD_FUNCTION
           : htrail__str_is_one_of(type, frames)     ? HTRAIL__CARD_FRAME
           : htrail__str_is_one_of(type, containers) ? HTRAIL__CARD_CONTAINER
           : htrail__str_is_one_of(type, values)     ? HTRAIL__CARD_VALUE
                                         : HTRAIL__CARD_INSTANCE;
}

static htrail__card_kind kind_of(const htrail__cards *c, uint32_t node)
{
    const htrail__shape *shape = htrail__cards_shape(c, node);
    if (shape->root_kind != 0 || shape->is_root_object)
        return HTRAIL__CARD_ROOT;
    if (shape->is_titled && htrail__str_starts(htrail__cards_text(c, shape->name), "dict of module "))
        return HTRAIL__CARD_MODULE;
    /* The namespace of a module is the module to those who look for it; the local variables of a
     * frame are one where it runs the module itself. */
    if (htrail__str_is(htrail__cards_text(c, shape->type), "dict") && c->holders->nodes[node].parent != HTRAIL__NO_SHAPE) {
        const htrail__shape *holder = htrail__cards_shape(c, c->holders->nodes[node].parent);
        htrail_str label = htrail__cards_text(c, shape->label);
        if (htrail__str_is(label, "__globals__") || htrail__str_is(label, "f_globals") ||
            (htrail__str_is(label, "f_locals") && htrail__str_starts(htrail__cards_text(c, holder->name), "<module>")) ||
            (htrail__str_is(label, "__dict__") && htrail__str_is(htrail__cards_text(c, holder->type), "module")))
            return HTRAIL__CARD_MODULE;
    }
    return htrail__cards_kind(htrail__cards_text(c, shape->type), htrail__cards_text(c, c->holders->nodes[node].name));
}

static void add_range(htrail__text *out, uint64_t least, uint64_t most)
{
    htrail__numbers_add(out, least);
    if (least != most) {
        htrail__text_add_string(out, "–");
        htrail__numbers_add(out, most);
    }
}

static void add_length(const htrail__cards *c, htrail__text *out, uint32_t node)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    htrail_str type = htrail__cards_text(c, htrail__cards_shape(c, node)->type);
    if (n->length_max == HTRAIL__NO_LENGTH)
        return;
    const char *unit = htrail__str_is(type, "str") || htrail__str_is(type, "unicode") ? "character" : htrail__str_is(type, "bytes") || htrail__str_is(type, "bytearray") || htrail__str_is(type, "memoryview") ? "byte" : htrail__str_is(type, "int") || htrail__str_is(type, "long") ? "digit" : "item";
    add_range(out, n->length_min, n->length_max);
    htrail__text_format(out, " %s%s%s", unit, n->length_max == 1 && n->length_min == 1 ? "" : "s", n->objects > 1 ? " each" : "");
}

static void add_refcount(const htrail__cards *c, htrail__text *out, uint32_t node, const char *between)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    if (n->objects == 0 || n->refcount_max == 0)
        return;
    htrail__text_add_string(out, between);
    htrail__text_add_string(out, "refcount ");
    add_range(out, n->refcount_min, n->refcount_max);
}

/* Of objects that have several. */
static void add_names(const htrail__cards *c, htrail__text *out, uint32_t node, const char *between)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    if (n->names < 2)
        return;
    htrail__text_add_string(out, between);
    htrail__numbers_add(out, n->names);
    htrail__text_add_string(out, " names");
}

/* The tooltip: everything, in lines. */
static void add_whole(const htrail__cards *c, htrail__text *out, uint32_t node)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    htrail__text line;
    htrail__text_init(&line, TEXT_BYTES_MAX);
    htrail__cards_add_title(c, &line, node);
    add_clean(out, &line);
    htrail__text_clear(&line);
    if (htrail__cards_shape(c, node)->root_kind != 0) {
        htrail__text_add_string(out, htrail__cards_shape(c, node)->root_kind == HTRAIL__ROOT_GARBAGE ? "\nno root reaches it" : "\na root");
        if (n->root_names > 1) {
            htrail__text_add_string(out, " of ");
            htrail__numbers_add(out, n->root_names);
            htrail__text_add_string(out, " objects, the first as ");
            htrail__chain_root_text(&line, htrail__cards_text(c, htrail__cards_shape(c, node)->type), htrail__cards_text(c, n->root_name));
            add_clean(out, &line);
        }
    } else {
        htrail__text_add_string(out, "\n");
        htrail__numbers_add(out, n->objects);
        htrail__text_format(out, n->objects == 1 ? " object, " : " objects, ");
        htrail__numbers_add_bytes(out, n->size_bytes);
        htrail__text_add_string(out, n->objects == 1 ? " of its own, " : " of their own, ");
        htrail__numbers_add_bytes(out, n->retained_bytes);
        htrail__text_add_string(out, " retained");
        if (n->targets > 0 && n->targets < n->objects) {
            htrail__text_add_string(out, "\n");
            htrail__numbers_add(out, n->targets);
            htrail__text_add_string(out, " of them asked for");
        }
        add_length(c, &line, node);
        add_names(c, &line, node, line.len ? ", " : "");
        add_refcount(c, &line, node, line.len ? ", " : "");
        if (line.len > 0)
            htrail__text_add_string(out, "\n");
        add_clean(out, &line);
        if (htrail__cards_shape(c, node)->folded)
            htrail__text_add_string(out, "\nsome of them hold others of them");
        if (n->other_holders > 0) {
            htrail__text_add_string(out, "\nfurther holders that are not drawn: ");
            htrail__numbers_add(out, n->other_holders);
        }
        if (n->held_from_below)
            htrail__text_add_string(out, "\nalso held through what it holds");
        htrail__text_format(out, n->objects == 1 ? "\nid:%llu" : "\nfor example id:%llu", (unsigned long long)n->example);
        if (n->example_address != 0)
            htrail__text_format(out, " at 0x%llx", (unsigned long long)n->example_address);
    }
    htrail__text_release(&line);
}

/* Cards and arrows. */

static htrail__card *new_card(htrail__cards *c, size_t *index)
{
    htrail__picture *p = c->out;
    if (p->card_count == c->card_room) {
        size_t room = c->card_room ? c->card_room * 2 : 64;
        htrail__card *cards = realloc(p->cards, room * sizeof *cards);
        if (cards == NULL) {
            c->failed = true;
            return NULL;
        }
        p->cards = cards;
        c->card_room = room;
    }
    *index = p->card_count++;
    p->cards[*index] = (htrail__card){.share = -1};
    return &p->cards[*index];
}

void htrail__cards_add_arrow(htrail__cards *c, size_t from, size_t to, htrail__hold hold, htrail__text *label, uint64_t references, uint64_t objects, uint64_t all)
{
    htrail__picture *p = c->out;
    htrail__text whole;
    if (p->arrow_count == c->arrow_room) {
        size_t room = c->arrow_room ? c->arrow_room * 2 : 64;
        htrail__arrow *arrows = realloc(p->arrows, room * sizeof *arrows);
        if (arrows == NULL) {
            c->failed = true;
            return;
        }
        p->arrows = arrows;
        c->arrow_room = room;
    }
    htrail__text_init(&whole, TEXT_BYTES_MAX);
    htrail__text_add_string(&whole, p->cards[from].title);
    htrail__text_add_string(&whole, " → ");
    if (label->len > 0) {
        add_clean(&whole, label);
        htrail__text_add_string(&whole, " → ");
    }
    htrail__text_add_string(&whole, p->cards[to].title);
    if (references > 0) {
        htrail__text_add_string(&whole, " · ");
        htrail__numbers_add(&whole, references);
        htrail__text_add_string(&whole, references == 1 ? " reference" : " references");
    }
    htrail__arrow *arrow = &p->arrows[p->arrow_count++];
    *arrow = (htrail__arrow){.from = from, .to = to, .hold = hold};
    arrow->whole = htrail__cards_take(c, &whole);
    size_t columns = c->opts.columns != 0 ? c->opts.columns : HTRAIL__LABEL_COLUMNS;
    if (objects > 0 && objects < all) {
        htrail__numbers_add(&whole, objects);
        htrail__text_add_string(&whole, " of ");
        htrail__numbers_add(&whole, all);
        bool has_label = label->len > 0;
        char *cut = htrail__cards_take_short(c, label, columns > COUNT_COLUMNS ? columns - COUNT_COLUMNS : columns);
        htrail__text_add_string(label, cut != NULL ? cut : "");
        htrail__text_add_string(label, has_label ? " · " : "");
        htrail__text_add(label, whole.data, whole.len);
        free(cut);
        arrow->label = htrail__cards_take(c, label);
    } else {
        arrow->label = htrail__cards_take_short(c, label, columns);
    }
    htrail__text_release(&whole);
}

void htrail__cards_add_hold(htrail__cards *c, size_t from, size_t to, uint32_t node, htrail__text *label)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    htrail__cards_add_label(c, label, node);
    htrail__cards_add_arrow(c, from, to, htrail__cards_hold(n), label, n->references, n->shared < n->objects ? n->objects - n->shared : 0, n->objects);
}

/* "frame run at /srv/app/server.py:65" -> "frame run at server.py:65" */
void htrail__cards_leave_out_folder(htrail__text *title)
{
    char *at = title->len > 0 ? strstr(title->data, " at /") : NULL, *name = at != NULL ? strrchr(at, '/') : NULL;
    if (name == NULL)
        return;
    memmove(at + strlen(" at "), name + 1, strlen(name + 1) + 1);
    title->len = strlen(title->data);
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* The file goes before the function's name and the line: "frame Thread._bootstrap…g.py:1002",
 * "frame Thread._bootstrap_inner:1045". */
void htrail__cards_shorten_frame(htrail__text *title, size_t columns)
{
    char *at = NULL, *line = title->len > 0 ? strrchr(title->data, ':') : NULL;
    for (char *next = title->len > 0 ? strstr(title->data, " at ") : NULL; next != NULL; next = strstr(next + 1, " at "))
        at = next;
    if (at == NULL || line == NULL || line < at || columns_of(title->data) <= columns)
        return;
    char *tail = line;
    htrail__text shorter;
    htrail__text_init(&shorter, TEXT_BYTES_MAX);
    htrail__text_add(&shorter, title->data, (size_t)(at - title->data));
    size_t used = columns_of(htrail__text_string(&shorter)), room = used + 1 < columns ? columns - used - 1 : 0;
    if (room >= columns_of(line)) {
        htrail__text_add_string(&shorter, "…");
        while (tail > at + strlen(" at ") && columns_of(tail) < room)
            do
                tail--;
            while (((unsigned char)*tail & 0xc0) == 0x80);
    }
    htrail__text_add_string(&shorter, tail);
    htrail__text_clear(title);
    htrail__text_add_string(title, htrail__text_string(&shorter));
    title->failed |= shorter.failed;
    htrail__text_release(&shorter);
}

void htrail__cards_begin(htrail__cards *c, const htrail__cards_opts *opts)
{
    c->opts = *opts;
    c->out->attribute_names = opts->attribute_names;
    c->out->attribute_count = opts->attribute_count;
    if (opts->earlier == NULL)
        return;
    htrail__text name;
    htrail__text_init(&name, TEXT_BYTES_MAX);
    htrail__text_add_string(&name, opts->earlier);
    c->out->earlier = htrail__cards_take_short(c, &name, HTRAIL__LABEL_COLUMNS);
    htrail__text_release(&name);
}

/* "NEW", "12 NEW" */
static char *take_fresh(htrail__cards *c, uint32_t node, htrail__text *text)
{
    uint64_t count = 0, all = 0;
    for (uint64_t i = htrail__holders_first_id(c->holders, node); i < c->holders->id_ends[node]; i++, all++)
        count += htrail__fresh_is(c->opts.fresh, c->holders->ids[i]);
    if (count == 0)
        return NULL;
    if (count < all) {
        htrail__numbers_add(text, count);
        htrail__text_add_string(text, " ");
    }
    htrail__text_add_string(text, "NEW");
    return htrail__cards_take(c, text);
}

static bool is_highlighted(const htrail__cards *c, uint32_t node)
{
    uint64_t first = htrail__holders_first_id(c->holders, node);
    for (uint64_t i = first; i < c->holders->id_ends[node] && i < first + ASKED_MAX; i++)
        if (htrail__object_query_ask(c->opts.highlight, c->holders->ids[i]) && htrail__object_query_truth(c->opts.highlight))
            return true;
    return false;
}

/* Of the first object; where others have another, it says so. */
static char *take_info(htrail__cards *c, uint32_t node, htrail__text *text)
{
    uint64_t first = htrail__holders_first_id(c->holders, node), end = c->holders->id_ends[node];
    if (first == end || !htrail__object_query_ask(c->opts.info, c->holders->ids[first]))
        return NULL;
    htrail_str value = htrail__object_query_text(c->opts.info);
    htrail__text_add(text, value.data, value.len);
    size_t len = text->len;
    for (uint64_t i = first + 1; i < end && i < first + INFO_ASKED_MAX; i++) {
        if (!htrail__object_query_ask(c->opts.info, c->holders->ids[i]))
            continue;
        value = htrail__object_query_text(c->opts.info);
        if (value.len != len || (len > 0 && memcmp(value.data, text->data, len) != 0)) {
            htrail__text_add_string(text, len > 0 ? ", others differ" : "others differ");
            break;
        }
    }
    return text->len > 0 ? htrail__cards_take_short(c, text, INFO_COLUMNS) : NULL;
}

static char **take_attributes(htrail__cards *c, uint32_t node, htrail__text *text)
{
    uint64_t first = htrail__holders_first_id(c->holders, node);
    char **out = first == c->holders->id_ends[node] ? NULL : calloc(c->opts.attribute_count, sizeof *out);
    for (size_t i = 0; out != NULL && i < c->opts.attribute_count; i++) {
        if (htrail__object_query_ask(c->opts.attributes[i], c->holders->ids[first])) {
            htrail_str value = htrail__object_query_text(c->opts.attributes[i]);
            htrail__text_add(text, value.data, value.len);
        }
        out[i] = htrail__cards_take(c, text);
    }
    return out;
}

/* A root is no object but where it is one, and that was asked for. */
static bool is_weighed(const htrail__cards *c, const htrail__card *card, uint32_t node)
{
    return card->kind != HTRAIL__CARD_ROOT || c->holders->nodes[node].targets > 0;
}

/* Whatever was not there before, and what the user asked to be told. */
static void add_asked(htrail__cards *c, htrail__card *card, uint32_t node, htrail__text *text)
{
    if (c->holders->id_ends == NULL)
        return;
    if (c->opts.fresh != NULL && is_weighed(c, card, node))
        card->fresh = take_fresh(c, node, text);
    if (c->opts.highlight != NULL)
        card->highlight = is_highlighted(c, node);
    if (c->opts.info != NULL && is_weighed(c, card, node))
        card->info = take_info(c, node, text);
    if (c->opts.attribute_count > 0)
        card->attributes = take_attributes(c, node, text);
}

size_t htrail__cards_add_node(htrail__cards *c, uint32_t node)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    htrail__text text;
    size_t index;
    htrail__card *card = new_card(c, &index);
    if (card == NULL)
        return SIZE_MAX;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    card->kind = kind_of(c, node);
    card->suspect = n->targets > 0;
    htrail__cards_add_title(c, &text, node);
    size_t columns = c->opts.columns != 0 ? c->opts.columns : HTRAIL__LABEL_COLUMNS;
    if (htrail__cards_shape(c, node)->root_kind == HTRAIL_ROOT_FRAME || htrail__cards_shape(c, node)->is_root_object) {
        htrail__cards_leave_out_folder(&text);
        htrail__cards_shorten_frame(&text, columns);
    }
    card->title = htrail__cards_take_short(c, &text, columns);
    uint64_t count = htrail__cards_shape(c, node)->root_kind != 0 ? n->root_names : n->objects;
    if (count > 1) {
        htrail__text_add_string(&text, "× ");
        htrail__numbers_add(&text, count);
    }
    card->count = htrail__cards_take(c, &text);
    if (is_weighed(c, card, node)) {
        add_length(c, &text, node);
        add_names(c, &text, node, text.len ? " · " : "");
        if (c->opts.refcounts)
            add_refcount(c, &text, node, text.len ? " · " : "");
        if (htrail__cards_shape(c, node)->folded)
            htrail__text_add_string(&text, text.len ? " · one in another" : "one in another");
    }
    card->detail = htrail__cards_take(c, &text);
    if (is_weighed(c, card, node)) {
        htrail__numbers_add_bytes(&text, n->retained_bytes);
        card->share = c->heap_bytes ? (double)n->retained_bytes / (double)c->heap_bytes : 0;
    }
    card->bytes = htrail__cards_take(c, &text);
    add_whole(c, &text, node);
    card->whole = htrail__cards_take(c, &text);
    add_asked(c, card, node, &text);
    htrail__text_release(&text);
    return index;
}

/* A card that stands for what is left out. text becomes its title and is emptied. */
size_t htrail__cards_add_more(htrail__cards *c, htrail__text *text)
{
    size_t index;
    htrail__card *card = new_card(c, &index);
    if (card == NULL)
        return SIZE_MAX;
    card->kind = HTRAIL__CARD_MORE;
    htrail__text whole;
    htrail__text_init(&whole, TEXT_BYTES_MAX);
    add_clean(&whole, text);
    card->title = htrail__cards_take_short(c, text, MORE_COLUMNS);
    card->count = htrail__cards_take(c, text);
    card->detail = htrail__cards_take(c, text);
    card->bytes = htrail__cards_take(c, text);
    card->whole = htrail__cards_take(c, &whole);
    htrail__text_release(&whole);
    return index;
}

void htrail__cards_note(htrail__cards *c, size_t index, htrail__text *text)
{
    htrail__card *card = &c->out->cards[index];
    htrail__text all;
    htrail__text_init(&all, TEXT_BYTES_MAX);
    htrail__text_add_string(&all, card->detail);
    htrail__text_add_string(&all, all.len ? " · " : "");
    htrail__text_add(&all, text->data, text->len);
    htrail__text_clear(text);
    free(card->detail);
    card->detail = htrail__cards_take(c, &all);
    htrail__text_release(&all);
}

void htrail__cards_at_least(htrail__cards *c, size_t index)
{
    char **const texts[] = {&c->out->cards[index].count, &c->out->cards[index].bytes};
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    /* What is said of one object is said of that one. */
    for (size_t i = 0; (*texts[0])[0] != '\0' && i < sizeof texts / sizeof *texts; i++) {
        if ((*texts[i])[0] == '\0')
            continue;
        htrail__text_add_string(&text, *texts[i]);
        htrail__text_add_string(&text, "+");
        free(*texts[i]);
        *texts[i] = htrail__cards_take(c, &text);
    }
    htrail__text_release(&text);
}

/* Of one object alone it is known where in its holder it stands. */
static uint64_t position_of(const htrail__cards *c, uint32_t node)
{
    const htrail__holder_node *n = &c->holders->nodes[node];
    htrail__found_object object;
    if (n->objects != 1 || htrail__cards_shape(c, node)->ref_kind != HTRAIL_REF_INDEX || htrail__lookup_object(c->lookup, n->example, &object) != HTRAIL_OK ||
        object.holder_kind != HTRAIL_REF_INDEX)
        return HTRAIL__ANY_POSITION;
    return object.holder_position;
}

void htrail__cards_add_label(const htrail__cards *c, htrail__text *out, uint32_t node)
{
    const htrail__shape *shape = htrail__cards_shape(c, node);
    if (shape->parent != HTRAIL__NO_SHAPE && c->holders->shapes.shapes[shape->parent].root_kind != 0 && shape->ref_kind == HTRAIL_REF_PLAIN)
        htrail__chain_root_label(out, c->holders->shapes.shapes[shape->parent].root_kind);
    else
        htrail__chain_label(out, shape->ref_kind, htrail__cards_text(c, shape->label), position_of(c, node));
}

htrail__hold htrail__cards_hold(const htrail__holder_node *node)
{
    return node->held == HTRAIL__HELD_ONLY ? HTRAIL__HOLD_ONLY : node->held == HTRAIL__HELD_SEVERAL ? HTRAIL__HOLD_SEVERAL : HTRAIL__HOLD_UNKNOWN;
}
