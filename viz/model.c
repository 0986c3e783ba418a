/* viz/model.c - what to draw.
 *
 * The chains that were asked for form a tree of nodes. First runs without a branch are
 * shortened; then nodes are taken from the roots downwards, those with most of what was
 * asked for first, as long as bounds allow; then the chains of other holders are added. */
#include "viz/model.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "viz/escape.h"
#include "viz/numbers.h"

enum { TEXT_BYTES_MAX = 1 << 16, FOLD_BELOW_ONE_IN = 200, RUN_ENDS = 3, MORE_CARDS_MAX = 3, QUESTION_COLUMNS = 72, SUBTITLE_COLUMNS = 140 };
#define NONE UINT32_MAX

typedef struct plan {
    uint32_t up;         /* the node whose card stands above; NONE at the top */
    uint32_t first, next; /* children and siblings */
    uint32_t children;
    uint32_t above, below; /* length of the run up to here, and from here on */
    uint32_t height;     /* references down to the nearest that was asked for; NONE: there is none */
    uint32_t rank;
    uint32_t drawn_children;
    uint32_t skipped;    /* steps left out between `up` and this */
    uint64_t more_kinds, more_targets; /* below, not drawn */
    size_t card;         /* SIZE_MAX: not drawn */
    bool linked;         /* another holder holds it too */
} plan;

typedef struct model {
    htrail__picture *out;
    htrail__lookup *lookup;
    const htrail__holders *holders;
    htrail__model_opts opts;
    plan *plans;
    uint32_t *heap;
    uint32_t heap_count;
    size_t card_room, arrow_room;
    uint64_t heap_bytes;
    bool failed;
} model;

void htrail__model_opts_init(htrail__model_opts *opts)
{
    *opts = (htrail__model_opts){.cards_max = 40, .rank_cards_max = 6, .siblings_max = 5, .run_max = 8};
}

/* Texts. */

static htrail_str text_of(const model *m, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(m->lookup), text);
}

static const htrail__shape *shape_of(const model *m, uint32_t node)
{
    return &m->holders->shapes.shapes[m->holders->nodes[node].shape];
}

/* The text as an owned string; text is emptied. */
static char *take(model *m, htrail__text *text)
{
    char *copy = strdup(htrail__text_string(text));
    m->failed |= copy == NULL || text->failed;
    htrail__text_clear(text);
    return copy;
}

static char *take_short(model *m, htrail__text *text, size_t columns)
{
    htrail__text cut;
    htrail__text_init(&cut, TEXT_BYTES_MAX);
    htrail__escape_ellipsis(&cut, text->data, text->len, columns);
    m->failed |= text->failed;
    htrail__text_clear(text);
    char *copy = take(m, &cut);
    htrail__text_release(&cut);
    return copy;
}


/* Whole texts are lines: the heap's own line ends are escaped, ours are added after. */
static void add_clean(htrail__text *out, const htrail__text *line)
{
    htrail__escape_clean(out, line->data, line->len);
}

static void add_title(const model *m, htrail__text *out, uint32_t node)
{
    const htrail__shape *shape = shape_of(m, node), *holder = NULL;
    const htrail__holder_node *n = &m->holders->nodes[node];
    if (shape->root_kind == HTRAIL__ROOT_GARBAGE) {
        htrail__text_add_string(out, "nothing: garbage not yet collected");
    } else if (shape->root_kind != 0) {
        htrail__chain_root_text(out, text_of(m, shape->type), text_of(m, n->root_names == 1 ? n->root_name : shape->name));
        if (n->root_names > 1 && shape->root_kind == HTRAIL_ROOT_ATEXIT)
            htrail__text_add_string(out, "s");
    } else {
        if (shape->parent != HTRAIL__NO_SHAPE)
            holder = &m->holders->shapes.shapes[shape->parent];
        bool held = holder != NULL && holder->root_kind == 0;
        htrail__chain_object_text(out, text_of(m, shape->type), text_of(m, shape->name), text_of(m, shape->module),
                                  held ? text_of(m, holder->type) : (htrail_str){0}, held ? text_of(m, holder->name) : (htrail_str){0},
                                  text_of(m, shape->label));
    }
}

