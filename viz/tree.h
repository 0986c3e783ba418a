/* viz/tree.h - a picture as text: each card, and below it what it holds. For when there is
 * no layout. */
#ifndef HTRAIL_VIZ_TREE_H
#define HTRAIL_VIZ_TREE_H

#include <stdio.h>
#include "viz/picture.h"

void htrail__tree_write(const htrail__picture *picture, FILE *stream);

#endif
