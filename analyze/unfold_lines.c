/* analyze/unfold_lines.c - see the header. */
#include "analyze/unfold_lines.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/unfold.h"

#define NOT_KEPT HTRAIL__UNFOLD_NOT_KEPT
enum { SLOTS_FIRST = 1024 };

typedef htrail__unfold_line line;
typedef htrail__unfold_group group;

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

void htrail__unfold_sums_add(htrail__unfold_sums *to, const htrail__unfold_sums *more)
{
    *to = (htrail__unfold_sums){plus(to->count, more->count), plus(to->bytes, more->bytes), plus(to->retained, more->retained)};
}

/* Groups. */

static size_t slot_of(const htrail__unfold_lines *l, uint64_t name, uint32_t type)
{
    return (size_t)(((name ^ (uint64_t)type << 40) * UINT64_C(0x9e3779b97f4a7c15)) >> 24) & (l->slot_count - 1);
}

static bool grow_slots(htrail__unfold_lines *l)
{
    size_t count = l->slot_count == 0 ? SLOTS_FIRST : l->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(l->slots);
    l->slots = slots;
    l->slot_count = count;
    for (size_t i = 0; i < l->group_count; i++) {
        size_t slot = slot_of(l, l->groups[i].name, l->groups[i].type);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i + 1;
        l->groups[i].slot = (uint32_t)slot;
    }
    return true;
}

bool htrail__unfold_lines_add(htrail__unfold_lines *l, const htrail__unfold_heap *heap, uint64_t name, uint32_t id)
{
    const htrail__unfold_object *o = &heap->objects[id];
    if ((l->group_count * 2 >= l->slot_count && !grow_slots(l)) || !htrail__grow(&l->objects, &l->object_room, l->object_count, sizeof *l->objects))
        return false;
    size_t slot = slot_of(l, name, o->type);
    while (l->slots[slot] != 0 && (l->groups[l->slots[slot] - 1].name != name || l->groups[l->slots[slot] - 1].type != o->type))
        slot = (slot + 1) & (l->slot_count - 1);
    if (l->slots[slot] == 0) {
        if (!htrail__grow(&l->groups, &l->group_room, l->group_count, sizeof *l->groups))
            return false;
        l->groups[l->group_count] = (group){.name = name, .type = o->type, .slot = (uint32_t)slot};
        l->slots[slot] = (uint32_t)++l->group_count;
    }
    uint32_t number = l->slots[slot] - 1;
    htrail__unfold_sums_add(&l->groups[number].sums, &(htrail__unfold_sums){1, o->size, o->retained});
    l->objects[l->object_count++] = (htrail__unfold_object_found){id, number};
    return true;
}

/* Lines. */

static int compare_words(uint32_t a, uint32_t b) { return a < b ? -1 : a > b; }

static int by_words(const void *left, const void *right, void *arg)
{
    const htrail__unfold_lines *l = arg;
    const group *a = &l->groups[*(const uint32_t *)left], *b = &l->groups[*(const uint32_t *)right];
    int order = compare_words(a->kind, b->kind);
    if (order == 0)
        order = compare_words(a->type_word, b->type_word);
    return order != 0 ? order : compare_words(a->label, b->label);
}

