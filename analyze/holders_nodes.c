/* analyze/holders_nodes.c - nodes: shapes that are used, with sums over their objects. */
#include "analyze/grow.h"
#include "analyze/holders_search.h"

htrail_status htrail__holders_node_for(htrail__holders_search *s, uint32_t shape, uint32_t *out)
{
    htrail__holders *o = s->out;
    uint32_t fresh = 0, bottom = shape;
    size_t depth = 0;

    while (s->node_of_room < o->shapes.count) {
        uint32_t old = s->node_of_room;
        if (!htrail__holders_grow(&s->node_of, &s->node_of_room, s->node_of_room, sizeof *s->node_of))
            return HTRAIL_E_NOMEM;
        for (uint32_t i = old; i < s->node_of_room; i++)
            s->node_of[i] = HTRAIL__NO_SHAPE;
    }
    for (uint32_t at = shape; at != HTRAIL__NO_SHAPE && s->node_of[at] == HTRAIL__NO_SHAPE; at = o->shapes.shapes[at].parent) {
        if (!htrail__grow(&s->stack, &s->stack_room, depth, sizeof *s->stack))
            return HTRAIL_E_NOMEM;
        s->stack[depth++] = at;
    }
    while (depth-- > 0) {
        shape = s->stack[depth];
        uint32_t parent = o->shapes.shapes[shape].parent;
        if (!htrail__holders_grow(&o->nodes, &s->node_room, o->node_count, sizeof *o->nodes))
            return HTRAIL_E_NOMEM;
        fresh = o->node_count++;
        s->node_of[shape] = fresh;
        o->nodes[fresh] = (htrail__holder_node){
            .shape = shape, .name = o->shapes.shapes[shape].name, .names = 1, .parent = parent == HTRAIL__NO_SHAPE ? HTRAIL__NO_SHAPE : s->node_of[parent], .other = true,
            .length_min = HTRAIL__NO_LENGTH, .length_max = HTRAIL__NO_LENGTH, .refcount_min = UINT64_MAX};
    }
    *out = s->node_of[bottom];
    return HTRAIL_OK;
}

void htrail__holders_count_object(htrail__holder_node *node, const htrail__found_object *object)
{
    if (node->example == 0 || object->id < node->example) {
        node->example = object->id;
        node->example_address = object->address;
    }
    node->objects++;
    node->size_bytes += object->size_bytes;
    if (object->length != HTRAIL__NO_LENGTH) {
        if (node->length_min == HTRAIL__NO_LENGTH || object->length < node->length_min)
            node->length_min = object->length;
        if (node->length_max == HTRAIL__NO_LENGTH || object->length > node->length_max)
            node->length_max = object->length;
    }
    if (object->refcount < node->refcount_min)
        node->refcount_min = object->refcount;
    if (object->refcount > node->refcount_max)
        node->refcount_max = object->refcount;
}

htrail_status htrail__holders_note_root_name(htrail__holders_search *s, uint32_t shape, uint32_t name)
{
    uint32_t node;
    htrail_status status = htrail__holders_node_for(s, shape, &node);
    if (status == HTRAIL_OK && s->out->nodes[node].root_names++ == 0)
        s->out->nodes[node].root_name = name;
    return status;
}

/* Count the chain of a member, up to what was counted before. other: it is the chain of a
 * further holder. */
htrail_status htrail__holders_use(htrail__holders_search *s, uint32_t index, bool is_other)
{
    htrail_status status = HTRAIL_OK;
    while (index != HTRAIL__NO_MEMBER && !s->members[index].used) {
        htrail__holders_member *m = &s->members[index];
        uint32_t node;
        if ((status = htrail__holders_node_for(s, m->shape, &node)) != HTRAIL_OK)
            return status;
        m->used = true;
        s->out->nodes[node].references++;
        htrail__holders_count_object(&s->out->nodes[node], &m->object);
        for (uint32_t at = node; !is_other && at != HTRAIL__NO_SHAPE && s->out->nodes[at].other; at = s->out->nodes[at].parent)
            s->out->nodes[at].other = false;
        if (m->holder == HTRAIL__NO_MEMBER && m->object.root != 0) {
            htrail__found_root root;
            uint32_t top = m->shape;
            while (s->out->shapes.shapes[top].parent != HTRAIL__NO_SHAPE)
                top = s->out->shapes.shapes[top].parent;
            if ((status = htrail__lookup_root(s->lookup, m->object.root, &root)) != HTRAIL_OK ||
                (status = htrail__holders_note_root_name(s, top, root.name)) != HTRAIL_OK)
                return status;
        }
        index = m->holder;
    }
    return status;
}
