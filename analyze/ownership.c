/* analyze/ownership.c - see the header. */
#include "analyze/ownership.h"

#include <stdbool.h>

#include "analyze/bits.h"
#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { PREFETCH = 12 };

static uint64_t sum_of(uint64_t left, uint64_t right)
{
    return left < INT64_MAX && right < INT64_MAX - left ? left + right : INT64_MAX;
}

htrail_status htrail__ownership_share(uint64_t *shared, const htrail__dominators_graph *graph, const uint32_t *holder, const uint64_t *keeps)
{
    uint32_t *parts = htrail__mapping_new((size_t)graph->count + 1, sizeof *parts), end = graph->vertices[graph->count + 1].first;

    if (parts == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t number = 1, at = 0; number <= graph->count; number++) {
        htrail__resident_step(number);
        for (; at < graph->vertices[number + 1].first; at++) {
            if (at + PREFETCH < end)
                __builtin_prefetch(&parts[graph->targets[at + PREFETCH]], 1);
            parts[graph->targets[at]] += graph->targets[at] > number;
        }
    }
    /* What is farther than number has got all that it gets by now. */
    for (uint32_t number = graph->count; number > 0; number--) {
        uint64_t sum = shared[number];
        uint32_t first = graph->vertices[number].first;
        htrail__resident_step(number);
        for (uint32_t at = graph->vertices[number + 1].first; at > first; at--) {
            uint32_t target = graph->targets[at - 1];
            if (at > PREFETCH) {
                __builtin_prefetch(&parts[graph->targets[at - PREFETCH]]);
                __builtin_prefetch(&shared[graph->targets[at - PREFETCH]]);
            }
            if (target <= number)
                break;
            if (htrail__bit(keeps, target))
                continue;
            sum = sum_of(sum, shared[target] / parts[target] + (holder[target - 1] == number ? shared[target] % parts[target] : 0));
        }
        shared[number] = sum;
    }
    for (uint32_t number = 1; number <= graph->count; number++)
        if (parts[number] != 0 && !htrail__bit(keeps, number))
            shared[number] = holder[number - 1] != 0 ? 0 : shared[number] % parts[number];
    htrail__mapping_free(parts);
    return HTRAIL_OK;
}

void htrail__ownership_inherit(uint32_t *owner, const htrail__dominators *dominators)
{
    owner[0] = 0;
    for (uint32_t place = 1; place <= dominators->count; place++) {
        uint32_t number = dominators->order[place];
        htrail__resident_step(place);
        if (owner[number] == 0)
            owner[number] = owner[dominators->dominator[number]];
    }
}
