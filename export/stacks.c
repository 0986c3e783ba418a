/* export/stacks.c - see the header. */
#include "export/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "format/visible.h"

enum { DEPTH_MAX = 192, LABELS_MAX = 256, FRAME_BYTES = 512 };

typedef struct item { uint32_t dominator, frame, plain_frame, node; } item;

typedef struct work {
    htrail__export_job *job;
    htrail__export_stacks *stacks;
    item *items;      /* by id */
    uint64_t *sizes;
    size_t count;
    size_t node_room;
    uint32_t *slots;  /* of nodes, by parent and frame */
    size_t slot_count;
} work;

static uint32_t *slot_of(const work *w, uint32_t parent, uint32_t frame)
{
    uint64_t mixed = ((uint64_t)parent << 32 | frame) * 0x9e3779b97f4a7c15;
    for (size_t at = (size_t)(mixed >> 20);; at++) {
        uint32_t *slot = &w->slots[at & (w->slot_count - 1)];
        if (*slot == 0 || (w->stacks->nodes[*slot].parent == parent && w->stacks->nodes[*slot].frame == frame))
            return slot;
    }
}

static bool grow(work *w)
{
    htrail__export_stacks *s = w->stacks;
    size_t room = w->node_room == 0 ? 4096 : w->node_room * 2;
    htrail__export_node *nodes = realloc(s->nodes, room * sizeof *nodes);
    uint32_t *slots = calloc(room * 2, sizeof *slots);
    if (nodes != NULL)
        s->nodes = nodes;
    if (nodes == NULL || slots == NULL || room > UINT32_MAX / 4) {
        free(slots);
        return htrail__export_no_memory(w->job);
    }
    if (w->node_room == 0) {
        s->nodes[0] = (htrail__export_node){0};
        s->node_count = 1;
    }
    free(w->slots);
    w->slots = slots;
    w->slot_count = room * 2;
    w->node_room = room;
    for (size_t i = 1; i < s->node_count; i++)
        *slot_of(w, s->nodes[i].parent, s->nodes[i].frame) = (uint32_t)i;
    return true;
}

/* The node of a frame below parent: parent itself, where it is one of the kind or deep enough. */
static bool node_for(work *w, uint32_t parent, const item *of, uint32_t *out)
{
    htrail__export_stacks *s = w->stacks;
    *out = parent;
    if (s->nodes[parent].depth >= DEPTH_MAX)
        return true;
    uint32_t frame = of->frame;
    if (*slot_of(w, parent, frame) == 0 && s->nodes[parent].children >= LABELS_MAX)
        frame = of->plain_frame;
    if (parent != 0 && (s->nodes[parent].frame == frame || s->nodes[parent].frame == of->plain_frame))
        return true;
    uint32_t *slot = slot_of(w, parent, frame);
    if (*slot == 0) {
        if (s->node_count == w->node_room) {
            if (!grow(w))
                return false;
            slot = slot_of(w, parent, frame);
        }
        s->nodes[s->node_count] = (htrail__export_node){.parent = parent, .frame = frame, .depth = s->nodes[parent].depth + 1};
        s->nodes[parent].children++;
        *slot = (uint32_t)s->node_count++;
    }
    *out = *slot;
    return true;
}

/* From an object up to what has its node already, and down again. */
static bool place(work *w, uint32_t id, uint32_t *path)
{
    size_t steps = 0;
    for (uint32_t at = id; at != 0 && w->items[at].node == 0; at = w->items[at].dominator) {
        path[steps++] = at;
        if (steps > w->count)
            return true; /* a database whose dominators go round */
    }
    while (steps > 0) {
        item *of = &w->items[path[--steps]];
        uint32_t parent = of->dominator != 0 ? w->items[of->dominator].node : 0;
        if (!node_for(w, parent, of, &of->node))
            return false;
    }
    return true;
}

/* Profiles are read on terminals and on pages that escape nothing: what a name hides or turns round is visible from here on. */
static bool add_text(work *w, const char *text, uint32_t *number)
{
    char frame[FRAME_BYTES * HTRAIL__VISIBLE_BYTES];
    size_t used = 0;
    for (size_t at = 0, len = strlen(text); at < len; used += strlen(frame + used))
        at += htrail__visible_next(frame + used, text + at, len - at);
    return htrail__texts_add(&w->stacks->texts, (htrail_str){frame, used}, number) == HTRAIL_OK || htrail__export_no_memory(w->job);
}

static const char objects_sql[] =
    "SELECT o.id, coalesce(o.dominator, 0), o.size, o.type,\n"
    "  CASE WHEN o.name <> '' THEN o.name WHEN o.type = 'dict' AND o.module <> 'builtins' THEN o.module ELSE '' END,\n"
    "  CASE WHEN o.holder = o.dominator AND o.holder_kind IN ('attr', 'value', 'slot', 'local', 'cell') THEN o.holder_label END,\n"
    "  CASE WHEN o.dominator IS NULL THEN CASE WHEN o.depth IS NULL THEN '(garbage)' WHEN o.depth = 0 THEN (SELECT r.key FROM root r WHERE r.id = o.root) ELSE '(several roots)' END END\n"
    "FROM object o ORDER BY o.id";

