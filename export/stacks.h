/* export/stacks.h - the heap as a profile: the stack of an object is the chain of what dominates it, from its root on, and it
 * weighs its own bytes; so a frame's whole weight is what it retains. Objects whose stacks read the same are one.
 *
 * A frame says type and name (`module app`, `function app.run`), and under which label its dominator holds it (`list .kept`) where that
 * is few enough to look at. Frames of a kind one below the other (a linked list) are one, and a stack has an end. */
#ifndef HTRAIL_EXPORT_STACKS_H
#define HTRAIL_EXPORT_STACKS_H

#include "analyze/texts.h"
#include "export/job.h"

typedef struct htrail__export_node {
    uint32_t parent;   /* place; 0: the first, which is no frame */
    uint32_t frame;    /* number of a text */
    uint32_t children, depth;
    uint64_t count, size_bytes; /* of objects that end here */
} htrail__export_node;

typedef struct htrail__export_stacks {
    htrail__texts texts;
    htrail__export_node *nodes; /* a parent before its children; from 1 on */
    size_t node_count;
} htrail__export_stacks;

bool htrail__export_stacks_build(htrail__export_job *job, htrail__export_stacks *stacks);
/* The last step of build: depth first, the heaviest first. */
bool htrail__export_stacks_order(htrail__export_job *job, htrail__export_stacks *stacks);
void htrail__export_stacks_release(htrail__export_stacks *stacks);

#endif
