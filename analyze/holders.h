/* analyze/holders.h - who holds a set of objects: their shortest chains from the roots,
 * merged, and beside them the other holders that do not depend on what they hold.
 *
 * A node is a shape (analyze/shape.h) with the objects that lie on the chains; a link
 * says that objects of one node hold objects of another. For each node it is asked who
 * else holds its objects: a holder whose own chain leads through the node itself does not
 * count, unless it can be reached in another way too. Of these others the most frequent
 * are kept, with their chains.
 *
 *     atexit callbacks -> function shutdown ×19 -__globals__-> dict of module logging ×19
 *     os.register_at_fork -> list -[i]-> function ×19 -__globals__-^         another holder
 *
 * Objects that are held alike and differ in their names alone are a node for each name, as
 * long as there are few names: a registry of 50 classes is one node.
 *
 * What is searched is bounded by counts, never by the clock. */
#ifndef HTRAIL_ANALYZE_HOLDERS_H
#define HTRAIL_ANALYZE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/lookup.h"
#include "analyze/shape.h"

typedef struct htrail__holders_opts {
    bool apart;            /* a node for each object: nothing is merged */
    size_t targets_max;    /* objects whose chains are followed, the first of those given */
    size_t too_many;       /* holders looked at of one object */
    size_t searches_max;   /* objects whose holders are looked at, in all */
    size_t others_max;     /* further kinds of holders kept of one node */
    size_t others_all_max; /* and of all nodes together */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* objects; may be NULL */
    void *progress_arg;
} htrail__holders_opts;

void htrail__holders_opts_init(htrail__holders_opts *opts);

typedef enum htrail__held {
    HTRAIL__HELD_UNKNOWN, /* not searched to the end */
    HTRAIL__HELD_ONLY,    /* by this holder alone: all, or all but a few */
    HTRAIL__HELD_SEVERAL
} htrail__held;

/* One loop variable does not change what holds the 8,399 others. */
static inline bool htrail__holders_are_few(uint64_t exceptions, uint64_t objects)
{
    return exceptions <= objects / 10;
}

typedef struct htrail__holder_node {
    uint32_t shape;
    uint32_t name;   /* of its objects, and how many names: more than one is not in the shape */
    uint64_t names;
    uint32_t parent; /* node, or HTRAIL__NO_SHAPE */
    htrail__held held;
    bool other;             /* only on the chain of a further holder */
    uint64_t objects;       /* on the chains */
    uint64_t targets;       /* of them asked for */
    uint64_t targets_below; /* asked for here or below */
    uint64_t references;    /* from the parent */
    uint64_t size_bytes;    /* of objects */
    uint64_t retained_bytes; /* by them together */
    uint64_t length_min, length_max; /* HTRAIL__NO_LENGTH: no object has one */
    uint64_t refcount_min, refcount_max;
    uint64_t example, example_address; /* id of the first object; 0: none */
    uint64_t shared;        /* where held says the parent alone: of its objects so few have another holder all the same */
    bool held_from_below;   /* also through objects that this one holds, which are held from elsewhere */
    bool is_partly_searched; /* there may be more holders than are counted */
    uint64_t other_holders; /* at least so many further holders, of kinds that are not kept */
    uint64_t looked_at;     /* analyze/around.h: neighbours looked at of objects that have more, which other_holders counts */
    uint32_t root_name;     /* of a root: the first one's whole name, and how many names there are */
    uint64_t root_names;
} htrail__holder_node;

typedef struct htrail__holder_link {
    uint32_t from, to; /* nodes */
    uint32_t ref_kind, label;
    uint64_t references;
    uint64_t objects; /* of `to`, that are held in this way; in analyze/around.h by any reference between the two nodes */
    uint64_t alone;   /* of these, held by nothing else: told by analyze/around.h alone, as the next */
    htrail__held held;
    bool is_partly_searched; /* there may be more references */
} htrail__holder_link;

typedef struct htrail__holders {
    htrail__shapes shapes;
    htrail__holder_node *nodes; /* parents first */
    uint32_t node_count;
    htrail__holder_link *links; /* further holders; a node's own parent is in the node */
    uint32_t link_count;
    uint64_t *ids, *id_ends; /* the objects of each node, those of the next behind them: where they end */
    uint32_t *target_nodes; /* the node of each object asked for, targets_followed of them */
    uint64_t targets, targets_followed;
    bool downwards; /* nodes are not holders but what is held: analyze/around.h, which alone counts the next two */
    uint64_t not_followed; /* modules and classes that were met */
    uint64_t keys;         /* references to keys that others hold too: they are no links */
} htrail__holders;

/* ids: the objects asked for. The lookup is used, and has the sentence on failure;
 * opts NULL: defaults. *out is NULL unless the status is OK. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_find(htrail__holders **out, htrail__lookup *lookup, const uint64_t *ids,
                                                     size_t count, const htrail__holders_opts *opts);
void htrail__holders_free(htrail__holders *holders);

static inline uint64_t htrail__holders_first_id(const htrail__holders *holders, uint32_t node)
{
    return node == 0 ? 0 : holders->id_ends[node - 1];
}

#endif