/* The roots are items behind the objects, one for each text, so that they are frames like the others. */
typedef struct roots { uint32_t *item_of_text; size_t cap; } roots;

static bool root_item(work *w, roots *r, const char *text, uint32_t *out)
{
    uint32_t number;
    if (!add_text(w, text, &number))
        return false;
    if (number >= r->cap) {
        size_t cap = (number + 1) * 2;
        uint32_t *grown = realloc(r->item_of_text, cap * sizeof *grown);
        if (grown == NULL)
            return htrail__export_no_memory(w->job);
        memset(grown + r->cap, 0, (cap - r->cap) * sizeof *grown);
        r->item_of_text = grown;
        r->cap = cap;
    }
    if (r->item_of_text[number] == 0) {
        item *items = realloc(w->items, (w->count + 2) * sizeof *items);
        uint64_t *sizes = realloc(w->sizes, (w->count + 2) * sizeof *sizes);
        if (items != NULL)
            w->items = items;
        if (sizes != NULL)
            w->sizes = sizes;
        if (items == NULL || sizes == NULL)
            return htrail__export_no_memory(w->job);
        w->count++;
        w->items[w->count] = (item){.frame = number, .plain_frame = number};
        w->sizes[w->count] = 0;
        r->item_of_text[number] = (uint32_t)w->count;
    }
    *out = r->item_of_text[number];
    return true;
}

static bool read_objects(work *w, size_t objects)
{
    sqlite3_stmt *statement = NULL;
    char text[FRAME_BYTES];
    roots r = {0};
    int step = -1;
    bool done = htrail__export_prepare(w->job, &statement, objects_sql);
    while (done && (step = htrail__export_step(w->job, statement)) == 1) {
        int64_t id = sqlite3_column_int64(statement, 0), dominator = sqlite3_column_int64(statement, 1);
        if (id < 1 || (size_t)id > objects || dominator < 0 || (size_t)dominator > objects)
            continue;
        const char *name = htrail__export_text(statement, 4), *label = htrail__export_text(statement, 5);
        snprintf(text, sizeof text, "%.200s%s%.200s", htrail__export_text(statement, 3), name[0] != '\0' ? " " : "", name);
        item of = {.dominator = (uint32_t)dominator};
        done = add_text(w, text, &of.plain_frame);
        of.frame = of.plain_frame;
        if (done && label[0] != '\0') {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, " .%.100s", label);
            done = add_text(w, text, &of.frame);
        }
        if (done && dominator == 0)
            done = root_item(w, &r, htrail__export_text(statement, 6), &of.dominator);
        if (done) {
            w->items[id] = of;
            w->sizes[id] = (uint64_t)sqlite3_column_int64(statement, 2);
        }
    }
    free(r.item_of_text);
    sqlite3_finalize(statement);
    return done && step == 0;
}

bool htrail__export_stacks_build(htrail__export_job *job, htrail__export_stacks *stacks)
{
    work w = {.job = job, .stacks = stacks};
    uint32_t *path = NULL;
    int64_t objects = 0;
    bool done = false;

    *stacks = (htrail__export_stacks){0};
    if (htrail__texts_init(&stacks->texts, UINT32_MAX) != HTRAIL_OK)
        return htrail__export_no_memory(job);
    if (!htrail__export_number(job, "SELECT coalesce(max(id), 0) FROM object", &objects) || !grow(&w))
        goto done;
    w.count = (size_t)objects;
    w.items = calloc(w.count + 2, sizeof *w.items);
    w.sizes = calloc(w.count + 2, sizeof *w.sizes);
    if (w.items == NULL || w.sizes == NULL) {
        htrail__export_no_memory(job);
        goto done;
    }
    if (!read_objects(&w, (size_t)objects))
        goto done;
    if ((path = calloc(w.count + 2, sizeof *path)) == NULL) {
        htrail__export_no_memory(job);
        goto done;
    }
    for (uint32_t id = 1; id <= (uint32_t)objects; id++) {
        if (!place(&w, id, path))
            goto done;
        stacks->nodes[w.items[id].node].count++;
        stacks->nodes[w.items[id].node].size_bytes += w.sizes[id];
    }
    done = htrail__export_stacks_order(job, stacks);
done:
    free(path);
    free(w.items);
    free(w.sizes);
    free(w.slots);
    return done;
}

void htrail__export_stacks_release(htrail__export_stacks *stacks)
{
    htrail__texts_release(&stacks->texts);
    free(stacks->nodes);
}
