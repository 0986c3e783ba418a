/* analyze/suppress.h - what is known and accepted: patterns of a file, one a line.
 *
 *     # the cache of prices is bounded since 4.2
 *     app.prices*                   the place of a verdict, its Python expression, or its whole chain
 *     type:app.Session              the type of what gathers
 *     kind:threads                  container, spread, linked, length, root, c code, garbage, threads, modules
 *
 * `*` stands for any text, `?` for one character; all else for itself. Blanks around a pattern are no part of it.
 *
 * Order of calls: read, match..., unused, release. */
#ifndef HTRAIL_ANALYZE_SUPPRESS_H
#define HTRAIL_ANALYZE_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <htrail/status.h>

typedef struct htrail__suppression {
    char *pattern;
    unsigned line;
    bool used;
} htrail__suppression;

typedef struct htrail__suppressions {
    htrail__suppression *items;
    size_t count;
} htrail__suppressions;

/* message holds a sentence where the status is not HTRAIL_OK; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__suppressions_read(htrail__suppressions *out, const char *file, char *message, size_t message_cap);
/* The first that matches, marked as used; NULL: none. places and types (full names) end in NULL. */
const htrail__suppression *htrail__suppressions_match(htrail__suppressions *suppressions, const char *const *places, const char *const *types, const char *kind);
void htrail__suppressions_release(htrail__suppressions *suppressions);

/* Whether all of text is as pattern says. */
bool htrail__wildcard_matches(const char *pattern, const char *text);

#endif
