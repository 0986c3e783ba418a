/* analyze/waste_same.c - texts and numbers that are equal by their hashes, and tuples whose items are equal.
 *
 * A tuple is as high as what it holds is deep: one of texts is 1, one that holds such 2. Equal tuples are equally high, so
 * they are compared from the lowest up; those that are higher than HTRAIL__WASTE_TUPLE_DEPTH are different as items of each other. */
#include "analyze/waste_build.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"

enum { TOO_HIGH = HTRAIL__WASTE_TUPLE_DEPTH + 1 };

/* Also notes which objects have a text, for the labels that are such. */
static htrail_status read_texts(htrail__waste *w)
{
    htrail__key_set same = {.width = 3};
    sqlite3_stmt *statement = NULL;
    uint32_t *nearest = NULL;
    size_t nearest_room = 0;
    int stepped = SQLITE_DONE;
    htrail_status status = sqlite3_prepare_v2(w->db, "SELECT object, hash, text IS NOT NULL FROM object_text ORDER BY object", -1, &statement, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_DATABASE;
    while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        if (id <= 0 || id > w->object_count)
            continue;
        if (sqlite3_column_int(statement, 2) && (status = htrail__id_set_add(&w->has_text, (uint64_t)id)) != HTRAIL_OK)
            break;
        const htrail__waste_object *o = &w->objects[id];
        if (w->first == NULL || o->holder == HTRAIL__WASTE_GARBAGE || sqlite3_column_type(statement, 1) == SQLITE_NULL)
            continue;
        const uint64_t key[] = {o->type, (uint64_t)sqlite3_column_int64(statement, 1), (uint64_t)o->length};
        uint32_t number;
        bool is_new;
        if ((status = htrail__key_set_add(&same, key, &number, &is_new)) != HTRAIL_OK)
            break;
        if (is_new) {
            if (!htrail__grow(&nearest, &nearest_room, number, sizeof *nearest)) {
                status = HTRAIL_E_NOMEM;
                break;
            }
            nearest[number] = (uint32_t)id;
        }
        w->first[id] = nearest[number];
    }
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = HTRAIL_E_DATABASE;
    if (status != HTRAIL_OK)
        htrail__waste_fail(w, status, NULL);
    free(nearest);
    htrail__key_set_release(&same);
    sqlite3_finalize(statement);
    return status;
}

typedef struct inner {
    uint32_t tuple, item; /* of w->tuples: one that holds another */
} inner;

typedef struct tuples {
    htrail__waste *w;
    inner *inners;
    size_t inner_count, inner_room;
    uint8_t *height;
    uint32_t *slots; /* tuple + 1, by what it holds */
    size_t slot_count;
} tuples;

static int compare_ids(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static bool find_inners(tuples *t)
{
    const htrail__waste *w = t->w;
    for (uint32_t i = 0; i < w->tuples.count; i++)
        for (uint64_t at = w->item_starts[i]; at < w->item_starts[i + 1]; at++) {
            if (!(htrail__waste_type_at(w, w->objects[w->items[at]].type)->parts & HTRAIL__WASTE_IS_TUPLE))
                continue;
            const uint32_t *item = bsearch(&w->items[at], w->tuples.ids, w->tuples.count, sizeof *item, compare_ids);
            if (item == NULL)
                continue;
            if (!htrail__grow(&t->inners, &t->inner_room, t->inner_count, sizeof *t->inners))
                return false;
            t->inners[t->inner_count++] = (inner){i, (uint32_t)(item - w->tuples.ids)};
        }
    return true;
}

static void measure(tuples *t)
{
    memset(t->height, 1, t->w->tuples.count);
    for (unsigned height = 2; height <= TOO_HIGH; height++)
        for (size_t i = 0; i < t->inner_count; i++)
            if (t->height[t->inners[i].item] >= height - 1)
                t->height[t->inners[i].tuple] = (uint8_t)height;
}

static bool is_too_high(const tuples *t, uint32_t id)
{
    const htrail__waste *w = t->w;
    const uint32_t *at = bsearch(&id, w->tuples.ids, w->tuples.count, sizeof *at, compare_ids);
    return at != NULL && t->height[at - w->tuples.ids] == TOO_HIGH;
}

static bool is_equal(const htrail__waste *w, uint32_t a, uint32_t b)
{
    uint64_t count = w->item_starts[a + 1] - w->item_starts[a];
    return w->objects[w->tuples.ids[a]].type == w->objects[w->tuples.ids[b]].type && count == w->item_starts[b + 1] - w->item_starts[b] &&
           memcmp(w->items + w->item_starts[a], w->items + w->item_starts[b], count * sizeof *w->items) == 0;
}

static void compare(tuples *t, uint32_t number)
{
    htrail__waste *w = t->w;
    uint32_t id = w->tuples.ids[number];
    uint64_t hash = w->objects[id].type, start = w->item_starts[number], end = w->item_starts[number + 1];
    if (start == end)
        return;
    for (uint64_t at = start; at < end; at++) {
        if (w->first[w->items[at]] != 0 && !(t->height[number] == TOO_HIGH && is_too_high(t, w->items[at])))
            w->items[at] = w->first[w->items[at]];
        hash = (hash ^ w->items[at]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    size_t slot = (size_t)hash & (t->slot_count - 1);
    while (t->slots[slot] != 0 && !is_equal(w, t->slots[slot] - 1, number))
        slot = (slot + 1) & (t->slot_count - 1);
    if (t->slots[slot] == 0)
        t->slots[slot] = number + 1;
    w->first[id] = w->tuples.ids[t->slots[slot] - 1];
}

static htrail_status compare_tuples(htrail__waste *w)
{
    tuples t = {.w = w, .slot_count = 1024};
    htrail_status status = HTRAIL_E_NOMEM;
    while (t.slot_count < 2 * (size_t)w->tuples.count)
        t.slot_count *= 2;
    t.height = calloc((size_t)w->tuples.count + 1, sizeof *t.height);
    t.slots = calloc(t.slot_count, sizeof *t.slots);
    if (t.height == NULL || t.slots == NULL || !find_inners(&t)) {
        htrail__waste_fail(w, status, NULL);
        goto done;
    }
    measure(&t);
    for (unsigned height = 1; height <= TOO_HIGH; height++)
        for (uint32_t i = 0; i < w->tuples.count; i++)
            if (t.height[i] == height)
                compare(&t, i);
    status = HTRAIL_OK;
done:
    free(t.inners);
    free(t.height);
    free(t.slots);
    return status;
}

htrail_status htrail__waste_find_same(htrail__waste *w)
{
    htrail_status status;
    if (!w->wanted[HTRAIL__WASTE_DUPLICATE])
        return read_texts(w);
    w->first = calloc((size_t)w->object_count + 1, sizeof *w->first);
    if (w->first == NULL)
        return htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL);
    if ((status = read_texts(w)) != HTRAIL_OK || (status = compare_tuples(w)) != HTRAIL_OK)
        return status;
    for (uint32_t id = 1; id <= w->object_count && status == HTRAIL_OK; id++)
        if (w->first[id] != 0 && w->first[id] != id && !htrail__waste_type_at(w, w->objects[id].type)->is_number)
            status = htrail__waste_add(w, HTRAIL__WASTE_DUPLICATE, id, w->objects[id].size, w->objects[id].size);
    return status;
}
