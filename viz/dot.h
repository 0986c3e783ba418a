/* viz/dot.h - a picture as a graph of libcgraph: bare, to be laid out, or with its texts,
 * to be written as a .dot file. */
#ifndef HTRAIL_VIZ_DOT_H
#define HTRAIL_VIZ_DOT_H

#include <stdio.h>
#include <htrail/status.h>
#include "viz/picture.h"

struct Agraph_s;

/* Boxes and nothing else: no text of a heap ever goes into a layout. Node i is "nI", edge
 * i has the key "eI" and, where it is labelled, an empty box of the label's size. NULL
 * without memory; agclose when done. */
struct Agraph_s *htrail__dot_boxes(const htrail__picture *picture);

/* A .dot file that dot and xdot open. */
HTRAIL_MUST_CHECK htrail_status htrail__dot_write(const htrail__picture *picture, FILE *stream);

#endif
