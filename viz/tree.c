/* viz/tree.c - a picture as text. The cards on the way down are a stack of arrows, so that nothing is recursive. */
#include "viz/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/text.h"
#include "format/visible.h"
#include "format/utf8.h"
#include "viz/escape.h"

enum { TEXT_BYTES_MAX = 1 << 16, NAME_COLUMNS_LEAST = 16, TAIL_SHARE = 2 };

typedef struct tree {
    const htrail__picture *picture;
    htrail__tree_opts opts;
    FILE *stream;
    bool failed;
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

static void add_ascii(htrail__text *out, const char *text)
{
    static const struct {
        const char *text, *ascii;
    } known[] = {{"━", "="}, {"┄", "."}, {"─", "-"}, {"▶", ">"}, {"▷", ">"}, {"│", "|"}, {"├", "|"}, {"└", "`"}, {"×", "x"}, {"·", "-"}, {"–", "-"}, {"…", ".."}, {"→", "->"}};
    char one[HTRAIL__VISIBLE_BYTES];
    for (size_t left = strlen(text), used; left > 0; text += used, left -= used) {
        const char *ascii = NULL;
        used = htrail__visible_next(one, text, left);
        for (size_t i = 0; (unsigned char)one[0] >= 0x80 && i < sizeof known / sizeof *known; i++)
            if (strcmp(one, known[i].text) == 0)
                ascii = known[i].ascii;
        if (ascii == NULL && (unsigned char)one[0] >= 0x80)
            htrail__visible_escape(one, htrail__utf8_point(one, used));
        htrail__text_add_string(out, ascii != NULL ? ascii : one);
    }
}

/* What stands for text where it is written. */
static void translate(const tree *t, htrail__text *text)
{
    htrail__text ascii;
    if (!t->opts.is_ascii)
        return;
    htrail__text_init(&ascii, TEXT_BYTES_MAX);
    add_ascii(&ascii, htrail__text_string(text));
    htrail__text_clear(text);
    htrail__text_add(text, ascii.data, ascii.len);
    htrail__text_release(&ascii);
}

static size_t columns_of(const htrail__text *text) { return htrail__escape_columns(htrail__text_string(text)); }

static void write_cut(tree *t, const htrail__text *text, size_t columns)
{
    htrail__text cut;
    htrail__text_init(&cut, TEXT_BYTES_MAX);
    bool fits = columns_of(text) <= columns;
    htrail__escape_ellipsis(&cut, text->data, text->len, fits ? columns : columns - t->opts.is_ascii); /* ".." takes one more */
    translate(t, &cut);
    fputs(htrail__text_string(&cut), t->stream);
    t->failed |= cut.failed || text->failed;
    htrail__text_release(&cut);
}

/* A line: lines down to what follows, then what it is, of which the middle can be spared, and what is said of it. */
static void write_line(tree *t, const htrail__text *lines, size_t depth, htrail__text *head, htrail__text *tail)
{
    translate(t, head);
    translate(t, tail);
    size_t room = t->opts.columns, used = 2 * depth;
    if (room == 0) {
        fprintf(t->stream, "%s%s%s\n", htrail__text_string(lines), htrail__text_string(head), htrail__text_string(tail));
        return;
    }
    if (used > room / 2 - NAME_COLUMNS_LEAST / 2) {
        int level = fprintf(t->stream, "%zu ", depth);
        used = level > 0 ? (size_t)level : 0;
    } else {
        fputs(htrail__text_string(lines), t->stream);
    }
    room -= used;
    size_t head_columns = columns_of(head), tail_columns = columns_of(tail);
    if (head_columns + tail_columns > room && tail_columns > room / TAIL_SHARE)
        tail_columns = head_columns < room - room / TAIL_SHARE ? room - head_columns : room / TAIL_SHARE;
    write_cut(t, head, room - tail_columns);
    write_cut(t, tail, tail_columns);
    fputc('\n', t->stream);
}

/* Of our own words: a line ends between two. */
static void write_flowing(tree *t, const char *text)
{
    htrail__text words;
    size_t at_column = 0;
    htrail__text_init(&words, TEXT_BYTES_MAX);
    htrail__text_add_string(&words, text);
    translate(t, &words);
    for (const char *at = htrail__text_string(&words); *at != '\0';) {
        htrail__text word;
        size_t len = strcspn(at, " ");
        htrail__text_init(&word, TEXT_BYTES_MAX);
        htrail__text_add(&word, at, len);
        size_t columns = columns_of(&word);
        if (at_column > 0 && t->opts.columns > 0 && at_column + 1 + columns > t->opts.columns) {
            fputc('\n', t->stream);
            at_column = 0;
        }
        if (at_column > 0)
            fputc(' ', t->stream);
        at_column += (at_column > 0) + columns;
        write_cut(t, &word, t->opts.columns > 0 ? t->opts.columns : columns);
        htrail__text_release(&word);
        at += len + (at[len] == ' ');
    }
    fputc('\n', t->stream);
    htrail__text_release(&words);
}

/* is_short: without what can be spared. */
static void add_card(const tree *t, htrail__text *head, htrail__text *tail, size_t index, bool is_short)
{
    const htrail__card *card = &t->picture->cards[index];
    const char *const parts[] = {is_short ? NULL : card->detail, card->bytes, card->info};
    bool any = false;
    htrail__text_add_string(head, card->title);
    if (card->count[0] != '\0')
        htrail__text_format(tail, " %s", card->count);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !t->written[index]; i++)
        if (parts[i] != NULL && parts[i][0] != '\0') {
            htrail__text_format(tail, "%s%s", any ? ", " : " · ", parts[i]);
            any = true;
        }
    htrail__text_format(tail, "%s%s%s%s%s%s", card->kind == HTRAIL__CARD_MORE ? " (not drawn)" : "", card->fresh != NULL ? " " : "", card->fresh != NULL ? card->fresh : "",
                        card->suspect ? " (asked for)" : "", card->highlight ? " (highlighted)" : "", t->written[index] ? " (above)" : "");
}

