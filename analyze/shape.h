/* analyze/shape.h - chains merged: objects that are held in the same way are one shape.
 *
 * A shape is a step of a chain by (holder's shape, kind and name of the reference, type,
 * name): the 7,560 frames that sit in the queues of 42 clients are one. Shapes are a
 * tree, its roots the roots of the heap; a parent always has the smaller number.
 *
 *     sys.modules -['app']- module app -__dict__- dict -['CLIENTS']- list -[i]- Client
 *
 * A chain that repeats itself (a linked list, a tree of nodes) is folded: a step that
 * equals one a few steps above, holders included, is that one. */
#ifndef HTRAIL_ANALYZE_SHAPE_H
#define HTRAIL_ANALYZE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

#define HTRAIL__NO_SHAPE UINT32_MAX

typedef struct htrail__shape {
    uint32_t parent;      /* HTRAIL__NO_SHAPE: a root */
    uint32_t root_kind;   /* of a root: htrail_root_kind, HTRAIL__ROOT_GARBAGE; else 0 */
    uint32_t ref_kind, label; /* of the reference from the parent; positions are left out */
    uint32_t type, name, module; /* texts; of a root: name is its name without numbers */
    uint32_t object;      /* where nothing is merged: the one object, by its id; else 0 */
    bool is_titled;       /* name is all that it is called */
    bool is_root_object;  /* ... and it is a root itself */
    bool folded;          /* holds objects of its own shape */
    uint32_t next;        /* in the table */
} htrail__shape;

typedef struct htrail__shapes {
    htrail__shape *shapes;
    uint32_t count, room;
    uint32_t *slots;
    uint32_t slot_count; /* a power of two */
    uint32_t guess;      /* the one that is asked for next, where shapes are asked for in the order in which they were made; else any */
    uint32_t fold_steps; /* how far above a step is looked for that it repeats; init sets HTRAIL__SHAPE_FOLD_STEPS */
} htrail__shapes;

enum { HTRAIL__ROOT_GARBAGE = 1000, HTRAIL__SHAPE_FOLD_STEPS = 6 };

htrail_status htrail__shapes_init(htrail__shapes *shapes);
/* The shape with these keys (parent to module), made where there is none. */
htrail_status htrail__shapes_intern(htrail__shapes *shapes, const htrail__shape *key, uint32_t *out);
/* Whether ancestor is shape or above it. */
bool htrail__shapes_is_below(const htrail__shapes *shapes, uint32_t shape, uint32_t ancestor);
void htrail__shapes_release(htrail__shapes *shapes);

#endif
