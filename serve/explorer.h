/* serve/explorer.h - the questions about objects that a page asks of loaded snapshots, and their answers in JSON.
 *
 * Each question has a connection of its own, which can read only: none waits for another, and none changes anything. Lists come
 * a page at a time; the next one begins where the last one ended, by its key, so that a page costs the same however far
 * down it is. The orders that no index gives (serve/ranking.h) are built by a thread of the explorer's, the last snapshot's
 * first; until they are there such questions are answered "later".
 *
 * Order of calls: open, answer (from any thread), close. */
#ifndef HTRAIL_SERVE_EXPLORER_H
#define HTRAIL_SERVE_EXPLORER_H

#include <htrail/status.h>

#include "analyze/store.h"
#include "serve/ask.h"
#include "serve/request.h"

typedef struct htrail__explorer htrail__explorer;

/* Stores are borrowed until close. */
HTRAIL_MUST_CHECK htrail_status htrail__explorer_open(htrail__explorer **out, htrail__store *const *stores, size_t count, const htrail__ask_limits *limits);
/* request->path: object, chain, dominators, fields, referrers, let_go, dominated, type, figures, holders, types, find, sql. docs/serve.md has their parameters. */
void htrail__explorer_answer(htrail__explorer *explorer, const htrail__request *request, htrail__answer *answer);
/* Questions that are being answered end soon after; call it before those who ask are waited for. */
void htrail__explorer_stop(htrail__explorer *explorer);
/* NULL is allowed. */
void htrail__explorer_close(htrail__explorer *explorer);

#endif