static bool is(htrail_str text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || memcmp(text.data, word, text.len) == 0);
}

static bool is_one_of(htrail_str text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (is(text, *words))
            return true;
    return false;
}

htrail__card_kind htrail__model_kind(htrail_str type, htrail_str name)
{
    static const char *const functions[] = {"function", "builtin_function_or_method", "method", "code", "classmethod", "staticmethod", "property", "method_descriptor", "wrapper_descriptor", "getset_descriptor", "member_descriptor", "functools.partial", NULL};
    static const char *const frames[] = {"frame", "generator", "coroutine", "async_generator", "traceback", NULL};
    static const char *const containers[] = {"list", "dict", "tuple", "set", "frozenset", "dictkeys", "cell", "mappingproxy", "collections.deque", "collections.OrderedDict", "collections.defaultdict", "collections.Counter", NULL};
    static const char *const values[] = {"str", "bytes", "int", "float", "bool", "complex", "bytearray", "memoryview", "NoneType", "unicode", "long", NULL};
    if (is(type, "module"))
        return HTRAIL__CARD_MODULE;
    if (is(type, "type") || is(type, "classobj") || (name.len > 0 && type.len > 4 && (memcmp(type.data + type.len - 4, "Meta", 4) == 0 || memcmp(type.data + type.len - 4, "Type", 4) == 0)))
        return HTRAIL__CARD_TYPE;
    return is_one_of(type, functions)    ? HTRAIL__CARD_FUNCTION
           : is_one_of(type, frames)     ? HTRAIL__CARD_FRAME
           : is_one_of(type, containers) ? HTRAIL__CARD_CONTAINER
           : is_one_of(type, values)     ? HTRAIL__CARD_VALUE
                                         : HTRAIL__CARD_INSTANCE;
}

static htrail__card_kind kind_of(const model *m, uint32_t node)
{
    const htrail__shape *shape = shape_of(m, node);
    if (shape->root_kind != 0)
        return HTRAIL__CARD_ROOT;
    /* The namespace of a module is the module to those who look for it. */
    if (is(text_of(m, shape->type), "dict") && m->holders->nodes[node].parent != NONE) {
        htrail_str label = text_of(m, shape->label);
        if (is(label, "__globals__") || is(label, "f_globals") || is(label, "f_locals") ||
            (is(label, "__dict__") && is(text_of(m, shape_of(m, m->holders->nodes[node].parent)->type), "module")))
            return HTRAIL__CARD_MODULE;
    }
    return htrail__model_kind(text_of(m, shape->type), text_of(m, shape->name));
}

static void add_range(htrail__text *out, uint64_t least, uint64_t most)
{
    htrail__numbers_add(out, least);
    if (least != most) {
        htrail__text_add_string(out, "–");
        htrail__numbers_add(out, most);
    }
}

static void add_length(const model *m, htrail__text *out, uint32_t node)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    htrail_str type = text_of(m, shape_of(m, node)->type);
    if (n->length_max == HTRAIL__NO_LENGTH)
        return;
    const char *unit = is(type, "str") || is(type, "unicode") ? "character" : is(type, "bytes") || is(type, "bytearray") || is(type, "memoryview") ? "byte" : is(type, "int") || is(type, "long") ? "digit" : "item";
    add_range(out, n->length_min, n->length_max);
    htrail__text_format(out, " %s%s%s", unit, n->length_max == 1 && n->length_min == 1 ? "" : "s", n->objects > 1 ? " each" : "");
}

static void add_refcount(const model *m, htrail__text *out, uint32_t node, const char *between)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    if (n->objects == 0 || n->refcount_max == 0)
        return;
    htrail__text_add_string(out, between);
    htrail__text_add_string(out, "refcount ");
    add_range(out, n->refcount_min, n->refcount_max);
}