static int compare_texts(htrail_str a, htrail_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_retained(const void *left, const void *right, void *arg)
{
    const htrail__unfold_lines *l = arg;
    const line *a = &l->lines[*(const uint32_t *)left], *b = &l->lines[*(const uint32_t *)right];
    if (a->sums.retained != b->sums.retained)
        return a->sums.retained > b->sums.retained ? -1 : 1;
    if (a->sums.bytes != b->sums.bytes)
        return a->sums.bytes > b->sums.bytes ? -1 : 1;
    int order = compare_texts(a->kind_text, b->kind_text);
    if (order == 0)
        order = compare_texts(a->label_text, b->label_text);
    return order != 0 ? order : compare_texts(a->type_text, b->type_text);
}

static bool reserve_order(htrail__unfold_lines *l, size_t count)
{
    while (l->order_room < count)
        if (!htrail__grow(&l->order, &l->order_room, l->order_room, sizeof *l->order))
            return false;
    return true;
}

/* Groups of the same words are a line. Those of one kind and type come one after the other. */
static bool put_together(htrail__unfold_lines *l, htrail__unfold_words *words)
{
    if (!reserve_order(l, l->group_count))
        return false;
    for (size_t i = 0; i < l->group_count; i++) {
        group *g = &l->groups[i];
        htrail__unfold_name_words(words, g->name, &g->kind, &g->label);
        g->type_word = htrail__unfold_type_word(words, g->type);
        l->order[i] = (uint32_t)i;
    }
    if (l->group_count > 1)
        qsort_r(l->order, l->group_count, sizeof *l->order, by_words, l);
    for (size_t i = 0; i < l->group_count; i++) {
        group *g = &l->groups[l->order[i]];
        if (i == 0 || by_words(&l->order[i - 1], &l->order[i], l) != 0) {
            if (!htrail__grow(&l->lines, &l->line_room, l->line_count, sizeof *l->lines))
                return false;
            l->lines[l->line_count] = (line){.kind = g->kind, .label = g->label, .type = g->type_word, .into = (uint32_t)l->line_count};
            l->line_count++;
        }
        g->line = (uint32_t)l->line_count - 1;
        htrail__unfold_sums_add(&l->lines[g->line].sums, &g->sums);
    }
    return true;
}

static bool is_small(const line *one, const htrail__unfold_rules *rules) { return (double)one->sums.retained * 100.0 < rules->size_bytes * rules->percent_own_line; }

/* Small ones of one kind and type are a line where they are many: the keys of a registry. One that is called so is part of it. */
static void join_small(htrail__unfold_lines *l, const htrail__unfold_rules *rules, uint32_t star)
{
    for (size_t first = 0, end; first < l->line_count; first = end) {
        size_t small = 0, all = NOT_KEPT, i;
        for (end = first; end < l->line_count && l->lines[end].kind == l->lines[first].kind && l->lines[end].type == l->lines[first].type; end++) {
            small += is_small(&l->lines[end], rules);
            if (l->lines[end].label == star)
                all = end;
        }
        if (small <= HTRAIL__UNFOLD_LABELS_MAX)
            continue;
        for (i = first; i < end; i++) {
            line *one = &l->lines[i];
            if (i == all || !is_small(one, rules))
                continue;
            if (all == NOT_KEPT) {
                all = i;
                continue;
            }
            one->into = (uint32_t)all;
            htrail__unfold_sums_add(&l->lines[all].sums, &one->sums);
        }
        l->lines[all].label = star;
    }
}

/* order: all that stand for themselves, what retains most first; those that are kept have their place in it. */
static bool rank_lines(htrail__unfold_lines *l, const htrail__texts *texts, const htrail__unfold_rules *rules)
{
    if (!reserve_order(l, l->line_count))
        return false;
    for (size_t i = 0; i < l->line_count; i++) {
        line *one = &l->lines[i];
        one->rank = NOT_KEPT;
        if (one->into != i)
            continue;
        one->kind_text = htrail__texts_get(texts, one->kind);
        one->label_text = htrail__texts_get(texts, one->label);
        one->type_text = htrail__texts_get(texts, one->type);
        l->order[l->count++] = (uint32_t)i;
    }
    if (l->count > 1)
        qsort_r(l->order, l->count, sizeof *l->order, by_retained, l);
    for (; l->kept < l->count; l->kept++) {
        line *one = &l->lines[l->order[l->kept]];
        if ((rules->lines_max > 0 && l->kept >= rules->lines_max) || (double)one->sums.retained * 100.0 < rules->size_bytes * rules->percent_least)
            break;
        one->rank = (uint32_t)l->kept;
    }
    return true;
}

bool htrail__unfold_lines_make(htrail__unfold_lines *l, htrail__unfold_words *words, const htrail__unfold_rules *rules)
{
    uint32_t star = 0;
    if (!put_together(l, words) || htrail__texts_add(&words->texts, (htrail_str){"*", 1}, &star) != HTRAIL_OK)
        return false;
    join_small(l, rules, star);
    return rank_lines(l, &words->texts, rules);
}

const htrail__unfold_line *htrail__unfold_lines_at(const htrail__unfold_lines *l, size_t i) { return &l->lines[l->order[i]]; }

uint32_t htrail__unfold_lines_rank(const htrail__unfold_lines *l, size_t i) { return l->lines[l->lines[l->groups[l->objects[i].group].line].into].rank; }

void htrail__unfold_lines_clear(htrail__unfold_lines *l)
{
    for (size_t i = 0; i < l->group_count; i++)
        l->slots[l->groups[i].slot] = 0;
    l->count = l->kept = l->group_count = l->object_count = l->line_count = 0;
}

void htrail__unfold_lines_release(htrail__unfold_lines *l)
{
    free(l->objects);
    free(l->groups);
    free(l->slots);
    free(l->lines);
    free(l->order);
    *l = (htrail__unfold_lines){0};
}
