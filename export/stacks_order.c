/* export/stacks_order.c - stacks with what belongs together side by side, the heaviest first: tools that draw them in the order
 * of the file then show a picture and no noise. */
#include <stdlib.h>

#include "export/stacks.h"

typedef struct ranked { uint64_t size_bytes; uint32_t parent, node; } ranked;

static int by_parent_and_size(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

bool htrail__export_stacks_order(htrail__export_job *job, htrail__export_stacks *s)
{
    size_t count = s->node_count;
    uint64_t *totals = calloc(count + 1, sizeof *totals);
    ranked *sorted = calloc(count + 1, sizeof *sorted);
    uint32_t *first = calloc(count + 2, sizeof *first), *number = calloc(count + 1, sizeof *number), *stack = calloc(count + 1, sizeof *stack);
    htrail__export_node *nodes = calloc(count + 1, sizeof *nodes);
    bool done = totals != NULL && sorted != NULL && first != NULL && number != NULL && stack != NULL && nodes != NULL;

    if (!done) {
        htrail__export_no_memory(job);
        goto done;
    }
    for (size_t i = count; i-- > 1;) {
        totals[i] += s->nodes[i].size_bytes;
        totals[s->nodes[i].parent] += totals[i];
    }
    for (size_t i = 1; i < count; i++)
        sorted[i - 1] = (ranked){totals[i], s->nodes[i].parent, (uint32_t)i};
    qsort(sorted, count - 1, sizeof *sorted, by_parent_and_size);
    for (size_t i = count - 1; i-- > 0;)
        first[sorted[i].parent] = (uint32_t)i + 1;
    size_t depth = 0;
    uint32_t next = 0;
    stack[depth++] = 0;
    while (depth > 0) {
        uint32_t node = stack[--depth], at = first[node], end = at;
        nodes[next] = s->nodes[node];
        nodes[next].parent = number[s->nodes[node].parent];
        number[node] = next++;
        if (at == 0)
            continue;
        while (end <= count - 1 && sorted[end - 1].parent == node)
            end++;
        while (end > at) /* the heaviest on top */
            stack[depth++] = sorted[--end - 1].node;
    }
    free(s->nodes);
    s->nodes = nodes;
    nodes = NULL;
done:
    free(totals);
    free(sorted);
    free(first);
    free(number);
    free(stack);
    free(nodes);
    return done;
}
