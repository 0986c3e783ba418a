/* analyze/near.h - names like one that there is not: "is it app.Response?" Near is the same in another letter
 * case, one that ends with it or begins with it, or one that a few typing errors make of it. */
#ifndef HTRAIL_ANALYZE_NEAR_H
#define HTRAIL_ANALYZE_NEAR_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

enum { HTRAIL__NEAR_MAX = 3, HTRAIL__NEAR_BYTES_MAX = 128 };

/* The nearest so far, the best first. */
typedef struct htrail__near {
    const char *wanted; /* borrowed */
    char names[HTRAIL__NEAR_MAX][HTRAIL__NEAR_BYTES_MAX];
    unsigned distances[HTRAIL__NEAR_MAX];
    size_t count;
} htrail__near;

/* Look at one more name. Longer ones than HTRAIL__NEAR_BYTES_MAX are none. */
void htrail__near_look(htrail__near *near, const char *name);
/* All that a query gives in its first column; ?1, where it has one, is bound to `bound`. What fails finds nothing. */
void htrail__near_look_in(htrail__near *near, sqlite3 *db, const char *sql, const char *bound);
/* Append to a sentence: ": is it a, b or c?"; nothing where there is none. */
void htrail__near_append(const htrail__near *near, char *message, size_t message_cap);

#endif
