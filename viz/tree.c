/* viz/tree.c - a picture as text. The cards on the way down are a stack of arrows, so that nothing is recursive. */
#include "viz/tree.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct tree {
    const htrail__picture *picture;
    FILE *stream;
    bool *written;   /* by card */
    size_t *first;   /* by card: its first arrow in `order`; those of the next card follow */
    size_t *order;   /* arrows, by the card that they come from */
    size_t *next;    /* by depth: the next arrow of the card there */
    size_t *path;    /* by depth: the card */
} tree;

static const struct {
    const char *line, *tip, *text;
} holds[] = {
    [HTRAIL__HOLD_ONLY] = {"━", "━▶ ", "the only holder: cut it and they go"},
    [HTRAIL__HOLD_SEVERAL] = {"┄", "┄▷ ", "one of several holders"},
    [HTRAIL__HOLD_UNKNOWN] = {"─", "─▷ ", "a holder; others may not be drawn"},
};

static void write_card(tree *t, size_t index)
{
    const htrail__card *card = &t->picture->cards[index];
    const char *const parts[] = {card->detail, card->bytes, card->info};
    bool any = false;
    fputs(card->title, t->stream);
    if (card->count[0] != '\0')
        fprintf(t->stream, " %s", card->count);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !t->written[index]; i++)
        if (parts[i] != NULL && parts[i][0] != '\0') {
            fprintf(t->stream, "%s%s", any ? ", " : " · ", parts[i]);
            any = true;
        }
    fprintf(t->stream, "%s%s%s%s%s%s\n", card->kind == HTRAIL__CARD_MORE ? " (not drawn)" : "", card->fresh != NULL ? " " : "", card->fresh != NULL ? card->fresh : "", card->suspect ? " (asked for)" : "",
            card->highlight ? " (highlighted)" : "", t->written[index] ? " (above)" : "");
}

/* The card at `depth` of the path, and all that it holds. */
static void write_below(tree *t, size_t card)
{
    size_t depth = 0;
    write_card(t, card);
    t->written[card] = true;
    t->path[0] = card;
    t->next[0] = t->first[card];
    for (;;) {
        size_t at = t->path[depth];
        if (t->next[depth] == t->first[at + 1]) {
            if (depth-- == 0)
                return;
            continue;
        }
        const htrail__arrow *arrow = &t->picture->arrows[t->order[t->next[depth]++]];
        for (size_t i = 0; i < depth; i++)
            fputs(t->next[i] < t->first[t->path[i] + 1] ? "│ " : "  ", t->stream);
        fputs(t->next[depth] < t->first[at + 1] ? "├" : "└", t->stream);
        fprintf(t->stream, "%s%s%s", holds[arrow->hold].line, arrow->label, holds[arrow->hold].tip);
        bool is_new = !t->written[arrow->to];
        write_card(t, arrow->to);
        t->written[arrow->to] = true;
        if (is_new) {
            t->path[++depth] = arrow->to;
            t->next[depth] = t->first[arrow->to];
        }
    }
}

static void write_legend(tree *t)
{
    bool drawn[sizeof holds / sizeof *holds] = {false};
    for (size_t i = 0; i < t->picture->arrow_count; i++)
        drawn[t->picture->arrows[i].hold] = true;
    fputc('\n', t->stream);
    if (t->picture->earlier != NULL)
        fprintf(t->stream, "NEW not in %s\n", t->picture->earlier);
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        if (drawn[i])
            fprintf(t->stream, "%s%s\n", holds[i].tip, holds[i].text);
}

htrail_status htrail__tree_write(const htrail__picture *picture, FILE *stream)
{
    size_t cards = picture->card_count, arrows = picture->arrow_count;
    tree t = {.picture = picture, .stream = stream};
    bool *held = calloc(cards + 1, sizeof *held);
    htrail_status status = HTRAIL_E_NOMEM;
    t.written = calloc(cards + 1, sizeof *t.written);
    t.first = calloc(cards + 2, sizeof *t.first);
    t.order = calloc(arrows + 1, sizeof *t.order);
    t.next = calloc(cards + 1, sizeof *t.next);
    t.path = calloc(cards + 1, sizeof *t.path);
    if (held == NULL || t.written == NULL || t.first == NULL || t.order == NULL || t.next == NULL || t.path == NULL)
        goto done;
    for (size_t i = 0, end = 0; i <= cards; i++) {
        t.first[i] = end;
        for (size_t k = 0; k < arrows && i < cards; k++)
            if (picture->arrows[k].from == i)
                t.order[end++] = k;
    }
    for (size_t i = 0; i < arrows; i++)
        held[picture->arrows[i].to] |= picture->arrows[i].from != picture->arrows[i].to;
    fprintf(stream, "%s\n%s\n\n", picture->question, picture->subtitle);
    for (int turn = 0; turn < 2; turn++) /* then what only a ring holds */
        for (size_t i = 0; i < cards; i++)
            if (!t.written[i] && (turn == 1 || !held[i]))
                write_below(&t, i);
    write_legend(&t);
    status = ferror(stream) ? HTRAIL_E_IO : HTRAIL_OK;
done:
    free(held);
    free(t.written);
    free(t.first);
    free(t.order);
    free(t.next);
    free(t.path);
    return status;
}
