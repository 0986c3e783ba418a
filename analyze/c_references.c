/* analyze/c_references.c - see the header. */
#include "analyze/c_references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/str.h"

/* Roots of an object: how many own a reference, and its C_GLOBALs as a list through `next`. */
typedef struct holders {
    uint32_t owners, first_global; /* place + 1 */
} holders;

static bool owns_a_reference(const htrail__graph *graph, const htrail__graph_root *root)
{
    switch (root->kind) {
    case HTRAIL_ROOT_STATIC_TYPE:
    case HTRAIL_ROOT_FROZEN:
    case HTRAIL_ROOT_C_GLOBAL:
        return false;
    case HTRAIL_ROOT_FRAME: { /* a frame object is held by the call that runs it; a generator by its caller */
        htrail_str type = htrail__texts_get(&graph->texts, graph->types[graph->objects[root->object].type].full_name);
        return htrail__str_is(type, "frame");
    }
    default:
        return true;
    }
}

/* Where the interpreter's own static objects lie, "start-end" in the metadata: never allocated, their
 * counts began at one that nobody owns. */
static void static_range(const htrail__graph *graph, uint64_t *start, uint64_t *end)
{
    unsigned long long from = 0, to = 0;
    char text[64] = "";
    htrail_str range = htrail__graph_fact(graph, "interpreter_data");
    if (range.len < sizeof text)
        memcpy(text, range.data, range.len);
    bool is_known = sscanf(text, "%llx-%llx", &from, &to) == 2;
    *start = is_known ? from : 0;
    *end = is_known ? to : 0;
}

/* By type: its objects' counts mean something. */
static bool *counting_types(const htrail__graph *graph)
{
    static const char *const singletons[] = {"NoneType", "ellipsis", "NotImplementedType", "bool", NULL};
    bool *counts = malloc((size_t)graph->type_count + 1);
    for (uint32_t i = 0; i < graph->type_count && counts != NULL; i++)
        counts[i] = !htrail__str_is_one_of(htrail__texts_get(&graph->texts, graph->types[i].full_name), singletons);
    return counts;
}

static htrail_status add(htrail__c_references *c, uint32_t *room, htrail__c_reference row)
{
    if (c->count == *room) {
        uint32_t larger = *room < 1024 ? 1024 : *room > UINT32_MAX / 2 ? UINT32_MAX : *room * 2;
        htrail__c_reference *rows = larger == *room ? NULL : realloc(c->rows, (size_t)larger * sizeof *rows);
        if (rows == NULL)
            return HTRAIL_E_NOMEM;
        c->rows = rows;
        *room = larger;
    }
    c->rows[c->count++] = row;
    return HTRAIL_OK;
}

htrail_status htrail__c_references_build(htrail__c_references *c, const htrail__graph *graph, const uint32_t *counted)
{
    htrail_status status = HTRAIL_E_NOMEM;
    uint32_t room = 0, *next = NULL;
    uint64_t static_start, static_end;
    bool *counts = NULL;
    holders *of = NULL;

    *c = (htrail__c_references){0};
    of = htrail__mapping_new(graph->object_count, sizeof *of);
    next = malloc(((size_t)graph->root_count + 1) * sizeof *next);
    counts = counting_types(graph);
    if (of == NULL || next == NULL || counts == NULL)
        goto done;
    for (uint32_t i = graph->root_count; i-- > 0;) {
        const htrail__graph_root *root = &graph->roots[i];
        holders *h = &of[root->object];
        if (root->kind == HTRAIL_ROOT_STATIC_TYPE)
            h->owners = UINT32_MAX; /* the C compiler's, not counted */
        else if (h->owners != UINT32_MAX)
            h->owners += owns_a_reference(graph, root);
        if (root->kind == HTRAIL_ROOT_C_GLOBAL) {
            next[i] = h->first_global;
            h->first_global = i + 1;
        }
    }
    static_range(graph, &static_start, &static_end);
    status = HTRAIL_OK;
    for (uint32_t i = 0; i < graph->object_count && status == HTRAIL_OK; i++) {
        const htrail__graph_object *object = &graph->objects[i];
        uint64_t shown = (uint64_t)counted[i] + of[i].owners;
        if (object->refcount <= shown || of[i].owners == UINT32_MAX || !counts[object->type] ||
            object->flags & (HTRAIL_OBJECT_PSEUDO | HTRAIL_OBJECT_IMMORTAL) || object->address - static_start < static_end - static_start)
            continue;
        uint64_t left = object->refcount - shown;
        for (uint32_t at = of[i].first_global; at != 0 && left > 0 && status == HTRAIL_OK; at = next[at - 1], left--)
            status = add(c, &room, (htrail__c_reference){i, at - 1, 1});
        if (left > 0 && status == HTRAIL_OK)
            status = add(c, &room, (htrail__c_reference){i, HTRAIL__NO_ID, left});
    }
done:
    free(counts);
    free(next);
    htrail__mapping_free(of);
    return status;
}

void htrail__c_references_release(htrail__c_references *c)
{
    free(c->rows);
    *c = (htrail__c_references){0};
}
