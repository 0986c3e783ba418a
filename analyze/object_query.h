/* analyze/object_query.h - an SQL expression of the user's over the object table, asked of one object at a time.
 *
 *     length > 1000        type = 'dict' AND referrers > 1        size || ' bytes'
 *
 * Order of calls: open, then ask and truth or text for each object; free. */
#ifndef HTRAIL_ANALYZE_OBJECT_QUERY_H
#define HTRAIL_ANALYZE_OBJECT_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/types.h>

typedef struct htrail__object_query htrail__object_query;

/* HTRAIL_E_MISUSE: it is no expression; HTRAIL_E_NOMEM. Both with a sentence. */
HTRAIL_MUST_CHECK htrail_status htrail__object_query_open(htrail__object_query **out, sqlite3 *db, const char *expression, char *message,
                                                          size_t message_cap);
/* False: there is no such object, or it failed; htrail__object_query_failed tells. */
bool htrail__object_query_ask(htrail__object_query *query, uint64_t id);
bool htrail__object_query_truth(const htrail__object_query *query);
/* Empty where it is NULL. Borrowed until the next ask. */
htrail_str htrail__object_query_text(const htrail__object_query *query);
/* A sentence where one of the questions failed, else NULL. */
const char *htrail__object_query_failed(const htrail__object_query *query);
void htrail__object_query_free(htrail__object_query *query);

#endif