/* The tooltip: everything, in lines. */
static void add_whole(const model *m, htrail__text *out, uint32_t node)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    htrail__text line;
    htrail__text_init(&line, TEXT_BYTES_MAX);
    add_title(m, &line, node);
    add_clean(out, &line);
    htrail__text_clear(&line);
    if (shape_of(m, node)->root_kind != 0) {
        htrail__text_add_string(out, shape_of(m, node)->root_kind == HTRAIL__ROOT_GARBAGE ? "\nno root reaches it" : "\na root");
        if (n->root_names > 1) {
            htrail__text_add_string(out, " of ");
            htrail__numbers_add(out, n->root_names);
            htrail__text_add_string(out, " objects, the first as ");
            htrail__chain_root_text(&line, text_of(m, shape_of(m, node)->type), text_of(m, n->root_name));
            add_clean(out, &line);
        }
    } else {
        htrail__text_add_string(out, "\n");
        htrail__numbers_add(out, n->objects);
        htrail__text_format(out, n->objects == 1 ? " object, " : " objects, ");
        htrail__numbers_add_bytes(out, n->size_bytes);
        htrail__text_add_string(out, n->objects == 1 ? " of its own" : " of their own");
        if (n->targets > 0 && n->targets < n->objects) {
            htrail__text_add_string(out, "\n");
            htrail__numbers_add(out, n->targets);
            htrail__text_add_string(out, " of them asked for");
        }
        add_length(m, &line, node);
        add_refcount(m, &line, node, line.len ? ", " : "");
        if (line.len > 0)
            htrail__text_add_string(out, "\n");
        add_clean(out, &line);
        if (shape_of(m, node)->folded)
            htrail__text_add_string(out, "\nsome of them hold others of them");
        if (n->other_kinds > 0 || n->other_holders > 0) {
            htrail__text_add_string(out, "\nfurther holders that are not drawn: ");
            htrail__numbers_add(out, n->other_holders);
        }
        if (n->held_from_below)
            htrail__text_add_string(out, "\nalso held through what it holds");
        htrail__text_add_string(out, "\nfor example id:");
        htrail__text_format(out, "%llu", (unsigned long long)n->example);
    }
    htrail__text_release(&line);
}

/* Cards and arrows. */

static htrail__card *new_card(model *m, size_t *index)
{
    htrail__picture *p = m->out;
    if (p->card_count == m->card_room) {
        size_t room = m->card_room ? m->card_room * 2 : 64;
        htrail__card *cards = realloc(p->cards, room * sizeof *cards);
        if (cards == NULL) {
            m->failed = true;
            return NULL;
        }
        p->cards = cards;
        m->card_room = room;
    }
    *index = p->card_count++;
    p->cards[*index] = (htrail__card){.share = -1};
    return &p->cards[*index];
}

static void add_arrow(model *m, size_t from, size_t to, htrail__hold hold, htrail__text *label, uint64_t references)
{
    htrail__picture *p = m->out;
    htrail__text whole;
    if (p->arrow_count == m->arrow_room) {
        size_t room = m->arrow_room ? m->arrow_room * 2 : 64;
        htrail__arrow *arrows = realloc(p->arrows, room * sizeof *arrows);
        if (arrows == NULL) {
            m->failed = true;
            return;
        }
        p->arrows = arrows;
        m->arrow_room = room;
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
    arrow->label = take_short(m, label, HTRAIL__LABEL_COLUMNS);
    arrow->whole = take(m, &whole);
    htrail__text_release(&whole);
}

/* "frame run at /srv/app/server.py:65" -> "frame run at server.py:65" */
static void leave_out_folder(htrail__text *title)
{
    char *at = title->len > 0 ? strstr(title->data, " at /") : NULL, *name = at != NULL ? strrchr(at, '/') : NULL;
    if (name == NULL)
        return;
    memmove(at + strlen(" at "), name + 1, strlen(name + 1) + 1);
    title->len = strlen(title->data);
}

static void draw_node(model *m, uint32_t node)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    htrail__text text;
    size_t index;
    htrail__card *card = new_card(m, &index);
    if (card == NULL)
        return;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    card->kind = kind_of(m, node);
    card->suspect = n->targets > 0;
    add_title(m, &text, node);
    if (shape_of(m, node)->root_kind == HTRAIL_ROOT_FRAME)
        leave_out_folder(&text);
    card->title = take_short(m, &text, HTRAIL__LABEL_COLUMNS);
    uint64_t count = card->kind == HTRAIL__CARD_ROOT ? n->root_names : n->objects;
    if (count > 1) {
        htrail__text_add_string(&text, "× ");
        htrail__numbers_add(&text, count);
    }
    card->count = take(m, &text);
    if (card->kind != HTRAIL__CARD_ROOT) {
        add_length(m, &text, node);
        add_refcount(m, &text, node, text.len ? " · " : "");
        if (shape_of(m, node)->folded)
            htrail__text_add_string(&text, text.len ? " · one in another" : "one in another");
    }
    card->detail = take(m, &text);
    if (card->kind != HTRAIL__CARD_ROOT) {
        htrail__numbers_add_bytes(&text, n->size_bytes);
        card->share = m->heap_bytes ? (double)n->size_bytes / (double)m->heap_bytes : 0;
    }
    card->bytes = take(m, &text);
    add_whole(m, &text, node);
    card->whole = take(m, &text);
    m->plans[node].card = index;
    htrail__text_release(&text);
}

