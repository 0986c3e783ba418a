/* analyze/load_sums.c - ids of modules and names, and how many objects and bytes there are
 * of each module, name, type, size and length. */
#include <stdlib.h>

#include "analyze/loader.h"

static unsigned bucket_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static uint32_t id_of_text(uint32_t *of_text, uint32_t *texts, uint32_t *count, uint32_t text)
{
    if (of_text[text] == 0) {
        texts[(*count)++] = text;
        of_text[text] = *count;
    }
    return of_text[text];
}

uint32_t htrail__loader_name_text(const htrail__loader *l, uint32_t object)
{
    uint32_t name = l->graph->name_of[object];
    return name == 0 || l->naming.is_text[l->graph->objects[object].type] ? 0 : l->naming.full_name[name - 1];
}

/* SQL has numbers of 63 bits, and a file may claim more of every object. */
static uint64_t sum_of(uint64_t left, uint64_t right)
{
    return right < INT64_MAX - left ? left + right : INT64_MAX;
}

static void add_sums(htrail__sums *to, uint64_t bytes)
{
    to->count++;
    to->bytes = sum_of(to->bytes, bytes);
}

htrail_status htrail__loader_sum_up(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    size_t texts = (size_t)graph->texts.count + 1;

    l->module_of_text = calloc(texts, sizeof(uint32_t));
    l->name_of_text = calloc(texts, sizeof(uint32_t));
    l->module_texts = malloc(texts * sizeof(uint32_t));
    l->name_texts = malloc(texts * sizeof(uint32_t));
    l->module_sums = calloc(texts, sizeof(htrail__sums));
    l->name_sums = calloc(texts, sizeof(htrail__sums));
    l->type_sums = calloc((size_t)graph->type_count + 1, sizeof(htrail__sums));
    l->type_first = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    l->type_last = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    if (l->type_first == NULL || l->type_last == NULL || l->module_of_text == NULL || l->name_of_text == NULL || l->module_texts == NULL || l->name_texts == NULL ||
        l->module_sums == NULL || l->name_sums == NULL || l->type_sums == NULL)
        return htrail__loader_no_memory(l);
    id_of_text(l->name_of_text, l->name_texts, &l->name_count, 0); /* id 1: no name */
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const htrail__graph_object *o = &graph->objects[i];
        uint32_t number = l->reach.number_of[i];
        if (l->type_first[o->type] == 0 || number < l->type_first[o->type])
            l->type_first[o->type] = number;
        if (number > l->type_last[o->type])
            l->type_last[o->type] = number;
        add_sums(&l->type_sums[o->type], o->size_bytes);
        add_sums(&l->module_sums[id_of_text(l->module_of_text, l->module_texts, &l->module_count, l->naming.module_of[i]) - 1], o->size_bytes);
        add_sums(&l->name_sums[id_of_text(l->name_of_text, l->name_texts, &l->name_count, htrail__loader_name_text(l, i)) - 1], o->size_bytes);
        add_sums(&l->size_sums[bucket_of(o->size_bytes)], o->size_bytes);
        add_sums(&l->length_sums[o->flags & HTRAIL_OBJECT_LENGTH ? bucket_of(o->length) : HTRAIL__LOADER_NO_LENGTH], o->size_bytes);
        l->total_bytes = sum_of(l->total_bytes, o->size_bytes);
    }
    return HTRAIL_OK;
}
