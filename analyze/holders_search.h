/* analyze/holders_search.h - what the parts of the search for holders share (analyze/holders*.c); nobody
 * else includes it.
 *
 * members: every object met, with its shape. An object's shape is that of its holder and
 * one step more; a chain is climbed until a known object, then shapes are given downwards,
 * so that each object is looked up once and nothing is recursive.
 *
 * In order: the chains of what was asked for (holders.c, holders_members.c), names that are told apart
 * (holders_names.c), nodes (holders_nodes.c), other holders of each (holders_others.c). */
#ifndef HTRAIL_ANALYZE_HOLDERS_SEARCH_H
#define HTRAIL_ANALYZE_HOLDERS_SEARCH_H

#include "analyze/holders.h"

#define HTRAIL__NO_MEMBER UINT32_MAX

typedef struct htrail__holders_member {
    htrail__found_object object;
    uint32_t holder; /* member, or HTRAIL__NO_MEMBER */
    uint32_t nameless; /* its shape among those without names of objects */
    uint32_t shape;    /* HTRAIL__NO_SHAPE until the names on the chains of all targets are counted */
    uint32_t seen;   /* number of the search that last met it */
    bool used;       /* on a chain that is kept */
    bool merged;     /* far from both ends of a chain, where all else has a node of its own */
    bool target;
} htrail__holders_member;

/* A holder of a node's object, other than its chain's. */
typedef struct htrail__holders_other {
    uint32_t shape, ref_kind, label; /* of the holder, and of its reference */
    uint32_t member;                 /* the holder; HTRAIL__NO_MEMBER: a root */
    uint32_t root_name;
    uint32_t held; /* member: the node's object */
} htrail__holders_other;

typedef struct htrail__holders_search {
    htrail__holders *out;
    htrail__lookup *lookup;
    htrail__holders_opts opts;
    htrail__holders_member *members;
    uint32_t member_count, member_room;
    uint32_t *slots; /* member + 1 */
    uint32_t slot_count;
    uint32_t *stack;
    size_t stack_room;
    htrail__shapes nameless;
    uint32_t *nameless_names; /* how many names there are, by nameless shape */
    uint32_t nameless_counted;
    bool names_counted;
    uint32_t *node_of; /* by shape */
    uint32_t node_of_room, node_room, link_room;
    htrail__holders_other *others;
    size_t other_count, other_room;
    uint32_t *queue;
    size_t queue_room;
    uint32_t searches; /* the number of the present search */
    size_t looked_at, looked_at_max; /* objects: so far, and until the present search ends */
} htrail__holders_search;

/* Room for one more in an array of at most 2^32 - 1. */
bool htrail__holders_grow(void *array, uint32_t *room, uint32_t count, size_t size);
/* The member with this id, or HTRAIL__NO_MEMBER. */
uint32_t htrail__holders_find_member(const htrail__holders_search *s, uint64_t id);
/* A member that is none yet. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_add_member(htrail__holders_search *s, const htrail__found_object *object, uint32_t *out);
/* The member with this id, its chain followed. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_resolve(htrail__holders_search *s, uint64_t id, uint32_t *out);
/* The sys.modules dict and a frame are their roots: one card, not two. */
bool htrail__holders_root_is_object(uint32_t root_kind);
/* ... but a frame root may hold a generator, a coroutine or any other object that is none of its kind. */
bool htrail__holders_is_root_itself(const htrail__holders_search *s, uint32_t root_kind, const htrail__found_object *object);
/* The holder has its shape. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_give_shape(htrail__holders_search *s, htrail__holders_member *m);
HTRAIL_MUST_CHECK htrail_status htrail__holders_root_shape(htrail__holders_search *s, htrail__shapes *shapes, const htrail__found_root *root, uint32_t *out);

/* All members have their nameless shapes: count the names in each, then give the shapes. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_name_members(htrail__holders_search *s);
/* How many names the objects of each node have. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_count_names(htrail__holders_search *s);

/* The node of a shape that is used, made with those above it where there is none. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_node_for(htrail__holders_search *s, uint32_t shape, uint32_t *out);
HTRAIL_MUST_CHECK htrail_status htrail__holders_note_root_name(htrail__holders_search *s, uint32_t shape, uint32_t name);
void htrail__holders_count_object(htrail__holder_node *node, const htrail__found_object *object);
/* Count the chain of a member, up to what was counted before. is_other: it is the chain of a further holder. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_use(htrail__holders_search *s, uint32_t index, bool is_other);

/* Members on kept chains, those of one node side by side: those of node i begin at starts[i]. Both are the caller's to free,
 * on failure too. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_list_members(const htrail__holders_search *s, uint32_t nodes, uint32_t **starts, uint32_t **list);
/* The same as ids, for who reads the holders. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_list_ids(htrail__holders_search *s);
/* Who else holds the objects of the nodes: of the chains that were asked for, then (others) of those of other holders. */
HTRAIL_MUST_CHECK htrail_status htrail__holders_search_others(htrail__holders_search *s, bool others);

/* When all chains are used: what the objects of each node retain together (holders_retained.c). */
HTRAIL_MUST_CHECK htrail_status htrail__holders_sum_retained(htrail__holders_search *s);

#endif
