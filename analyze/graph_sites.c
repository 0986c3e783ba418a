/* analyze/graph_sites.c - places where memory was asked for, and the blocks asked for there. Kept as
 * they come; what object lies in a block is found when the tables are written (load_sites.c). */
#include <inttypes.h>

#include "analyze/graph_build.h"

enum { ROWS_MAX = 1 << 30 };

/* A site that comes a second time says nothing new. */
htrail_status htrail__graph_add_site(htrail__graph *graph, const htrail_site *site)
{
    htrail__graph_site row = {.caller = site->caller < site->id ? site->caller : HTRAIL_NO_SITE, .line = site->line};
    htrail_status status;
    if (site->id < graph->site_count)
        return HTRAIL_OK;
    if (site->id > graph->site_count)
        return htrail__graph_fail(graph, HTRAIL_E_CORRUPT, "site %" PRIu32 " comes where site %" PRIu32 " should", site->id, graph->site_count);
    if ((status = htrail__graph_add_text(graph, site->file, &row.file)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, site->function, &row.function)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->sites, &graph->build->site_room, graph->site_count, 1, sizeof row)) != HTRAIL_OK)
        return status;
    graph->sites[graph->site_count++] = row;
    return graph->site_count >= ROWS_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %d sites", ROWS_MAX) : HTRAIL_OK;
}

htrail_status htrail__graph_add_block(htrail__graph *graph, const htrail_site_of *block)
{
    htrail__graph_block row = {.address = block->address, .weight = block->weight != 0 && block->weight < HTRAIL_WEIGHT_ONE ? HTRAIL_WEIGHT_ONE : block->weight, .site = block->site,
                               .size_bytes = block->size_bytes < INT64_MAX ? block->size_bytes : INT64_MAX};
    htrail_status status = htrail__graph_reserve(graph, &graph->blocks, &graph->build->block_room, graph->block_count, 1, sizeof row);
    if (status != HTRAIL_OK)
        return status;
    graph->blocks[graph->block_count++] = row;
    return graph->block_count == UINT32_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu32 " blocks", UINT32_MAX) : HTRAIL_OK;
}