/* A card that stands for what is left out. text becomes its title and is emptied. */
static size_t draw_more(model *m, htrail__text *text)
{
    size_t index;
    htrail__card *card = new_card(m, &index);
    if (card == NULL)
        return SIZE_MAX;
    card->kind = HTRAIL__CARD_MORE;
    htrail__text whole;
    htrail__text_init(&whole, TEXT_BYTES_MAX);
    add_clean(&whole, text);
    card->title = take_short(m, text, HTRAIL__LABEL_COLUMNS);
    card->count = take(m, text);
    card->detail = take(m, text);
    card->bytes = take(m, text);
    card->whole = take(m, &whole);
    htrail__text_release(&whole);
    return index;
}

static void add_label(const model *m, htrail__text *out, uint32_t node)
{
    const htrail__shape *shape = shape_of(m, node);
    htrail__chain_label(out, shape->ref_kind, text_of(m, shape->label), HTRAIL__ANY_POSITION);
}

static htrail__hold hold_of(const htrail__holder_node *node)
{
    return node->held == HTRAIL__HELD_ONLY ? HTRAIL__HOLD_ONLY : node->held == HTRAIL__HELD_SEVERAL ? HTRAIL__HOLD_SEVERAL : HTRAIL__HOLD_UNKNOWN;
}

/* The arrow from the card above, with a card between for steps that are left out. */
static void draw_hold(model *m, uint32_t node)
{
    const plan *p = &m->plans[node];
    const htrail__holder_node *n = &m->holders->nodes[node];
    htrail__text text;
    size_t from = m->plans[p->up].card;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    if (p->skipped > 0) {
        htrail__numbers_add(&text, p->skipped);
        htrail__text_add_string(&text, p->skipped == 1 ? " step left out" : " steps left out");
        size_t between = draw_more(m, &text);
        if (between == SIZE_MAX)
            goto done;
        add_arrow(m, from, between, HTRAIL__HOLD_UNKNOWN, &text, 0);
        from = between;
    }
    add_label(m, &text, node);
    add_arrow(m, from, p->card, hold_of(n), &text, n->references);
done:
    htrail__text_release(&text);
}

/* Planning. */

static bool is_shown(const model *m, uint32_t node)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    return !n->other && n->targets_below > 0 && (m->opts.depth_max == 0 || m->plans[node].height <= m->opts.depth_max);
}

static bool is_run(const model *m, uint32_t node)
{
    const htrail__holder_node *n = &m->holders->nodes[node];
    return m->plans[node].children == 1 && n->targets == 0 && !m->plans[node].linked && shape_of(m, node)->root_kind == 0;
}

