/* serve/ask.h - a query of the user's own: read, and bounded in rows, time and bytes.
 *
 * An authorizer lets it select and nothing else: no ATTACH, no PRAGMA but those that describe a table, no write, not
 * into temporary tables either, no load_extension. A time limit ends it wherever it is. */
#ifndef HTRAIL_SERVE_ASK_H
#define HTRAIL_SERVE_ASK_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>

#include "serve/request.h"

enum { HTRAIL__ASK_CELL_LETTERS = 2000, HTRAIL__ASK_VALUE_BYTES = 16 << 20, HTRAIL__ASK_ANSWER_BYTES = 8 << 20 };

typedef struct htrail__ask_limits {
    uint64_t rows, milliseconds;
} htrail__ask_limits;

/* Answers {"columns": [...], "rows": [[...]], "more": bool, "ms": n}, or {"error": "..."} with the same status:
 * the question was answered, with what SQLite says of it. db: a connection for this query alone. *stop ends it. */
void htrail__ask(sqlite3 *db, const char *query, const htrail__ask_limits *limits, const atomic_bool *stop, htrail__answer *answer);

#endif
