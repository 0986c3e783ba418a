/* analyze/graph_process.c - rows about the process: threads, their frames, its memory. Kept as they
 * come; analyze/stacks.c puts the rows of a thread together. */
#include "analyze/graph_build.h"

enum { ROWS_MAX = 1 << 29 };

static htrail_status added(htrail__graph *graph, uint32_t count)
{
    return count >= ROWS_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %d threads, frames or mappings", ROWS_MAX) : HTRAIL_OK;
}

htrail_status htrail__graph_add_thread(htrail__graph *graph, const htrail_thread *thread)
{
    htrail__graph_thread row = {.tid = thread->tid, .ident = thread->ident, .address = thread->object, .start_ns = thread->start_ns,
                                .user_ns = thread->user_ns, .system_ns = thread->system_ns, .flags = thread->flags, .state = thread->state};
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, thread->name, &row.name)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, thread->comm, &row.comm)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, thread->wait, &row.wait)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->threads, &graph->build->thread_room, graph->thread_count, 1, sizeof row)) != HTRAIL_OK)
        return status;
    graph->threads[graph->thread_count++] = row;
    return added(graph, graph->thread_count);
}

htrail_status htrail__graph_add_frame(htrail__graph *graph, const htrail_frame *frame)
{
    htrail__graph_frame row = {.tid = frame->tid, .ident = frame->ident, .address = frame->object, .line = frame->line, .depth = frame->depth};
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, frame->function, &row.function)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, frame->file, &row.file)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->frames, &graph->build->frame_room, graph->frame_count, 1, sizeof row)) != HTRAIL_OK)
        return status;
    graph->frames[graph->frame_count++] = row;
    return added(graph, graph->frame_count);
}

htrail_status htrail__graph_add_mapping(htrail__graph *graph, const htrail_mapping *mapping)
{
    htrail__graph_mapping row = {.start = mapping->start, .end = mapping->end, .rss_bytes = mapping->rss_bytes, .pss_bytes = mapping->pss_bytes,
                                 .private_dirty_bytes = mapping->private_dirty_bytes, .swap_bytes = mapping->swap_bytes,
                                 .category = mapping->category, .flags = mapping->flags};
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, mapping->path, &row.path)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->mappings, &graph->build->mapping_room, graph->mapping_count, 1, sizeof row)) != HTRAIL_OK)
        return status;
    graph->mappings[graph->mapping_count++] = row;
    return added(graph, graph->mapping_count);
}
