/* analyze/holders.c - see the header. */
#include "analyze/holders.h"

#include <stdlib.h>

#include "analyze/holders_search.h"
#include "analyze/mapping.h"

enum { PROGRESS_EVERY = 4096 };

void htrail__holders_opts_init(htrail__holders_opts *opts)
{
    *opts = (htrail__holders_opts){
        .targets_max = 500000, .too_many = 1000, .searches_max = 100000, .others_max = 3, .others_all_max = 6};
}

static htrail_status follow_targets(htrail__holders_search *s, const uint64_t *ids, size_t count)
{
    htrail_status status;
    s->out->targets = count;
    s->out->targets_followed = count < s->opts.targets_max ? count : s->opts.targets_max;
    s->out->target_nodes = malloc((s->out->targets_followed + 1) * sizeof *s->out->target_nodes);
    if (s->out->target_nodes == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < s->out->targets_followed; i++) {
        uint32_t index;
        if (i % PROGRESS_EVERY == 0 && s->opts.progress != NULL)
            s->opts.progress(s->opts.progress_arg, i, s->out->targets_followed);
        if ((status = htrail__holders_resolve(s, ids[i], &index)) != HTRAIL_OK)
            return status;
    }
    if ((status = htrail__holders_name_members(s)) != HTRAIL_OK)
        return status;
    for (size_t i = 0; i < s->out->targets_followed; i++) {
        uint32_t index, node;
        if ((status = htrail__holders_resolve(s, ids[i], &index)) != HTRAIL_OK || (status = htrail__holders_use(s, index, false)) != HTRAIL_OK ||
            (status = htrail__holders_node_for(s, s->members[index].shape, &node)) != HTRAIL_OK)
            return status;
        if (!s->members[index].target)
            s->out->nodes[node].targets++;
        s->members[index].target = true;
        s->out->target_nodes[i] = node;
    }
    if ((status = htrail__holders_count_names(s)) != HTRAIL_OK)
        return status;
    for (uint32_t i = s->out->node_count; i-- > 0;) {
        htrail__holder_node *node = &s->out->nodes[i];
        node->targets_below += node->targets;
        if (node->parent != HTRAIL__NO_SHAPE)
            s->out->nodes[node->parent].targets_below += node->targets_below;
    }
    return HTRAIL_OK;
}

htrail_status htrail__holders_find(htrail__holders **out, htrail__lookup *lookup, const uint64_t *ids, size_t count,
                                   const htrail__holders_opts *opts)
{
    htrail__holders_search s = {.lookup = lookup, .slot_count = 1024};
    htrail_status status = HTRAIL_E_NOMEM;

    *out = NULL;
    htrail__holders_opts_init(&s.opts);
    if (opts != NULL)
        s.opts = *opts;
    s.out = calloc(1, sizeof *s.out);
    s.slots = calloc(s.slot_count, sizeof *s.slots);
    if (s.out == NULL || s.slots == NULL || (status = htrail__shapes_init(&s.out->shapes)) != HTRAIL_OK ||
        (status = htrail__shapes_init(&s.nameless)) != HTRAIL_OK)
        goto done;
    if ((status = follow_targets(&s, ids, count)) != HTRAIL_OK || (status = htrail__holders_search_others(&s, false)) != HTRAIL_OK ||
        (status = htrail__holders_search_others(&s, true)) != HTRAIL_OK || (status = htrail__holders_sum_retained(&s)) != HTRAIL_OK ||
        (status = htrail__holders_list_ids(&s)) != HTRAIL_OK)
        goto done;
    *out = s.out;
    s.out = NULL;
done:
    htrail__holders_free(s.out);
    htrail__shapes_release(&s.nameless);
    free(s.nameless_names);
    htrail__mapping_free(s.members);
    free(s.slots);
    free(s.stack);
    free(s.node_of);
    free(s.others);
    free(s.queue);
    return status;
}

void htrail__holders_free(htrail__holders *holders)
{
    if (holders == NULL)
        return;
    htrail__shapes_release(&holders->shapes);
    free(holders->nodes);
    free(holders->links);
    free(holders->target_nodes);
    free(holders->ids);
    free(holders->id_ends);
    free(holders);
}
