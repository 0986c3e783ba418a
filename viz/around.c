/* viz/around.c - see the header. */
#include "viz/around.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "viz/escape.h"
#include "viz/numbers.h"

enum { TEXT_BYTES_MAX = 1 << 16, ARROWS_MAX = 70, LABEL_COLUMNS = 28, QUESTION_COLUMNS = 72, SUBTITLE_COLUMNS = 180 };
#define NONE UINT32_MAX

typedef struct place {
    uint32_t via, depth; /* the node through which it was met; NONE: it was asked for */
    uint32_t drawn;      /* nodes that were met through it */
    uint64_t more;       /* referrers met through it that have no card; downwards: references to what has none */
    size_t card;         /* SIZE_MAX: not drawn */
    bool is_partial;     /* more objects than were looked at are what this node is */
} place;

typedef struct view {
    htrail__cards cards;
    htrail__model_opts opts;
    place *places;
    uint32_t *order;
    uint64_t top_more; /* objects asked for and looked at that have no card */
    bool downwards;
} view;

static bool is_root(const view *v, uint32_t node) { return htrail__cards_shape(&v->cards, node)->root_kind != 0; }

static void find_places(view *v)
{
    const htrail__holders *h = v->cards.holders;
    for (uint32_t i = 0; i < h->node_count; i++) {
        uint32_t parent = h->nodes[i].parent;
        v->places[i] = (place){.via = parent, .depth = parent == NONE ? 0 : v->places[parent].depth + 1, .card = SIZE_MAX};
    }
    /* A root is met through what it holds. */
    for (uint32_t i = 0; i < h->link_count; i++) {
        const htrail__holder_link *link = &h->links[i];
        place *root = &v->places[link->from];
        if (is_root(v, link->from) && (root->via == NONE || v->places[link->to].depth + 1 < root->depth)) {
            root->via = link->to;
            root->depth = v->places[link->to].depth + 1;
        }
    }
}

static const view *sorted; /* qsort has no argument for it; no two run at once */

