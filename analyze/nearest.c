/* analyze/nearest.c - see the header: a search in breadth, upwards. */
#include "analyze/nearest.h"

#include <stdlib.h>

#include "analyze/grow.h"
#include "analyze/id_set.h"

enum { PROGRESS_EVERY = 4096 };

typedef struct met {
    uint64_t id;
    size_t below; /* what it refers to; SIZE_MAX: it was asked for */
} met;

static htrail_status meet(met **queue, size_t *room, size_t *count, htrail__id_set *seen, uint64_t id, size_t below)
{
    if (htrail__id_set_has(seen, id))
        return HTRAIL_OK;
    if (!htrail__grow(queue, room, *count, sizeof **queue))
        return HTRAIL_E_NOMEM;
    (*queue)[(*count)++] = (met){id, below};
    return htrail__id_set_add(seen, id);
}

htrail_status htrail__nearest_find(uint64_t **chain, size_t *count, htrail__lookup *lookup, htrail__object_query *query, const uint64_t *ids,
                                   size_t id_count, void (*progress)(void *arg, uint64_t done, uint64_t total), void *progress_arg)
{
    htrail_status status = HTRAIL_OK;
    htrail__id_set seen = {0};
    met *queue = NULL;
    size_t room = 0, met_count = 0, at;
    uint64_t objects, bytes;

    *chain = NULL;
    *count = 0;
    status = htrail__lookup_totals(lookup, &objects, &bytes);
    for (size_t i = 0; i < id_count && status == HTRAIL_OK; i++)
        status = meet(&queue, &room, &met_count, &seen, ids[i], SIZE_MAX);
    for (at = 0; at < met_count && status == HTRAIL_OK; at++) {
        const uint64_t *holders;
        size_t holder_count;
        bool more;
        if (at % PROGRESS_EVERY == 0 && progress != NULL)
            progress(progress_arg, at, objects);
        if (htrail__object_query_ask(query, queue[at].id) && htrail__object_query_truth(query))
            break;
        if (htrail__object_query_failed(query) != NULL) {
            status = HTRAIL_E_DATABASE;
            break;
        }
        status = htrail__lookup_holder_ids(lookup, queue[at].id, SIZE_MAX, &holders, &holder_count, &more);
        for (size_t i = 0; i < holder_count && status == HTRAIL_OK; i++)
            status = meet(&queue, &room, &met_count, &seen, holders[i], at);
    }
    if (status == HTRAIL_OK && at == met_count)
        status = HTRAIL_E_NOT_FOUND;
    if (status != HTRAIL_OK)
        goto done;
    for (size_t i = at; i != SIZE_MAX; i = queue[i].below)
        (*count)++;
    *chain = malloc(*count * sizeof **chain);
    if (*chain == NULL) {
        status = HTRAIL_E_NOMEM;
        goto done;
    }
    *count = 0;
    for (size_t i = at; i != SIZE_MAX; i = queue[i].below)
        (*chain)[(*count)++] = queue[i].id;
done:
    htrail__id_set_release(&seen);
    free(queue);
    return status;
}
