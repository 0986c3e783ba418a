/* bench/dominators.c - what the tree of dominators and the retained sizes cost, apart from the load.
 *
 *     dominators FILE.htrail           of a snapshot: its references by number, as a load has them
 *     dominators SHAPE COUNT           of a graph that is made here: chain, ring, registry, star, clique
 *
 * Prints: vertices references seconds cpu_seconds bytes_a_vertex fallback, of the search for dominators alone; bytes are
 * the resident memory at its peak less what was there before without the references, which are given to it. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <htrail/reader.h>

#include "analyze/dominators.h"
#include "analyze/graph.h"
#include "analyze/mapping.h"
#include "analyze/reach.h"

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t memory_kib(const char *field)
{
    char line[256];
    uint64_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoull(line + strlen(field) + 1, NULL, 10);
    if (status != NULL)
        fclose(status);
    return kib;
}

static void forget_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    if (refs != NULL) {
        fputs("5", refs);
        fclose(refs);
    }
}

static void die(const char *what)
{
    fprintf(stderr, "dominators: %s\n", what);
    exit(1);
}

static void set_root(htrail__dominators_graph *graph, uint32_t vertex) { graph->is_root[vertex >> 6] |= UINT64_C(1) << (vertex & 63); }
static bool is_root(const htrail__dominators_graph *graph, uint32_t vertex) { return graph->is_root[vertex >> 6] >> (vertex & 63) & 1; }

static uint64_t *from_file(const char *path, htrail__dominators_graph *out)
{
    char message[512] = "";
    htrail_reader *reader;
    htrail__graph *graph;
    htrail__reach reach;
    uint64_t *sizes;
    uint32_t kept = 0;

    if (htrail_reader_open_path(&reader, path, NULL, message, sizeof message) != HTRAIL_OK ||
        htrail__graph_read(&graph, reader, NULL, message, sizeof message) != HTRAIL_OK)
        die(message);
    htrail_reader_free(reader);
    sizes = htrail__mapping_new((size_t)graph->object_count + 1, sizeof *sizes);
    if (htrail__reach_build(&reach, graph) != HTRAIL_OK || sizes == NULL || htrail__dominators_graph_init(out, graph->object_count, (uint32_t)graph->references) != HTRAIL_OK)
        die("out of memory");
    for (uint32_t i = 0; i < reach.root_count; i++)
        set_root(out, reach.number_of[reach.roots[i].object]);
    for (uint32_t number = 1; number <= graph->object_count; number++) {
        const htrail__graph_object *o = &graph->objects[reach.object_of[number - 1]];
        sizes[number] = o->size_bytes;
        out->vertices[number].first = kept;
        for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count; at++) {
            uint32_t target = graph->targets[at] == HTRAIL__NO_ID ? number : reach.number_of[graph->targets[at]];
            if (target != number && !is_root(out, target) && htrail__graph_ref_kind(graph, at) != HTRAIL_REF_WEAK)
                out->targets[kept++] = target;
        }
    }
    out->vertices[graph->object_count + 1].first = kept;
    htrail__reach_release(&reach);
    htrail__graph_free(graph);
    return sizes;
}

static uint64_t *made(const char *shape, uint32_t count, htrail__dominators_graph *out)
{
    uint64_t *sizes = htrail__mapping_new((size_t)count + 1, sizeof *sizes);
    uint32_t kept = 0, room = strcmp(shape, "clique") == 0 ? count * (count - 1) : 3 * count, middle = count / 3;
    if (sizes == NULL || htrail__dominators_graph_init(out, count, room) != HTRAIL_OK)
        die("out of memory");
    set_root(out, 1);
    if (strcmp(shape, "ring") == 0)
        set_root(out, count);
    for (uint32_t v = 1; v <= count; v++) {
        sizes[v] = 64;
        out->vertices[v].first = kept;
        if (strcmp(shape, "chain") == 0) {
            if (v < count)
                out->targets[kept++] = v + 1;
        } else if (strcmp(shape, "ring") == 0) { /* doubly linked, held by head and tail */
            if (v > 2)
                out->targets[kept++] = v - 1;
            if (v + 1 < count)
                out->targets[kept++] = v + 1;
        } else if (strcmp(shape, "star") == 0) {
            for (uint32_t w = 2; v == 1 && w <= count; w++)
                out->targets[kept++] = w;
        } else if (strcmp(shape, "clique") == 0) {
            for (uint32_t w = 2; w <= count; w++)
                if (w != v)
                    out->targets[kept++] = w;
        } else if (strcmp(shape, "registry") == 0) { /* 1 -> chain 2 .. middle; its end and middle + 1 hold the rest */
            if (v == 1)
                out->targets[kept++] = 2, out->targets[kept++] = middle + 1;
            else if (v < middle)
                out->targets[kept++] = v + 1;
            for (uint32_t w = middle + 2; (v == middle || v == middle + 1) && w <= count; w++)
                out->targets[kept++] = w;
        } else {
            die("no such shape");
        }
    }
    out->vertices[count + 1].first = kept;
    return sizes;
}

int main(int argc, char **argv)
{
    htrail__dominators_graph graph;
    htrail__dominators found;
    uint64_t *sizes;
    if (argc < 2)
        die("usage: dominators FILE.htrail | SHAPE COUNT");
    sizes = argc == 2 ? from_file(argv[1], &graph) : made(argv[1], (uint32_t)strtoul(argv[2], NULL, 10), &graph);
    uint32_t references = graph.vertices[graph.count + 1].first;
    uint64_t given = 8 * (uint64_t)graph.count + 4 * (uint64_t)references, before = memory_kib("VmRSS:");
    forget_peak();
    double clock = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    if (htrail__dominators_find(&found, &graph, sizes, HTRAIL__DOMINATORS_BUDGET) != HTRAIL_OK)
        die("out of memory");
    clock = now(CLOCK_MONOTONIC) - clock;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    uint64_t peak = memory_kib("VmHWM:");
    printf("%" PRIu32 " %" PRIu32 " %.3f %.3f %.1f %d\n", found.count, references, clock, cpu,
           ((double)(peak - before) * 1024 + (double)given + 8.0 * graph.count) / (double)found.count, found.is_fallback);
    htrail__dominators_release(&found);
    return 0;
}
