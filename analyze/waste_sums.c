/* analyze/waste_sums.c - what was found, summed. */
#include "analyze/waste_build.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"

/* Objects that lie alike have one field, which is looked for once. Their holder names them, so its type and name are all there is to
 * say; it does not, but what holds it does; they are items of a container, as others are; or any other way. */
enum { NAMED = 1, NAMED_ABOVE, ITEM, OTHER };
enum { ROOT = 1, ANY_ITEM, KEY, CODE, OWN_SHIFT = 32 };
enum { KIND, TYPE, PLACE, LABEL, OWN, SPOT_WIDTH, WAY_SHIFT = 8 };

static bool is_item(unsigned kind) { return kind == HTRAIL_REF_INDEX || kind == HTRAIL_REF_KEY || kind == HTRAIL_REF_STACK; }

/* The label of an object, where it tells one from another. */
static htrail_status own_label(htrail__waste *w, const htrail__waste_object *o, uint64_t *out)
{
    uint32_t text = 0;
    htrail_status status = HTRAIL_OK;
    if (o->holder == 0)
        *out = (uint64_t)ROOT << OWN_SHIFT | o->label;
    else if (is_item(htrail__waste_ref_kind(o->label)))
        *out = (uint64_t)ANY_ITEM << OWN_SHIFT;
    else if (htrail__waste_is_under_key(o->label)) {
        status = htrail__waste_label(w, o->label, &text);
        *out = (uint64_t)KEY << OWN_SHIFT | text;
    } else
        *out = (uint64_t)CODE << OWN_SHIFT | o->label;
    return status;
}

static htrail_status lie(htrail__waste *w, uint32_t id, uint64_t *key)
{
    const htrail__waste_object *o = &w->objects[id], *holder = htrail__waste_object_at(w, o->holder);
    unsigned kind = holder == NULL ? 0 : htrail__waste_ref_kind(o->label);
    unsigned above_kind = holder == NULL || holder->holder == 0 ? 0 : htrail__waste_ref_kind(holder->label);
    const htrail__waste_object *above = holder == NULL ? NULL : htrail__waste_object_at(w, holder->holder);
    bool is_nameless = holder != NULL && holder->name == 0 && above != NULL && (kind < HTRAIL_REF_FIELD || kind > HTRAIL_REF_DEFAULT);
    unsigned way = OTHER;
    key[PLACE] = o->holder;
    if (kind == HTRAIL_REF_ATTR || kind == HTRAIL_REF_SLOT) {
        way = NAMED;
        key[PLACE] = (uint64_t)holder->type << 32 | holder->name;
    } else if (is_nameless && above_kind >= HTRAIL_REF_ATTR && above_kind <= HTRAIL_REF_DEFAULT) {
        way = NAMED_ABOVE;
        key[PLACE] = (uint64_t)above->type << 32 | above->name;
        key[LABEL] = holder->label;
    } else if (is_nameless && is_item(above_kind)) {
        way = ITEM;
        key[PLACE] = holder->holder;
    }
    key[KIND] |= way << WAY_SHIFT;
    key[TYPE] = o->type;
    return own_label(w, o, &key[OWN]);
}