static int compare_nodes(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    const place *p = &sorted->places[*a], *q = &sorted->places[*b];
    if (p->depth != q->depth)
        return p->depth < q->depth ? -1 : 1;
    if (is_root(sorted, *a) != is_root(sorted, *b))
        return is_root(sorted, *a) ? -1 : 1;
    const htrail__holder_node *m = &sorted->cards.holders->nodes[*a], *n = &sorted->cards.holders->nodes[*b];
    /* Of what is held, what it retains says how much it matters. */
    if (sorted->downwards && m->retained_bytes != n->retained_bytes)
        return m->retained_bytes > n->retained_bytes ? -1 : 1;
    uint64_t many = m->objects, others = n->objects;
    if (many != others)
        return many > others ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

/* Of how many so many were looked at, at the card where the bound shows; below it all counts are lower ones. */
static void note_partial(view *v, uint32_t node)
{
    const htrail__holders *h = v->cards.holders;
    place *p = &v->places[node];
    const htrail__holder_node *up = p->via != NONE ? &h->nodes[p->via] : NULL;
    bool is_below = up != NULL && (v->places[p->via].is_partial || up->is_partly_searched);
    uint64_t left_out = up != NULL ? up->other_holders : h->nodes[node].targets > 0 ? h->targets - h->targets_followed : 0;
    uint64_t looked_at = up != NULL ? up->looked_at : h->targets_followed;
    p->is_partial = is_below || left_out > 0;
    if (!p->is_partial || v->opts.apart)
        return;
    htrail__cards_at_least(&v->cards, p->card);
    if (is_below)
        return;
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    htrail__numbers_add(&text, looked_at);
    htrail__text_add_string(&text, " of ");
    htrail__numbers_add(&text, looked_at + left_out);
    htrail__text_add_string(&text, up == NULL ? " looked at" : v->downwards ? " references looked at" : " referrers looked at");
    htrail__cards_note(&v->cards, p->card, &text);
    htrail__text_release(&text);
}

static void draw_nodes(view *v)
{
    const htrail__holders *h = v->cards.holders;
    uint32_t depth = 0;
    size_t in_rank = 0;
    for (uint32_t i = 0; i < h->node_count; i++)
        v->order[i] = i;
    sorted = v;
    qsort(v->order, h->node_count, sizeof *v->order, compare_nodes);
    for (uint32_t i = 0; i < h->node_count && !v->cards.failed; i++) {
        uint32_t node = v->order[i];
        place *p = &v->places[node], *up = p->via == NONE ? NULL : &v->places[p->via];
        if (p->depth != depth) {
            depth = p->depth;
            in_rank = 0;
        }
        if (up != NULL && up->card == SIZE_MAX)
            continue;
        bool fits = v->cards.out->card_count < v->opts.cards_max && in_rank < v->opts.rank_cards_max && (up == NULL || up->drawn < v->opts.siblings_max);
        if (!fits) {
            uint64_t objects = is_root(v, node) ? 1 : h->nodes[node].objects;
            *(up != NULL ? &up->more : &v->top_more) += objects;
            continue;
        }
        in_rank++;
        if (up != NULL)
            up->drawn++;
        p->card = htrail__cards_add_node(&v->cards, node);
        if (p->card != SIZE_MAX && !v->cards.failed)
            note_partial(v, node);
    }
}

/* One arrow for all references between two cards: "a, b, 12 more". Adds the label and returns where the next pair begins. */
static uint32_t read_pair(const view *v, uint32_t first, htrail__text *label, htrail__hold *hold, uint64_t *references)
{
    const htrail__holders *h = v->cards.holders;
    const htrail__holder_link *link = &h->links[first];
    uint32_t i = first, unsaid = 0;
    htrail__text one;
    htrail__text_init(&one, TEXT_BYTES_MAX);
    *references = 0;
    /* A card's arrows agree: what holds a few of its objects alone is one of several holders of the card's. */
    uint64_t all = h->nodes[link->to].objects;
    bool only = link->alone > 0 && htrail__holders_are_few(all - link->alone, all);
    *hold = only ? HTRAIL__HOLD_ONLY : link->held == HTRAIL__HELD_UNKNOWN ? HTRAIL__HOLD_UNKNOWN : HTRAIL__HOLD_SEVERAL;
    for (; i < h->link_count && h->links[i].from == link->from && h->links[i].to == link->to; i++) {
        *references += h->links[i].references;
        htrail__text_clear(&one);
        if (is_root(v, link->from))
            htrail__chain_root_label(&one, htrail__cards_shape(&v->cards, link->from)->root_kind);
        else
            htrail__chain_label(&one, h->links[i].ref_kind, htrail__cards_text(&v->cards, h->links[i].label), HTRAIL__ANY_POSITION);
        if (one.len == 0 || (label->len > 0 && label->len + one.len > LABEL_COLUMNS)) {
            unsaid += one.len > 0;
            continue;
        }
        htrail__text_add_string(label, label->len > 0 ? ", " : "");
        htrail__text_add(label, htrail__text_string(&one), one.len);
    }
    if (unsaid > 0) {
        htrail__text_add_string(label, ", ");
        htrail__numbers_add(label, unsaid);
        htrail__text_add_string(label, " more");
    }
    htrail__text_release(&one);
    return i;
}

/* Of how many objects an arrow tells the truth; 0: not all references are known. */
static uint64_t objects_on(const view *v, const htrail__holder_link *link, htrail__hold hold)
{
    const htrail__holder_node *from = &v->cards.holders->nodes[link->from], *to = &v->cards.holders->nodes[link->to];
    const htrail__holder_node *looked_at = v->downwards ? from : to;
    if (hold == HTRAIL__HOLD_ONLY)
        return link->alone;
    return looked_at->other_holders > 0 || looked_at->is_partly_searched ? 0 : link->objects;
}

/* References through which cards were met first, then as many others as there is room for. */
static void draw_links(view *v, bool others, uint64_t *left_out)
{
    const htrail__holders *h = v->cards.holders;
    htrail__text label;
    htrail__text_init(&label, TEXT_BYTES_MAX);
    for (uint32_t i = 0, next; i < h->link_count && !v->cards.failed; i = next) {
        const htrail__holder_link *link = &h->links[i];
        uint64_t references;
        htrail__hold hold;
        htrail__text_clear(&label);
        next = read_pair(v, i, &label, &hold, &references);
        const place *from = &v->places[link->from], *to = &v->places[link->to];
        bool is_first = from->via == link->to || to->via == link->from;
        if (from->card == SIZE_MAX || to->card == SIZE_MAX || is_first == others)
            continue;
        if (others && v->cards.out->arrow_count >= ARROWS_MAX)
            *left_out += references;
        else
            htrail__cards_add_arrow(&v->cards, from->card, to->card, hold, &label, references, objects_on(v, link, hold), h->nodes[link->to].objects);
    }
    htrail__text_release(&label);
}

static void add_more(const view *v, htrail__text *text, uint64_t count, bool met)
{
    htrail__numbers_add(text, count);
    htrail__text_add_string(text, !met ? " more objects that were asked for" : v->downwards ? " more reference" : " more referrer");
    htrail__text_add_string(text, met && count != 1 ? "s" : "");
}

/* Downwards references are counted, whether they lead to one object or to many. */
static void count_references_left_out(view *v)
{
    const htrail__holders *h = v->cards.holders;
    for (uint32_t i = 0; i < h->node_count; i++)
        v->places[i].more = 0;
    for (uint32_t i = 0; i < h->link_count; i++)
        if (v->places[h->links[i].to].card == SIZE_MAX)
            v->places[h->links[i].from].more += h->links[i].references;
}

static void note_more(view *v)
{
    const htrail__holders *h = v->cards.holders;
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    if (v->top_more > 0) {
        add_more(v, &text, v->top_more, false);
        htrail__cards_add_more(&v->cards, &text);
    }
    for (uint32_t i = 0; i < h->node_count && !v->cards.failed; i++) {
        const place *p = &v->places[i];
        uint64_t more = p->more + h->nodes[i].other_holders;
        if (p->card == SIZE_MAX || more == 0)
            continue;
        add_more(v, &text, more, true);
        htrail__cards_note(&v->cards, p->card, &text);
    }
    htrail__text_release(&text);
}

htrail_status htrail__around_build(htrail__picture *out, htrail__lookup *lookup, const htrail__holders *holders, const char *question,
                                   const char *subtitle, const htrail__model_opts *opts)
{
    view v = {.cards = {.out = out, .lookup = lookup, .holders = holders}, .downwards = holders->downwards};
    htrail__text text;
    uint64_t objects, left_out = 0;
    htrail_status status = htrail__lookup_totals(lookup, &objects, &v.cards.heap_bytes);

    *out = (htrail__picture){0};
    htrail__model_opts_init(&v.opts);
    if (opts != NULL)
        v.opts = *opts;
    htrail__cards_begin(&v.cards, &v.opts.cards);
    htrail__text_init(&text, TEXT_BYTES_MAX);
    v.places = calloc((size_t)holders->node_count + 1, sizeof *v.places);
    v.order = calloc((size_t)holders->node_count + 1, sizeof *v.order);
    if (status != HTRAIL_OK)
        goto done;
    status = HTRAIL_E_NOMEM;
    if (v.places == NULL || v.order == NULL)
        goto done;
    find_places(&v);
    draw_nodes(&v);
    draw_links(&v, false, &left_out);
    draw_links(&v, true, &left_out);
    if (v.downwards)
        count_references_left_out(&v);
    note_more(&v);
    htrail__text_add_string(&text, question);
    out->question = htrail__cards_take_short(&v.cards, &text, QUESTION_COLUMNS);
    htrail__text_add_string(&text, subtitle);
    if (left_out > 0) {
        htrail__text_add_string(&text, " · ");
        htrail__numbers_add(&text, left_out);
        htrail__text_add_string(&text, left_out == 1 ? " reference not drawn" : " references not drawn");
    }
    out->subtitle = htrail__cards_take_short(&v.cards, &text, SUBTITLE_COLUMNS);
    if (v.cards.failed)
        goto done;
    htrail__picture_size_cards(out);
    status = HTRAIL_OK;
done:
    htrail__text_release(&text);
    free(v.places);
    free(v.order);
    return status;
}
