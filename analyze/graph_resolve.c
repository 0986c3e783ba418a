/* analyze/graph_resolve.c - when all objects are known: addresses into ids, parts of an object
 * side by side, names and texts to what they name. */
#include "analyze/graph_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"
#include "format/worker.h"

enum { BATCH = 32 /* addresses in flight */ };

/* One half of what two threads do. */
typedef struct half {
    htrail__graph *graph;
    uint32_t first, end; /* ids, then places of references */
    uint32_t dangling;
} half;

static void place_half(void *arg)
{
    const half *h = arg;
    const htrail__graph *graph = h->graph;
    htrail__addresses_place(&h->graph->addresses, &graph->objects[0].address, sizeof *graph->objects, h->first, h->end);
}

/* In place, and each half in its own: the second one's ids are as wide as addresses until it is done. */
static void resolve_half(void *arg)
{
    half *h = arg;
    const htrail__addresses *map = &h->graph->addresses;
    uint64_t *addresses = h->graph->build->addresses;
    uint32_t *targets = (uint32_t *)(void *)addresses;
    bool is_wide = h->first > 0;
    uint32_t dangling = 0;

    for (uint32_t start = h->first; start < h->end; start += BATCH) {
        htrail__resident_step(start - h->first);
        uint32_t ranks[BATCH], batch = h->end - start < BATCH ? h->end - start : BATCH;
        for (uint32_t i = 0; i < batch; i++) {
            if (h->end - start - i > BATCH)
                htrail__addresses_prefetch(map, addresses[start + i + BATCH]);
            ranks[i] = htrail__addresses_find_rank(map, addresses[start + i]);
            if (ranks[i] != HTRAIL__NO_ID)
                __builtin_prefetch(&map->ids[ranks[i]]);
        }
        for (uint32_t i = 0; i < batch; i++) {
            uint32_t id = ranks[i] == HTRAIL__NO_ID ? HTRAIL__NO_ID : map->ids[ranks[i]];
            if (is_wide)
                addresses[start + i] = id;
            else
                targets[start + i] = id;
            dangling += id == HTRAIL__NO_ID;
        }
    }
    h->dangling = dangling;
}

static void in_halves(htrail__graph *graph, htrail__worker *worker, void (*work)(void *arg), half halves[2], uint32_t count)
{
    halves[0] = (half){graph, 0, count / 2, 0};
    halves[1] = (half){graph, count / 2, count, 0};
    htrail__worker_do(worker, work, &halves[1]);
    work(&halves[0]);
    htrail__worker_wait(worker);
}

static htrail_status resolve_targets(htrail__graph *graph)
{
    htrail__worker *worker = htrail__worker_start();
    uint64_t *addresses = graph->build->addresses;
    uint32_t *targets = (uint32_t *)(void *)addresses;
    uint32_t count = graph->ref_count;
    half halves[2];
    htrail_status status = htrail__addresses_rank(&graph->addresses);

    if (status != HTRAIL_OK) {
        htrail__worker_stop(worker);
        return htrail__graph_no_memory(graph);
    }
    if (graph->object_count > 0)
        in_halves(graph, worker, place_half, halves, graph->object_count);
    in_halves(graph, worker, resolve_half, halves, count);
    htrail__worker_stop(worker);
    if (halves[1].first > 0)
        for (uint32_t i = halves[1].first; i < count; i++) {
            htrail__resident_step(i);
            targets[i] = (uint32_t)addresses[i];
        }
    graph->references_dangling = halves[0].dangling + halves[1].dangling;
    graph->references = count - graph->references_dangling;
    graph->build->addresses = NULL;
    uint32_t *smaller = targets == NULL ? NULL : htrail__mapping_grow(targets, ((size_t)count + 1) * sizeof *targets);
    graph->targets = smaller != NULL ? smaller : targets;
    return HTRAIL_OK;
}

/* Lay the parts of an object side by side behind all others. Parts of one object are
 * made neighbours first by a stable sort on the object. */
static int by_object(const void *left, const void *right)
{
    const htrail__graph_part *a = left, *b = right;
    if (a->object != b->object)
        return a->object < b->object ? -1 : 1;
    return a->first_ref < b->first_ref ? -1 : a->first_ref > b->first_ref;
}

