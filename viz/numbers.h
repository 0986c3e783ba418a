/* viz/numbers.h - numbers as people read them, the same in every locale. */
#ifndef HTRAIL_VIZ_NUMBERS_H
#define HTRAIL_VIZ_NUMBERS_H

#include <stdint.h>
#include "analyze/text.h"

/* 1,234,567 */
void htrail__numbers_add(htrail__text *out, uint64_t number);
/* 512 B, 5.2 MiB */
void htrail__numbers_add_bytes(htrail__text *out, uint64_t bytes);

#endif
