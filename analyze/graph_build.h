/* analyze/graph_build.h - what a graph needs only while it is read: shared by reading (graph.c)
 * and by what follows when all objects are known (graph_resolve.c). */
#ifndef HTRAIL_ANALYZE_GRAPH_BUILD_H
#define HTRAIL_ANALYZE_GRAPH_BUILD_H

#include "analyze/graph.h"

enum { HTRAIL__GRAPH_ATOM_CACHE = 4096, HTRAIL__GRAPH_TYPE_CACHE = 256 };

/* Further references of an object, as they came: places in the arrays. */
typedef struct htrail__graph_part {
    uint64_t address;
    uint32_t object;
    uint32_t first_ref, ref_count;
    uint32_t positions, stack_positions; /* INDEX (STACK) references counted from the part's beginning */
} htrail__graph_part;

struct htrail__graph_build {
    uint64_t *addresses; /* of targets */
    size_t address_room, label_room, object_room, type_room, atom_room, name_room, value_room, root_room, meta_room, part_room,
        thread_room, frame_room, mapping_room, site_room, block_room,
        string_room;
    uint64_t *root_addresses;
    size_t root_address_room;
    htrail__graph_part *parts;
    uint32_t part_count;
    uint32_t *strings; /* string id -> text */
    uint32_t string_count;
    uint32_t *atom_slots, *type_slots; /* number + 1, 0 empty */
    size_t atom_slot_count, type_slot_count;
    struct { uint64_t label; uint32_t kind, code; } atom_cache[HTRAIL__GRAPH_ATOM_CACHE];
    struct { uint64_t address; uint32_t type; } type_cache[HTRAIL__GRAPH_TYPE_CACHE];
    uint64_t objects_max, refs_max;
    const char *name;
    char *message;
    size_t message_cap;
};

htrail_status htrail__graph_fail(htrail__graph *graph, htrail_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
htrail_status htrail__graph_no_memory(htrail__graph *graph);
/* Room for one more group of more items; data (the address of a pointer) keeps its contents. */
htrail_status htrail__graph_reserve(htrail__graph *graph, void *data, size_t *room, uint64_t used, uint64_t more, size_t item_bytes);
htrail_status htrail__graph_add_text(htrail__graph *graph, htrail_str text, uint32_t *number);
/* Rows about the process (graph_process.c). */
htrail_status htrail__graph_add_thread(htrail__graph *graph, const htrail_thread *thread);
htrail_status htrail__graph_add_frame(htrail__graph *graph, const htrail_frame *frame);
htrail_status htrail__graph_add_mapping(htrail__graph *graph, const htrail_mapping *mapping);
/* Sites and blocks (graph_sites.c). */
htrail_status htrail__graph_add_site(htrail__graph *graph, const htrail_site *site);
htrail_status htrail__graph_add_block(htrail__graph *graph, const htrail_site_of *block);
/* The label code of a reference of this kind with this label. */
htrail_status htrail__graph_atom_code(htrail__graph *graph, uint32_t kind, htrail_label label, uint32_t *code);
/* When all is read: addresses into ids, parts together, names to their objects. */
htrail_status htrail__graph_resolve(htrail__graph *graph);

#endif
