/* analyze/load_dominators.c - dominators, retained sizes, owners and shares, from the references
 * as they are sorted for the database. */
#include "analyze/bits.h"
#include "analyze/loader.h"
#include "analyze/mapping.h"
#include "analyze/ownership.h"
#include "analyze/resident.h"
#include "analyze/schema.h"

/* Strong references by number, without those into roots: half of all in real heaps lead to None,
 * small integers and the like, and a root is dominated by nobody. Nor is what is immortal: it does not come back
 * when its last holder goes, so it is not retained by it. */
static htrail_status strong_references(htrail__loader *l, htrail__dominators_graph *graph)
{
    const htrail__reach *reach = &l->reach;
    uint32_t kept = 0, at = 0;
    htrail_status status = htrail__dominators_graph_init(graph, l->graph->object_count, l->edge_count);

    if (status != HTRAIL_OK)
        return status;
    for (uint32_t i = 0; i < reach->root_count; i++)
        htrail__set_bit(graph->is_root, reach->number_of[reach->roots[i].object]);
    for (uint32_t i = 0; i < l->graph->object_count; i++)
        if (l->graph->objects[i].flags & HTRAIL_OBJECT_IMMORTAL && reach->root[reach->number_of[i] - 1] != 0) /* garbage has entries of its own */
            htrail__set_bit(graph->is_root, reach->number_of[i]);
    for (size_t i = 0; i <= graph->count / 64; i++)
        l->is_root[i] = graph->is_root[i];
    for (uint32_t number = 1; number <= graph->count; number++) {
        uint32_t first = kept;
        htrail__resident_step(number);
        graph->vertices[number].first = first;
        for (; at < l->edge_count && l->srcs[at] == number; at++) {
            uint32_t target = l->dsts[at];
            if ((l->edge_codes[at] & HTRAIL__CODE_KIND_MASK) != HTRAIL_REF_WEAK && target != number && !htrail__bit(graph->is_root, target) &&
                (kept == first || graph->targets[kept - 1] != target))
                graph->targets[kept++] = target;
        }
    }
    graph->vertices[graph->count + 1].first = kept;
    return HTRAIL_OK;
}

static htrail_status share_out(htrail__loader *l, const htrail__dominators_graph *graph)
{
    uint64_t *keeps = htrail__mapping_new((size_t)graph->count / 64 + 1, sizeof *keeps);
    htrail_status status;

    if (keeps == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i <= graph->count / 64; i++)
        keeps[i] = l->is_root[i];
    for (uint32_t number = 1; number <= graph->count; number++)
        if (l->owner[number] != 0)
            htrail__set_bit(keeps, number);
    status = htrail__ownership_share(l->shared, graph, l->reach.holder, keeps);
    htrail__mapping_free(keeps);
    return status;
}

htrail_status htrail__loader_find_dominators(htrail__loader *l)
{
    uint32_t count = l->graph->object_count;
    uint64_t *retained = htrail__mapping_new((size_t)count + 1, sizeof *retained);
    htrail__dominators_graph graph = {0};
    htrail_status status = HTRAIL_E_NOMEM;

    l->shared = htrail__mapping_new((size_t)count + 1, sizeof *l->shared);
    l->owner = htrail__mapping_new((size_t)count + 1, sizeof *l->owner);
    l->is_root = htrail__mapping_new((size_t)count / 64 + 1, sizeof *l->is_root);
    if (retained == NULL || l->shared == NULL || l->owner == NULL || l->is_root == NULL)
        goto done;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = l->reach.number_of[i];
        htrail__resident_step(i);
        retained[number] = l->shared[number] = l->graph->objects[i].size_bytes;
        l->owner[number] = htrail__naming_says_module(&l->naming, i) ? l->naming.module_of[i] : 0;
    }
    if ((status = strong_references(l, &graph)) != HTRAIL_OK || (status = share_out(l, &graph)) != HTRAIL_OK)
        goto done;
    status = htrail__dominators_find(&l->dominators, &graph, retained, HTRAIL__DOMINATORS_BUDGET);
    retained = NULL;
    if (status == HTRAIL_OK)
        htrail__ownership_inherit(l->owner, &l->dominators);
done:
    htrail__dominators_graph_release(&graph);
    htrail__mapping_free(retained);
    return status == HTRAIL_OK ? status : htrail__loader_no_memory(l);
}
