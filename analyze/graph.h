/* analyze/graph.h - a snapshot in memory: dense 32-bit ids, references as rows of two
 * arrays, texts once each.
 *
 * An id is the position of the object in the file. The references of object i are
 * targets[first_ref .. first_ref + ref_count) and labels at the same places; a target
 * that is no object of the snapshot is HTRAIL__NO_ID (and counted).
 *
 *     label code   ......payload...... tag(2)
 *       ATOM       number of an atom: a kind and a text
 *       INDEX      position in a sequence or set
 *       UNDER_KEY  payload 0: the value under the key that the reference before leads to
 *       STACK      position on an evaluation stack
 *
 * Order of calls: graph_read, then the fields; free. It knows nothing of SQLite.
 *
 * Trust: the file is hostile. Objects that come twice, targets and names without their
 * object are counted and dropped. Memory grows with what was read, never with a number
 * that the file states; past 2^32 - 2 objects or references: HTRAIL_E_LIMIT. */
#ifndef HTRAIL_ANALYZE_GRAPH_H
#define HTRAIL_ANALYZE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/reader.h>

#include "analyze/addresses.h"
#include "analyze/texts.h"

enum htrail__label_tag {
    HTRAIL__LABEL_ATOM = 0,
    HTRAIL__LABEL_INDEX = 1,
    HTRAIL__LABEL_UNDER_KEY = 2,
    HTRAIL__LABEL_STACK = 3,
    HTRAIL__LABEL_TAG_BITS = 2
};

#define HTRAIL__LABEL(tag, payload) ((uint32_t)(payload) << HTRAIL__LABEL_TAG_BITS | (uint32_t)(tag))
#define HTRAIL__LABEL_TAG(code) ((code) & 3u)
#define HTRAIL__LABEL_PAYLOAD(code) ((code) >> HTRAIL__LABEL_TAG_BITS)

typedef struct htrail__graph_object {
    uint64_t address, size_bytes, length, refcount;
    uint32_t type; /* into types */
    uint32_t first_ref, ref_count;
    uint32_t flags; /* htrail_object_flags */
} htrail__graph_object;

typedef struct htrail__graph_type {
    uint64_t address, base, basic_bytes, item_bytes;
    uint32_t name, module; /* into texts */
    uint32_t full_name;    /* "dict", "module.QualName" */
    uint32_t flags;        /* htrail_type_flags */
    htrail_label name_label, module_label;
} htrail__graph_type;

typedef struct htrail__graph_atom {
    htrail_label label;
    uint32_t kind; /* htrail_ref_kind */
    uint32_t text; /* into texts */
} htrail__graph_atom;

typedef struct htrail__graph_name {
    uint64_t address;
    uint32_t object; /* HTRAIL__NO_ID: it never came */
    uint32_t name, module;
} htrail__graph_name;

typedef struct htrail__graph_value {
    uint64_t address, hash;
    uint32_t object, text, flags; /* htrail_value_flags */
} htrail__graph_value;

typedef struct htrail__graph_root {
    uint64_t thread_id;
    uint32_t object, kind, depth, name;
} htrail__graph_root;

/* As in the file: a thread may have several rows, see stacks.h. */
typedef struct htrail__graph_thread {
    uint64_t tid, ident, address, start_ns, user_ns, system_ns;
    uint32_t name, comm, wait; /* into texts */
    uint32_t flags, state;
} htrail__graph_thread;

typedef struct htrail__graph_frame {
    uint64_t tid, ident, address;
    uint32_t function, file; /* into texts */
    uint32_t line, depth;
} htrail__graph_frame;

typedef struct htrail__graph_mapping {
    uint64_t start, end, rss_bytes, pss_bytes, private_dirty_bytes, swap_bytes;
    uint32_t category, flags, path;
} htrail__graph_mapping;

