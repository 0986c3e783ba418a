/* analyze/holders_retained.c - what the objects of a node retain together. */
#include <stdlib.h>

#include "analyze/holders_search.h"
#include "analyze/tree_part.h"

htrail_status htrail__holders_sum_retained(htrail__holders_search *s)
{
    size_t count = 0;
    htrail__tree_part *parts = malloc(((size_t)s->member_count + 1) * sizeof *parts);
    if (parts == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < s->member_count; i++) {
        const htrail__holders_member *m = &s->members[i];
        if (m->used && m->shape < s->node_of_room && s->node_of[m->shape] != HTRAIL__NO_SHAPE)
            parts[count++] = (htrail__tree_part){s->node_of[m->shape], m->object.tree_first, m->object.tree_last, m->object.retained_bytes};
    }
    count = htrail__tree_parts_highest(parts, count);
    for (size_t i = 0; i < count; i++)
        s->out->nodes[parts[i].group].retained_bytes += parts[i].retained_bytes;
    free(parts);
    return HTRAIL_OK;
}