static void plan_nodes(model *m)
{
    uint32_t count = m->holders->node_count;
    for (uint32_t i = 0; i < count; i++)
        m->plans[i] = (plan){.up = NONE, .first = NONE, .next = NONE, .height = NONE, .card = SIZE_MAX};
    for (uint32_t i = 0; i < m->holders->link_count; i++)
        m->plans[m->holders->links[i].to].linked = true;
    for (uint32_t i = count; i-- > 0;) {
        const htrail__holder_node *n = &m->holders->nodes[i];
        plan *p = &m->plans[i];
        if (n->targets > 0)
            p->height = 0;
        if (n->parent != NONE && p->height != NONE && p->height + 1 < m->plans[n->parent].height)
            m->plans[n->parent].height = p->height + 1;
    }
    for (uint32_t i = count; i-- > 0;) {
        uint32_t parent = m->holders->nodes[i].parent;
        if (is_shown(m, i) && parent != NONE)
            m->plans[parent].children++;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = m->holders->nodes[i].parent;
        if (is_shown(m, i) && is_run(m, i))
            m->plans[i].above = 1 + (parent != NONE && is_shown(m, parent) ? m->plans[parent].above : 0);
    }
    for (uint32_t i = count; i-- > 0;) {
        uint32_t parent = m->holders->nodes[i].parent;
        if (is_shown(m, i) && is_run(m, i) && m->plans[i].below == 0)
            m->plans[i].below = 1;
        if (m->plans[i].below > 0 && parent != NONE && is_shown(m, parent) && is_run(m, parent))
            m->plans[parent].below = m->plans[i].below + 1;
    }
}

static bool is_left_out(const model *m, uint32_t node)
{
    const plan *p = &m->plans[node];
    return p->above > RUN_ENDS && p->below > RUN_ENDS && p->above + p->below - 1 > m->opts.run_max;
}

/* The tree without what is left out: children lists from here on hold what may be drawn. */
static void link_children(model *m, uint32_t *tops)
{
    *tops = NONE;
    for (uint32_t i = m->holders->node_count; i-- > 0;) {
        plan *p = &m->plans[i];
        if (!is_shown(m, i) || is_left_out(m, i))
            continue;
        uint32_t up = m->holders->nodes[i].parent;
        while (up != NONE && is_shown(m, up) && is_left_out(m, up)) {
            up = m->holders->nodes[up].parent;
            p->skipped++;
        }
        uint32_t *list = up != NONE && is_shown(m, up) ? &m->plans[up].first : tops;
        p->up = list == tops ? NONE : up;
        p->next = *list;
        *list = i;
    }
}

/* A heap of nodes: most of what was asked for first, then in their order. */

static bool goes_before(const model *m, uint32_t a, uint32_t b)
{
    uint64_t left = m->holders->nodes[a].targets_below, right = m->holders->nodes[b].targets_below;
    return left != right ? left > right : a < b;
}

