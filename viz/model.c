/* viz/model.c - what to draw.
 *
 * The chains that were asked for form a tree of nodes. First runs without a branch are
 * shortened; then nodes are taken from the roots downwards, those with most of what was
 * asked for first, as long as bounds allow; then the chains of other holders are added. */
#include "viz/model.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "viz/cards.h"
#include "viz/escape.h"
#include "viz/numbers.h"

enum { TEXT_BYTES_MAX = 1 << 16, RUN_ENDS = 3, MORE_CARDS_MAX = 3, QUESTION_COLUMNS = 72, SUBTITLE_COLUMNS = 180 };
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
    uint32_t more_last;  /* the last of these kinds */
    uint64_t more_holders; /* that there was no room for */
    size_t card;         /* SIZE_MAX: not drawn */
    bool wanted;         /* leads to the largest part of what one of several selectors chose */
    bool linked;         /* another holder holds it too */
} plan;

typedef struct model {
    htrail__cards cards;
    htrail__model_opts opts;
    plan *plans;
    uint32_t *heap;
    uint32_t heap_count;
    size_t tops_drawn; /* cards that nothing holds */
} model;

void htrail__model_opts_init(htrail__model_opts *opts)
{
    *opts = (htrail__model_opts){.cards_max = 40, .rank_cards_max = 6, .siblings_max = 5, .run_max = 8, .fold_below_one_in = 200};
}

static void draw_node(model *m, uint32_t node)
{
    m->plans[node].card = htrail__cards_add_node(&m->cards, node);
    m->tops_drawn += m->cards.holders->nodes[node].parent == NONE;
}

/* The arrow from the card above, with a card between for steps that are left out. */
static void draw_hold(model *m, uint32_t node)
{
    const plan *p = &m->plans[node];
    htrail__text text;
    size_t from = m->plans[p->up].card;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    if (p->skipped > 0) {
        htrail__numbers_add(&text, p->skipped);
        htrail__text_add_string(&text, p->skipped == 1 ? " step left out" : " steps left out");
        size_t between = htrail__cards_add_more(&m->cards, &text);
        if (between == SIZE_MAX)
            goto done;
        htrail__cards_add_arrow(&m->cards, from, between, HTRAIL__HOLD_UNKNOWN, &text, 0, 0, 0);
        from = between;
    }
    htrail__cards_add_hold(&m->cards, from, p->card, node, &text);
done:
    htrail__text_release(&text);
}

/* Planning. */

static bool is_shown(const model *m, uint32_t node)
{
    const htrail__holder_node *n = &m->cards.holders->nodes[node];
    return !n->other && n->targets_below > 0 && (m->opts.depth_max == 0 || m->plans[node].height <= m->opts.depth_max);
}

static bool is_run(const model *m, uint32_t node)
{
    const htrail__holder_node *n = &m->cards.holders->nodes[node];
    return m->plans[node].children == 1 && n->targets == 0 && !m->plans[node].linked && htrail__cards_shape(&m->cards, node)->root_kind == 0;
}