/* next: the positions, of INDEX and of STACK, that the part before left off at. */
static void append_part(htrail__graph *graph, htrail__graph_object *object, const htrail__graph_part *from, uint32_t value_alone,
                        uint32_t next[2])
{
    uint32_t positions = from->positions, stack_positions = from->stack_positions;
    const uint32_t base[2] = {next[0], next[1]};
    if (object->ref_count > 0 && from->ref_count > 0 && htrail__graph_ref_kind(graph, graph->ref_count - 1) != HTRAIL_REF_KEY &&
        HTRAIL__LABEL_TAG(graph->labels[from->first_ref]) == HTRAIL__LABEL_UNDER_KEY)
        graph->labels[from->first_ref] = value_alone;
    for (uint32_t i = 0; i < from->ref_count; i++) {
        uint32_t code = graph->labels[from->first_ref + i], tag = HTRAIL__LABEL_TAG(code);
        if (tag == HTRAIL__LABEL_INDEX && positions > 0) {
            code += HTRAIL__LABEL(0, base[0]);
            positions--;
        } else if (tag == HTRAIL__LABEL_STACK && stack_positions > 0) {
            code += HTRAIL__LABEL(0, base[1]);
            stack_positions--;
        }
        graph->targets[graph->ref_count + i] = graph->targets[from->first_ref + i];
        graph->labels[graph->ref_count + i] = code;
        graph->targets[from->first_ref + i] = HTRAIL__NO_ID;
        if (tag == HTRAIL__LABEL_INDEX || tag == HTRAIL__LABEL_STACK)
            next[tag == HTRAIL__LABEL_STACK] = HTRAIL__LABEL_PAYLOAD(code) + 1;
    }
    graph->ref_count += from->ref_count;
    object->ref_count += from->ref_count;
}

static htrail_status join_parts(htrail__graph *graph)
{
    struct htrail__graph_build *build = graph->build;
    uint64_t more = 0;
    size_t target_room = graph->ref_count;
    uint32_t value_alone;
    htrail_status status = htrail__graph_atom_code(graph, HTRAIL_REF_VALUE, 0, &value_alone);

    if (status != HTRAIL_OK)
        return status;

    for (uint32_t i = 0; i < build->part_count; i++) {
        htrail__graph_part *p = &build->parts[i];
        p->object = htrail__addresses_find(&graph->addresses, p->address);
        if (p->object == HTRAIL__NO_ID) {
            graph->parts_lost++;
            for (uint32_t at = p->first_ref; at < p->first_ref + p->ref_count; at++)
                graph->references -= graph->targets[at] != HTRAIL__NO_ID;
            if (p->ref_count > 0)
                memset(graph->targets + p->first_ref, 0xff, (size_t)p->ref_count * sizeof *graph->targets);
        } else {
            more += p->ref_count;
        }
    }
    qsort(build->parts, build->part_count, sizeof *build->parts, by_object);
    for (uint32_t i = 0; i < build->part_count && build->parts[i].object != HTRAIL__NO_ID; i++)
        if (i == 0 || build->parts[i].object != build->parts[i - 1].object)
            more += graph->objects[build->parts[i].object].ref_count;
    if (graph->ref_count + more > UINT32_MAX - 1)
        return htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu64 " references", build->refs_max);
    if ((status = htrail__graph_reserve(graph, &graph->targets, &target_room, graph->ref_count, more, sizeof *graph->targets)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->labels, &build->label_room, graph->ref_count, more, sizeof *graph->labels)) != HTRAIL_OK)
        return status;
    for (uint32_t i = 0; i < build->part_count && build->parts[i].object != HTRAIL__NO_ID;) {
        htrail__graph_object *object = &graph->objects[build->parts[i].object];
        htrail__graph_part whole = {.object = build->parts[i].object, .first_ref = object->first_ref, .ref_count = object->ref_count};
        uint32_t next[2] = {0, 0};
        object->first_ref = graph->ref_count;
        object->ref_count = 0;
        append_part(graph, object, &whole, value_alone, next);
        for (; i < build->part_count && build->parts[i].object == whole.object; i++)
            append_part(graph, object, &build->parts[i], value_alone, next);
    }
    return HTRAIL_OK;
}

/* The name of what the reference with this label leads to; the empty text for none. */
static uint32_t name_under(const htrail__graph *graph, const htrail__graph_object *object, htrail_label label)
{
    for (uint32_t at = object->first_ref; label != 0 && at < object->first_ref + object->ref_count; at++) {
        uint32_t code = graph->labels[at], target = graph->targets[at];
        if (HTRAIL__LABEL_TAG(code) == HTRAIL__LABEL_ATOM && graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].label == label &&
            target != HTRAIL__NO_ID && graph->name_of[target] != 0)
            return graph->names[graph->name_of[target] - 1].name;
    }
    return 0;
}