static void push(model *m, uint32_t node)
{
    uint32_t at = m->heap_count++;
    while (at > 0 && goes_before(m, node, m->heap[(at - 1) / 2])) {
        m->heap[at] = m->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    m->heap[at] = node;
}

static uint32_t pop(model *m)
{
    uint32_t first = m->heap[0], last = m->heap[--m->heap_count], at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= m->heap_count)
            break;
        if (child + 1 < m->heap_count && goes_before(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!goes_before(m, m->heap[child], last))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = last;
    return first;
}

/* Push all of a list but `taken`. */
static void push_all(model *m, uint32_t first, uint32_t taken)
{
    for (uint32_t i = first; i != NONE; i = m->plans[i].next)
        if (i != taken)
            push(m, i);
}

static uint32_t first_to_go(const model *m, uint32_t list)
{
    uint32_t best = list;
    for (uint32_t i = list; i != NONE; i = m->plans[i].next)
        if (goes_before(m, i, best))
            best = i;
    return best;
}

/* Cards for the chains that were asked for. tops_left: kinds and objects that no card shows. */
static void draw_tree(model *m, uint32_t tops, size_t cards_max, plan *top)
{
    uint32_t *ranks = calloc((size_t)m->holders->node_count + 2, sizeof *ranks);
    if (ranks == NULL) {
        m->failed = true;
        return;
    }
    push_all(m, tops, NONE);
    while (m->heap_count > 0 && !m->failed) {
        /* From each node on at once down to something that was asked for: a chain without its
         * end says nothing. */
        for (uint32_t node = pop(m), down = NONE; node != NONE && !m->failed; node = down) {
            plan *p = &m->plans[node], *up = p->up == NONE ? top : &m->plans[p->up];
            p->rank = p->up == NONE ? 0 : up->rank + 1 + (p->skipped > 0);
            bool few = up->drawn_children > 0 && m->holders->nodes[node].targets_below < m->holders->targets_followed / FOLD_BELOW_ONE_IN;
            if (few || m->out->card_count >= cards_max || up->drawn_children >= m->opts.siblings_max || ranks[p->rank] >= m->opts.rank_cards_max) {
                up->more_kinds++;
                up->more_targets += m->holders->nodes[node].targets_below;
                break;
            }
            up->drawn_children++;
            ranks[p->rank]++;
            draw_node(m, node);
            if (!m->failed && p->up != NONE)
                draw_hold(m, node);
            down = m->holders->nodes[node].targets == 0 ? first_to_go(m, p->first) : NONE;
            push_all(m, p->first, down);
        }
    }
    free(ranks);
}

/* The way down to a node whose holders are not drawn. */
static void draw_way_down(model *m, uint32_t node)
{
    uint32_t steps = 1, root = m->holders->nodes[node].parent;
    htrail__text text;
    if (root == NONE)
        return;
    for (; m->holders->nodes[root].parent != NONE; root = m->holders->nodes[root].parent)
        steps++;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    add_title(m, &text, root);
    leave_out_folder(&text);
    size_t card = draw_more(m, &text);
    if (card != SIZE_MAX) {
        htrail__numbers_add(&text, steps);
        htrail__text_add_string(&text, steps == 1 ? " step up" : " steps up");
        free(m->out->cards[card].detail);
        m->out->cards[card].detail = take(m, &text);
        add_label(m, &text, node);
        add_arrow(m, card, m->plans[node].card, hold_of(&m->holders->nodes[node]), &text, m->holders->nodes[node].references);
    }
    htrail__text_release(&text);
}

/* Where there is no card for what is not drawn below, its holder says how much it is. */
static void note_rest(model *m, uint32_t node)
{
    htrail__card *card = &m->out->cards[m->plans[node].card];
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    htrail__text_add_string(&text, card->detail);
    htrail__text_add_string(&text, text.len ? " · " : "");
    htrail__numbers_add(&text, m->plans[node].more_targets);
    htrail__text_add_string(&text, " below");
    free(card->detail);
    card->detail = take(m, &text);
    htrail__text_release(&text);
}

static void draw_more_kinds(model *m, const plan *top)
{
    size_t drawn = 0;
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i <= m->holders->node_count; i++) {
        const plan *p = i == 0 ? top : &m->plans[i - 1];
        if (p->more_kinds == 0)
            continue;
        if (drawn == MORE_CARDS_MAX) {
            note_rest(m, i - 1);
            continue;
        }
        htrail__numbers_add(&text, p->more_kinds);
        htrail__text_add_string(&text, p == top ? " more root" : " more kind");
        htrail__text_add_string(&text, p->more_kinds == 1 ? ": " : "s: ");
        htrail__numbers_add(&text, p->more_targets);
        htrail__text_add_string(&text, p->more_targets == 1 ? " object" : " objects");
        size_t card = draw_more(m, &text);
        if (card == SIZE_MAX)
            break;
        if (p != top)
            add_arrow(m, p->card, card, HTRAIL__HOLD_UNKNOWN, &text, 0);
        drawn++;
    }
    htrail__text_release(&text);
}