typedef struct htrail__graph_site {
    uint32_t caller; /* one that came before, or HTRAIL_NO_SITE */
    uint32_t line, file, function; /* into texts */
} htrail__graph_site;

typedef struct htrail__graph_block {
    uint64_t address, size_bytes, weight; /* as in htrail_site_of */
    uint32_t site;                        /* may be none of those that came */
} htrail__graph_block;

typedef struct htrail__graph_meta {
    uint32_t key, value;
} htrail__graph_meta;

typedef struct htrail__graph {
    htrail_header header;
    htrail__texts texts;
    htrail__addresses addresses;

    htrail__graph_object *objects;
    uint32_t object_count;
    uint32_t *targets, *labels;
    uint32_t ref_count; /* places in targets and labels; some may be unused */

    htrail__graph_type *types;
    uint32_t type_count;
    htrail__graph_atom *atoms;
    uint32_t atom_count;
    htrail__graph_name *names; /* the first one of an object counts; also those that types point to */
    uint32_t name_count;
    uint32_t *name_of; /* by object: place in names + 1, 0 for none */
    htrail__graph_value *values;
    uint32_t value_count;
    htrail__graph_root *roots; /* in file order */
    uint32_t root_count;
    htrail__graph_thread *threads; /* in file order, as frames and mappings */
    uint32_t thread_count;
    htrail__graph_frame *frames;
    uint32_t frame_count;
    htrail__graph_mapping *mappings;
    uint32_t mapping_count;
    htrail__graph_site *sites;
    uint32_t site_count;
    htrail__graph_block *blocks;
    uint32_t block_count;
    htrail__graph_meta *metas;
    uint32_t meta_count;

    uint64_t references; /* that lead to an object */
    uint64_t references_dangling, objects_duplicate, parts_lost, names_dangling, roots_dangling;
    bool complete;       /* the end of the file was seen */
    char cut[512];       /* why it was not, with the place */
    char stopped[256];   /* the writer's reason for stopping early; "" if it did not */
    uint64_t bytes_read; /* of the file */

    struct htrail__graph_build *build; /* only while reading */
} htrail__graph;

typedef void (*htrail__graph_step)(void *arg, uint64_t done_bytes);

typedef struct htrail__graph_opts {
    const char *name; /* what sentences call the snapshot; borrowed; NULL: "snapshot" */
    uint64_t objects_max, refs_max; /* 0: 2^32 - 2 */
    htrail__graph_step step;        /* may be NULL */
    void *step_arg;
} htrail__graph_opts;

/* Read all that the reader has left. The reader stays the caller's. On failure *out is
 * NULL and message holds why. A file that ends early is no failure: complete is false. */
HTRAIL_MUST_CHECK htrail_status
htrail__graph_read(htrail__graph **out, htrail_reader *reader, const htrail__graph_opts *opts, char *message,
                   size_t message_cap);
/* NULL is allowed. */
void htrail__graph_free(htrail__graph *graph);

/* The atom of (kind, label), made where there is none. HTRAIL_E_NOMEM, E_LIMIT. */
htrail_status htrail__graph_atom_for(htrail__graph *graph, uint32_t kind, htrail_label label, uint32_t *atom);

/* The value of the first fact (META) with this key; empty where there is none. Borrowed from the texts. */
htrail_str htrail__graph_fact(const htrail__graph *graph, const char *key);

/* The kind of the reference at place (htrail_ref_kind). */
static inline uint32_t htrail__graph_ref_kind(const htrail__graph *graph, uint32_t place)
{
    uint32_t code = graph->labels[place];
    switch (HTRAIL__LABEL_TAG(code)) {
    case HTRAIL__LABEL_INDEX: return HTRAIL_REF_INDEX;
    case HTRAIL__LABEL_UNDER_KEY: return HTRAIL_REF_VALUE;
    case HTRAIL__LABEL_STACK: return HTRAIL_REF_STACK;
    default: return graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].kind;
    }
}

#endif