/* Types that say where their objects keep their names spare the file a record an object. */
static htrail_status names_by_reference(htrail__graph *graph)
{
    uint32_t recorded = graph->name_count;
    htrail_status status = HTRAIL_OK;

    for (uint32_t i = 0; i < graph->object_count && status == HTRAIL_OK; i++) {
        const htrail__graph_type *type = &graph->types[graph->objects[i].type];
        if ((type->name_label | type->module_label) == 0 || graph->name_of[i] != 0)
            continue;
        htrail__graph_name added = {.address = graph->objects[i].address, .object = i,
                                    .name = name_under(graph, &graph->objects[i], type->name_label),
                                    .module = name_under(graph, &graph->objects[i], type->module_label)};
        if (added.name == 0 && added.module == 0)
            continue;
        status = htrail__graph_reserve(graph, &graph->names, &graph->build->name_room, graph->name_count, 1, sizeof added);
        if (status == HTRAIL_OK)
            graph->names[graph->name_count++] = added;
    }
    /* Only now: what a name says must come from the file, not from another such name. */
    for (uint32_t i = recorded; i < graph->name_count; i++)
        graph->name_of[graph->names[i].object] = i + 1;
    return status;
}

static htrail_status resolve_rest(htrail__graph *graph)
{
    struct htrail__graph_build *build = graph->build;
    uint32_t kept = 0;

    graph->name_of = htrail__mapping_new(graph->object_count, sizeof *graph->name_of);
    if (graph->name_of == NULL)
        return htrail__graph_no_memory(graph);
    for (uint32_t i = 0; i < graph->name_count; i++) {
        htrail__graph_name *name = &graph->names[i];
        name->object = htrail__addresses_find(&graph->addresses, name->address);
        if (name->object == HTRAIL__NO_ID)
            graph->names_dangling++;
        else if (graph->name_of[name->object] == 0)
            graph->name_of[name->object] = i + 1;
    }
    for (uint32_t i = 0; i < graph->value_count; i++)
        graph->values[i].object = htrail__addresses_find(&graph->addresses, graph->values[i].address);
    for (uint32_t i = 0; i < graph->root_count; i++) {
        graph->roots[i].object = htrail__addresses_find(&graph->addresses, build->root_addresses[i]);
        if (graph->roots[i].object == HTRAIL__NO_ID)
            graph->roots_dangling++;
        else
            graph->roots[kept++] = graph->roots[i];
    }
    graph->root_count = kept;
    return names_by_reference(graph);
}

/* Names may come without their object and still be the text of a label. */
static htrail_status name_atoms(htrail__graph *graph)
{
    const struct htrail__graph_build *build = graph->build;
    htrail_status status = HTRAIL_OK;
    char digits[32];

    for (uint32_t i = 0; i < graph->atom_count && status == HTRAIL_OK; i++) {
        htrail__graph_atom *atom = &graph->atoms[i];
        if (atom->label == 0) {
            continue;
        } else if (atom->kind == HTRAIL_REF_OFFSET || atom->kind == HTRAIL_REF_INDEX || atom->kind == HTRAIL_REF_STACK) {
            int len = snprintf(digits, sizeof digits, "%" PRIu64, atom->label - 1);
            status = htrail__graph_add_text(graph, (htrail_str){digits, (size_t)len}, &atom->text);
        } else if (HTRAIL_LABEL_IS_STRING(atom->label)) {
            if (atom->label >> 1 < build->string_count)
                atom->text = build->strings[atom->label >> 1];
        } else {
            uint32_t object = htrail__addresses_find(&graph->addresses, atom->label);
            if (object != HTRAIL__NO_ID && graph->name_of[object] != 0)
                atom->text = graph->names[graph->name_of[object] - 1].name;
        }
    }
    return status;
}

htrail_status htrail__graph_resolve(htrail__graph *graph)
{
    struct htrail__graph_build *build = graph->build;
    htrail_status status;

    if ((status = resolve_targets(graph)) != HTRAIL_OK)
        return status;
    if (build->part_count > 0 && (status = join_parts(graph)) != HTRAIL_OK)
        return status;
    if ((status = resolve_rest(graph)) != HTRAIL_OK)
        return status;
    return name_atoms(graph);
}
