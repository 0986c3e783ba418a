/* format/columns.h - how many columns of a terminal one character takes. A table of our own: what a locale
 * knows of it differs from machine to machine, and what is printed does not. */
#ifndef HTRAIL_FORMAT_COLUMNS_H
#define HTRAIL_FORMAT_COLUMNS_H

#include <stdint.h>

/* 2: wide (East Asian, emoji); 0: it stands on the character before it; otherwise 1. */
unsigned htrail__columns_of(uint32_t point);

#endif
