/* viz/tree.h - a picture as text: roots first, below each card what it holds. For .txt, and for when there is no layout.
 *
 *     sys.modules
 *     └━['app']━▶ module app · 4.1 KiB
 *       └━__dict__━▶ dict of module app · 12 items, 4.0 KiB
 *
 * A card that stands above already is named again, without what is below it. */
#ifndef HTRAIL_VIZ_TREE_H
#define HTRAIL_VIZ_TREE_H

#include <stdio.h>
#include <htrail/status.h>
#include "viz/picture.h"

typedef struct htrail__tree_opts {
    size_t columns; /* lines are cut to: names in their middle, and of what is deep the level stands instead of the lines; 0: no limit */
    bool is_ascii;  /* no line is drawn, and no letter written, that ASCII does not know */
} htrail__tree_opts;

HTRAIL_MUST_CHECK htrail_status htrail__tree_write(const htrail__picture *picture, const htrail__tree_opts *opts, FILE *stream);

#endif