/* The chain of another holder, from the first card that is there already or from its root. */
static void draw_other(model *m, const htrail__holder_link *link)
{
    htrail__text text;
    uint32_t chain = 0, missing = 0, at;
    if (m->plans[link->to].card == SIZE_MAX)
        return;
    for (at = link->from; at != NONE && m->plans[at].card == SIZE_MAX; at = m->holders->nodes[at].parent)
        missing++;
    uint32_t limit = m->opts.depth_max != 0 && missing > m->opts.depth_max ? (uint32_t)m->opts.depth_max : missing;
    uint32_t shown = limit > 2 * RUN_ENDS + 1 && limit == missing ? 2 * RUN_ENDS : limit;
    if (m->out->card_count + shown + 1 > m->opts.cards_max)
        return;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    /* Downwards is upwards in order of nodes: draw the cards first, then join them. */
    uint32_t below = NONE;
    for (at = link->from; at != NONE && chain < missing; at = m->holders->nodes[at].parent, chain++) {
        bool drawn = limit < missing ? chain < limit : shown == missing || chain < RUN_ENDS || chain >= missing - RUN_ENDS;
        if (limit < missing && chain >= limit)
            break;
        if (!drawn) {
            m->plans[below].skipped++;
            continue;
        }
        draw_node(m, at);
        if (m->failed)
            break;
        if (below != NONE) {
            m->plans[below].up = at;
            draw_hold(m, below);
        }
        below = at;
    }
    if (!m->failed && below != NONE && limit < missing) {
        draw_way_down(m, below);
    } else if (!m->failed && below != NONE && at != NONE) {
        m->plans[below].up = at;
        draw_hold(m, below);
    }
    if (!m->failed) {
        htrail__chain_label(&text, link->ref_kind, text_of(m, link->label), HTRAIL__ANY_POSITION);
        add_arrow(m, m->plans[link->from].card, m->plans[link->to].card, HTRAIL__HOLD_SEVERAL, &text, link->references);
    }
    htrail__text_release(&text);
}

static void draw_other_kinds(model *m)
{
    size_t drawn = 0;
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    for (uint32_t i = m->holders->node_count; i-- > 0 && drawn < MORE_CARDS_MAX;) {
        const htrail__holder_node *n = &m->holders->nodes[i];
        if (m->plans[i].card == SIZE_MAX || n->other || (n->other_kinds == 0 && n->other_holders == 0) ||
            m->out->card_count >= m->opts.cards_max)
            continue;
        htrail__numbers_add(&text, n->other_holders);
        htrail__text_add_string(&text, n->other_holders == 1 ? " more holder" : " more holders");
        size_t card = draw_more(m, &text);
        if (card == SIZE_MAX)
            break;
        add_arrow(m, card, m->plans[i].card, HTRAIL__HOLD_SEVERAL, &text, n->other_holders);
        drawn++;
    }
    htrail__text_release(&text);
}

htrail_status htrail__model_build(htrail__picture *out, htrail__lookup *lookup, const htrail__holders *holders, const char *question,
                                  const char *subtitle, const htrail__model_opts *opts)
{
    model m = {.out = out, .lookup = lookup, .holders = holders};
    plan top = {0};
    htrail__text text;
    uint64_t objects;
    uint32_t tops;
    htrail_status status = htrail__lookup_totals(lookup, &objects, &m.heap_bytes);

    *out = (htrail__picture){0};
    htrail__model_opts_init(&m.opts);
    if (opts != NULL)
        m.opts = *opts;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    m.plans = calloc((size_t)holders->node_count + 1, sizeof *m.plans);
    m.heap = malloc(((size_t)holders->node_count + 1) * sizeof *m.heap);
    if (status != HTRAIL_OK)
        goto done;
    status = HTRAIL_E_NOMEM;
    if (m.plans == NULL || m.heap == NULL)
        goto done;
    htrail__text_add_string(&text, question);
    out->question = take_short(&m, &text, QUESTION_COLUMNS);
    htrail__text_add_string(&text, subtitle);
    out->subtitle = take_short(&m, &text, SUBTITLE_COLUMNS);
    plan_nodes(&m);
    link_children(&m, &tops);
    /* A third is kept for other holders. */
    draw_tree(&m, tops, holders->link_count > 0 ? m.opts.cards_max - m.opts.cards_max / 3 : m.opts.cards_max, &top);
    for (uint32_t i = 0; i < holders->node_count && !m.failed; i++)
        if (m.plans[i].card != SIZE_MAX && m.plans[i].up == NONE && holders->nodes[i].parent != NONE)
            draw_way_down(&m, i);
    for (uint32_t i = 0; i < holders->link_count && !m.failed; i++)
        draw_other(&m, &holders->links[i]);
    if (!m.failed)
        draw_other_kinds(&m);
    if (!m.failed)
        draw_more_kinds(&m, &top);
    if (m.failed)
        goto done;
    htrail__picture_size_cards(out);
    status = HTRAIL_OK;
done:
    htrail__text_release(&text);
    free(m.plans);
    free(m.heap);
    return status;
}