static void plan_nodes(model *m)
{
    uint32_t count = m->cards.holders->node_count;
    for (uint32_t i = 0; i < count; i++)
        m->plans[i] = (plan){.up = NONE, .first = NONE, .next = NONE, .height = NONE, .card = SIZE_MAX};
    for (uint32_t i = 0; i < m->cards.holders->link_count; i++)
        m->plans[m->cards.holders->links[i].to].linked = true;
    for (uint32_t i = count; i-- > 0;) {
        const htrail__holder_node *n = &m->cards.holders->nodes[i];
        plan *p = &m->plans[i];
        if (n->targets > 0)
            p->height = 0;
        if (n->parent != NONE && p->height != NONE && p->height + 1 < m->plans[n->parent].height)
            m->plans[n->parent].height = p->height + 1;
    }
    for (uint32_t i = count; i-- > 0;) {
        uint32_t parent = m->cards.holders->nodes[i].parent;
        if (is_shown(m, i) && parent != NONE)
            m->plans[parent].children++;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = m->cards.holders->nodes[i].parent;
        if (is_shown(m, i) && is_run(m, i))
            m->plans[i].above = 1 + (parent != NONE && is_shown(m, parent) ? m->plans[parent].above : 0);
    }
    for (uint32_t i = count; i-- > 0;) {
        uint32_t parent = m->cards.holders->nodes[i].parent;
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
    for (uint32_t i = m->cards.holders->node_count; i-- > 0;) {
        plan *p = &m->plans[i];
        if (!is_shown(m, i) || is_left_out(m, i))
            continue;
        uint32_t up = m->cards.holders->nodes[i].parent;
        while (up != NONE && is_shown(m, up) && is_left_out(m, up)) {
            p->skipped += m->opts.apart ? (uint32_t)m->cards.holders->nodes[up].objects : 1; /* the middle of a long chain is one node all the same */
            up = m->cards.holders->nodes[up].parent;
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
    if (m->plans[a].wanted != m->plans[b].wanted)
        return m->plans[a].wanted;
    uint64_t left = m->cards.holders->nodes[a].targets_below, right = m->cards.holders->nodes[b].targets_below;
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

/* Of each of several groups of what was asked for something shall be drawn, however small it is. */
static void want_groups(model *m)
{
    const htrail__holders *holders = m->cards.holders;
    uint64_t *counts = m->opts.group_count > 1 ? calloc((size_t)holders->node_count + 1, sizeof *counts) : NULL;
    if (counts == NULL) {
        m->cards.failed |= m->opts.group_count > 1;
        return;
    }
    for (size_t group = 0, first = 0; group < m->opts.group_count; first = m->opts.group_ends[group++]) {
        size_t end = m->opts.group_ends[group] < holders->targets_followed ? m->opts.group_ends[group] : (size_t)holders->targets_followed;
        uint32_t best = NONE;
        for (size_t i = first; i < end; i++) {
            uint32_t node = holders->target_nodes[i];
            counts[node]++;
            if (best == NONE || counts[node] > counts[best])
                best = node;
        }
        for (size_t i = first; i < end; i++)
            counts[holders->target_nodes[i]] = 0;
        for (uint32_t at = best; at != NONE; at = holders->nodes[at].parent)
            m->plans[at].wanted = true;
    }
    free(counts);
}

/* Draw what is in the heap as bounds allow. */
static void draw_heap(model *m, size_t cards_max, uint32_t *ranks, plan *top)
{
    while (m->heap_count > 0 && !m->cards.failed) {
        /* From each node on at once down to something that was asked for: a chain without its
         * end says nothing. */
        for (uint32_t node = pop(m), down = NONE; node != NONE && !m->cards.failed; node = down) {
            const htrail__holder_node *n = &m->cards.holders->nodes[node];
            plan *p = &m->plans[node], *up = p->up == NONE ? top : &m->plans[p->up];
            p->rank = p->up == NONE ? 0 : up->rank + 1 + (p->skipped > 0);
            bool few = !p->wanted && up->drawn_children > 0 && m->opts.fold_below_one_in != 0 &&
                       n->targets_below < m->cards.holders->targets_followed / m->opts.fold_below_one_in;
            if (few || m->cards.out->card_count >= cards_max || up->drawn_children >= m->opts.siblings_max || ranks[p->rank] >= m->opts.rank_cards_max) {
                up->more_kinds++;
                up->more_targets += n->targets_below;
                up->more_last = node;
                break;
            }
            up->drawn_children++;
            ranks[p->rank]++;
            draw_node(m, node);
            if (!m->cards.failed && p->up != NONE)
                draw_hold(m, node);
            down = n->targets == 0 ? first_to_go(m, p->first) : NONE;
            push_all(m, p->first, down);
        }
    }
}

/* The card that counts one kind takes the room of the one that it hides: draw that instead.
 * Where there is no room, the holder says it (note_rest). */
static bool draw_single(model *m, size_t cards_max, uint32_t *ranks, plan *up)
{
    if (up->more_kinds != 1 || up->more_last == NONE)
        return false;
    uint32_t node = up->more_last;
    if (m->cards.out->card_count >= cards_max || ranks[m->plans[node].rank] > m->opts.rank_cards_max)
        return false;
    up->more_kinds = up->more_targets = 0;
    up->drawn_children++;
    ranks[m->plans[node].rank]++;
    draw_node(m, node);
    if (!m->cards.failed && m->plans[node].up != NONE)
        draw_hold(m, node);
    push_all(m, m->plans[node].first, NONE);
    return true;
}

/* Cards for the chains that were asked for. top: kinds and objects that no card shows. */
static void draw_tree(model *m, uint32_t tops, size_t cards_max, plan *top)
{
    uint32_t *ranks = calloc((size_t)m->cards.holders->node_count + 2, sizeof *ranks);
    if (ranks == NULL) {
        m->cards.failed = true;
        return;
    }
    push_all(m, tops, NONE);
    draw_heap(m, cards_max, ranks, top);
    /* Nodes come after those that hold them. */
    for (uint32_t i = 0; i <= m->cards.holders->node_count && !m->cards.failed; i++)
        if (draw_single(m, cards_max, ranks, i == 0 ? top : &m->plans[i - 1]))
            draw_heap(m, cards_max, ranks, top);
    free(ranks);
}

/* The way down to a node whose holders are not drawn. */
static void draw_way_down(model *m, uint32_t node)
{
    uint32_t steps = 1, root = m->cards.holders->nodes[node].parent;
    htrail__text text;
    if (root == NONE)
        return;
    for (; m->cards.holders->nodes[root].parent != NONE; root = m->cards.holders->nodes[root].parent)
        steps++;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    htrail__cards_add_title(&m->cards, &text, root);
    htrail__cards_leave_out_folder(&text);
    char *title = htrail__cards_take_short(&m->cards, &text, m->cards.opts.columns != 0 ? m->cards.opts.columns : HTRAIL__LABEL_COLUMNS);
    htrail__text_add_string(&text, title != NULL ? title : "");
    free(title);
    size_t card = htrail__cards_add_more(&m->cards, &text);
    if (card != SIZE_MAX) {
        htrail__numbers_add(&text, steps);
        htrail__text_add_string(&text, steps == 1 ? " step up" : " steps up");
        free(m->cards.out->cards[card].detail);
        m->cards.out->cards[card].detail = htrail__cards_take(&m->cards, &text);
        htrail__cards_add_hold(&m->cards, card, m->plans[node].card, node, &text);
    }
    htrail__text_release(&text);
}

/* Where there is no card for what is not drawn below, its holder says how much it is. */
static void note_rest(model *m, uint32_t node)
{
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    htrail__numbers_add(&text, m->plans[node].more_targets);
    htrail__text_add_string(&text, " more asked for below it");
    htrail__cards_note(&m->cards, m->plans[node].card, &text);
    htrail__text_release(&text);
}

static void draw_more_kinds(model *m, const plan *top)
{
    size_t drawn = 0;
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i <= m->cards.holders->node_count; i++) {
        const plan *p = i == 0 ? top : &m->plans[i - 1];
        if (p->more_kinds == 0)
            continue;
        if (drawn == MORE_CARDS_MAX || (p->more_kinds == 1 && p != top)) {
            note_rest(m, i - 1);
            continue;
        }
        htrail__numbers_add(&text, p->more_kinds);
        htrail__text_add_string(&text, p == top && !m->opts.apart ? " more root" : m->opts.apart ? " more object" : " more kind");
        if (m->opts.apart && p->more_targets == p->more_kinds) {
            htrail__text_add_string(&text, p->more_kinds == 1 ? "" : "s");
        } else {
            htrail__text_add_string(&text, p->more_kinds == 1 ? ", " : "s, ");
            htrail__numbers_add(&text, p->more_targets);
            htrail__text_add_string(&text, m->opts.apart ? " asked for below" : p->more_targets == 1 ? " object" : " objects");
        }
        size_t card = htrail__cards_add_more(&m->cards, &text);
        if (card == SIZE_MAX)
            break;
        if (p != top)
            htrail__cards_add_arrow(&m->cards, p->card, card, HTRAIL__HOLD_UNKNOWN, &text, 0, 0, 0);
        drawn++;
    }
    uint64_t followed = m->cards.holders->targets_followed, unseen = m->cards.holders->targets - followed;
    if (m->opts.apart && followed > 1 && unseen > 0) { /* where objects are merged the bound is one of time alone, and said above */
        htrail__numbers_add(&text, unseen);
        htrail__text_add_string(&text, " more not looked at");
        htrail__cards_add_more(&m->cards, &text);
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
    for (at = link->from; at != NONE && m->plans[at].card == SIZE_MAX; at = m->cards.holders->nodes[at].parent)
        missing++;
    uint32_t limit = m->opts.depth_max != 0 && missing > m->opts.depth_max ? (uint32_t)m->opts.depth_max : missing;
    uint32_t shown = limit > 2 * RUN_ENDS + 1 && limit == missing ? 2 * RUN_ENDS : limit;
    /* A root of its own would stand beside all others, which the top of a picture has no room for. */
    if (m->cards.out->card_count + shown + 1 > m->opts.cards_max || (at == NONE && m->tops_drawn >= m->opts.rank_cards_max)) {
        m->plans[link->to].more_holders += link->references;
        return;
    }
    htrail__text_init(&text, TEXT_BYTES_MAX);
    /* Downwards is upwards in order of nodes: draw the cards first, then join them. */
    uint32_t below = NONE;
    for (at = link->from; at != NONE && chain < missing; at = m->cards.holders->nodes[at].parent, chain++) {
        bool drawn = limit < missing ? chain < limit : shown == missing || chain < RUN_ENDS || chain >= missing - RUN_ENDS;
        if (limit < missing && chain >= limit)
            break;
        if (!drawn) {
            m->plans[below].skipped++;
            continue;
        }
        draw_node(m, at);
        if (m->cards.failed)
            break;
        if (below != NONE) {
            m->plans[below].up = at;
            draw_hold(m, below);
        }
        below = at;
    }
    if (!m->cards.failed && below != NONE && limit < missing) {
        draw_way_down(m, below);
    } else if (!m->cards.failed && below != NONE && at != NONE) {
        m->plans[below].up = at;
        draw_hold(m, below);
    }
    if (!m->cards.failed) {
        htrail__chain_label(&text, link->ref_kind, htrail__cards_text(&m->cards, link->label), HTRAIL__ANY_POSITION);
        htrail__cards_add_arrow(&m->cards, m->plans[link->from].card, m->plans[link->to].card, HTRAIL__HOLD_SEVERAL, &text, link->is_partly_searched ? 0 : link->references,
                                link->is_partly_searched ? 0 : link->objects, m->cards.holders->nodes[link->to].objects);
    }
    htrail__text_release(&text);
}

/* An arrow that is one of several has the others beside it, or their number on the card that it leads to. */
static void note_other_holders(model *m)
{
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i < m->cards.holders->node_count; i++) {
        const htrail__holder_node *n = &m->cards.holders->nodes[i];
        uint64_t more = n->other_holders + m->plans[i].more_holders;
        if (m->plans[i].card == SIZE_MAX || (more == 0 && !n->held_from_below))
            continue;
        if (more > 0 && n->shared > 0) {
            htrail__numbers_add(&text, n->shared);
            htrail__text_add_string(&text, " of them held elsewhere too");
        } else if (more > 0) {
            htrail__numbers_add(&text, more);
            htrail__text_add_string(&text, n->is_partly_searched ? "+" : "");
            htrail__text_add_string(&text, more == 1 && !n->is_partly_searched ? " more holder" : " more holders");
        } else {
            htrail__text_add_string(&text, "held from below too");
        }
        htrail__cards_note(&m->cards, m->plans[i].card, &text);
    }
    htrail__text_release(&text);
}

htrail_status htrail__model_build(htrail__picture *out, htrail__lookup *lookup, const htrail__holders *holders, const char *question,
                                  const char *subtitle, const htrail__model_opts *opts)
{
    model m = {.cards = {.out = out, .lookup = lookup, .holders = holders}};
    plan top = {0};
    htrail__text text;
    uint64_t objects;
    uint32_t tops;
    htrail_status status = htrail__lookup_totals(lookup, &objects, &m.cards.heap_bytes);

    *out = (htrail__picture){0};
    htrail__model_opts_init(&m.opts);
    if (opts != NULL)
        m.opts = *opts;
    htrail__cards_begin(&m.cards, &m.opts.cards);
    htrail__text_init(&text, TEXT_BYTES_MAX);
    m.plans = calloc((size_t)holders->node_count + 1, sizeof *m.plans);
    m.heap = malloc(((size_t)holders->node_count + 1) * sizeof *m.heap);
    if (status != HTRAIL_OK)
        goto done;
    status = HTRAIL_E_NOMEM;
    if (m.plans == NULL || m.heap == NULL)
        goto done;
    htrail__text_add_string(&text, question);
    out->question = htrail__cards_take_short(&m.cards, &text, QUESTION_COLUMNS);
    htrail__text_add_string(&text, subtitle);
    out->subtitle = htrail__cards_take_short(&m.cards, &text, SUBTITLE_COLUMNS);
    plan_nodes(&m);
    link_children(&m, &tops);
    want_groups(&m);
    /* A third is kept for other holders. */
    draw_tree(&m, tops, holders->link_count > 0 ? m.opts.cards_max - m.opts.cards_max / 3 : m.opts.cards_max, &top);
    for (uint32_t i = 0; i < holders->node_count && !m.cards.failed; i++)
        if (m.plans[i].card != SIZE_MAX && m.plans[i].up == NONE && holders->nodes[i].parent != NONE)
            draw_way_down(&m, i);
    for (uint32_t i = 0; i < holders->link_count && !m.cards.failed; i++)
        draw_other(&m, &holders->links[i]);
    if (!m.cards.failed)
        note_other_holders(&m);
    if (!m.cards.failed)
        draw_more_kinds(&m, &top);
    if (m.cards.failed)
        goto done;
    htrail__picture_size_cards(out);
    status = HTRAIL_OK;
done:
    htrail__text_release(&text);
    free(m.plans);
    free(m.heap);
    return status;
}