static void add_arrow(const tree *t, htrail__text *head, const htrail__arrow *arrow, size_t depth)
{
    if (arrow != NULL)
        htrail__text_format(head, "%s%s%s%s", t->next[depth] < t->first[t->path[depth] + 1] ? "├" : "└", holds[arrow->hold].line, arrow->label, holds[arrow->hold].tip);
}

/* The card, below those of the path so far. arrow NULL: nothing holds it. */
static void write_card(tree *t, size_t index, const htrail__arrow *arrow, size_t depth)
{
    htrail__text lines, head, tail;
    htrail__text_init(&lines, TEXT_BYTES_MAX);
    htrail__text_init(&head, TEXT_BYTES_MAX);
    htrail__text_init(&tail, TEXT_BYTES_MAX);
    for (size_t i = 0; arrow != NULL && i < depth; i++)
        htrail__text_add_string(&lines, t->next[i] < t->first[t->path[i] + 1] ? "│ " : "  ");
    translate(t, &lines);
    add_arrow(t, &head, arrow, depth);
    add_card(t, &head, &tail, index, false);
    if (t->opts.columns > 0 && 2 * depth + columns_of(&head) + columns_of(&tail) > t->opts.columns) {
        htrail__text_clear(&head);
        htrail__text_clear(&tail);
        add_arrow(t, &head, arrow, depth);
        add_card(t, &head, &tail, index, true);
    }
    write_line(t, &lines, depth, &head, &tail);
    t->failed |= lines.failed;
    htrail__text_release(&lines);
    htrail__text_release(&head);
    htrail__text_release(&tail);
}

/* The card at `depth` of the path, and all that it holds. */
static void write_below(tree *t, size_t card)
{
    size_t depth = 0;
    write_card(t, card, NULL, 0);
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
        bool is_new = !t->written[arrow->to];
        write_card(t, arrow->to, arrow, depth);
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
    htrail__text line;
    htrail__text_init(&line, TEXT_BYTES_MAX);
    fputc('\n', t->stream);
    if (t->picture->earlier != NULL) {
        htrail__text_format(&line, "NEW not in %s", t->picture->earlier);
        write_flowing(t, htrail__text_string(&line));
    }
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        if (drawn[i]) {
            htrail__text_clear(&line);
            htrail__text_format(&line, "%s%s", holds[i].tip, holds[i].text);
            write_flowing(t, htrail__text_string(&line));
        }
    htrail__text_release(&line);
}

htrail_status htrail__tree_write(const htrail__picture *picture, const htrail__tree_opts *opts, FILE *stream)
{
    size_t cards = picture->card_count, arrows = picture->arrow_count;
    tree t = {.picture = picture, .opts = *opts, .stream = stream};
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
    write_flowing(&t, picture->question);
    write_flowing(&t, picture->subtitle);
    fputc('\n', stream);
    for (int turn = 0; turn < 2; turn++) /* then what only a ring holds */
        for (size_t i = 0; i < cards; i++)
            if (!t.written[i] && (turn == 1 || !held[i]))
                write_below(&t, i);
    write_legend(&t);
    status = ferror(stream) ? HTRAIL_E_IO : t.failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
done:
    free(held);
    free(t.written);
    free(t.first);
    free(t.order);
    free(t.next);
    free(t.path);
    return status;
}