static int64_t sum_of(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static void add_sum(htrail__waste_sum *to, const htrail__waste_sum *from)
{
    to->objects = sum_of(to->objects, from->objects);
    to->bytes = sum_of(to->bytes, from->bytes);
    to->back = sum_of(to->back, from->back);
    if (to->example == 0 || from->example < to->example)
        to->example = from->example;
}

htrail_status htrail__waste_add(htrail__waste *w, htrail__waste_kind kind, uint32_t id, int64_t bytes, int64_t back)
{
    uint64_t key[SPOT_WIDTH] = {kind};
    htrail_status status = HTRAIL_OK;
    uint32_t spot;
    bool is_new;
    if (!w->wanted[kind])
        return HTRAIL_OK;
    if (w->by == HTRAIL__WASTE_BY_FIELD)
        status = lie(w, id, key);
    else if (w->by == HTRAIL__WASTE_BY_TYPE)
        key[TYPE] = w->objects[id].type;
    else if (w->by == HTRAIL__WASTE_BY_OWNER) {
        key[KIND] = 0;
        key[TYPE] = w->owners[id] == 0 ? w->objects[id].type : 0;
        key[PLACE] = w->owners[id];
    }
    if (status != HTRAIL_OK)
        return status;
    if ((status = htrail__key_set_add(&w->spots, key, &spot, &is_new)) != HTRAIL_OK)
        return htrail__waste_fail(w, status, NULL);
    if (is_new) {
        if (!htrail__grow(&w->sums, &w->sum_room, spot, sizeof *w->sums))
            return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
        w->sums[spot] = (htrail__waste_sum){0};
    }
    add_sum(&w->sums[spot], &(htrail__waste_sum){1, bytes, back, id});
    return HTRAIL_OK;
}

/* What a row of a spot is called. */
static htrail_status name_spot(htrail__waste *w, uint32_t spot, uint64_t *row)
{
    const uint64_t *key = htrail__key_set_get(&w->spots, spot);
    htrail_status status = HTRAIL_OK;
    uint32_t place = 0;
    row[0] = key[KIND] & ((1 << WAY_SHIFT) - 1);
    row[1] = 0;
    if (w->by == HTRAIL__WASTE_BY_FIELD)
        status = htrail__waste_field(w, (uint32_t)w->sums[spot].example, &place);
    else if (w->by == HTRAIL__WASTE_BY_OWNER && key[PLACE] != 0)
        place = key[PLACE] >> 2 < w->module_count ? w->modules[key[PLACE] >> 2] : 0;
    else if (w->by == HTRAIL__WASTE_BY_OWNER)
        place = htrail__waste_type_at(w, (uint32_t)key[TYPE])->module;
    if (w->by == HTRAIL__WASTE_BY_FIELD || w->by == HTRAIL__WASTE_BY_TYPE)
        row[1] = htrail__waste_type_at(w, (uint32_t)key[TYPE])->name;
    row[2] = place;
    return status;
}

static int compare_texts(const htrail__texts *texts, uint32_t a, uint32_t b)
{
    htrail_str left = htrail__texts_get(texts, a), right = htrail__texts_get(texts, b);
    int order = memcmp(left.data, right.data, left.len < right.len ? left.len : right.len);
    return order != 0 ? order : left.len < right.len ? -1 : left.len > right.len;
}

static int compare_rows(const void *left, const void *right, void *arg)
{
    const htrail__waste_row *a = left, *b = right;
    const htrail__waste *w = arg;
    if (a->sum.back != b->sum.back)
        return a->sum.back > b->sum.back ? -1 : 1;
    if (a->kind != b->kind) /* in the order of their names */
        return a->kind < b->kind ? -1 : 1;
    int order = compare_texts(&w->texts, a->type, b->type);
    return order != 0 ? order : compare_texts(&w->texts, a->place, b->place);
}

/* Spots that are called the same are one row. */
htrail_status htrail__waste_finish(htrail__waste *w)
{
    htrail__key_set rows = {.width = 3};
    htrail_status status = HTRAIL_OK;
    size_t room = 0;
    for (uint32_t spot = 0; spot < w->spots.count && status == HTRAIL_OK; spot++) {
        uint64_t key[3];
        uint32_t number;
        bool is_new;
        if ((status = name_spot(w, spot, key)) != HTRAIL_OK)
            break;
        if ((status = htrail__key_set_add(&rows, key, &number, &is_new)) != HTRAIL_OK || (is_new && !htrail__grow(&w->rows, &room, number, sizeof *w->rows))) {
            status = htrail__waste_fail(w, status == HTRAIL_OK ? HTRAIL_E_NOMEM : status, NULL);
            break;
        }
        if (is_new)
            w->rows[number] = (htrail__waste_row){.kind = (htrail__waste_kind)key[0], .type = (uint32_t)key[1], .place = (uint32_t)key[2]};
        add_sum(&w->rows[number].sum, &w->sums[spot]);
        w->row_count = rows.count;
    }
    if (w->row_count > 0)
        qsort_r(w->rows, w->row_count, sizeof *w->rows, compare_rows, w);
    htrail__key_set_release(&rows);
    return status;
}
