/* serve/http.h - HTTP for one browser on this machine (libmicrohttpd).
 *
 * It listens on 127.0.0.1 alone. A request is answered only if it has the token in its path, which nobody knows who was not
 * told; names this server in its Host header, so that a page of another site whose name was bent to this address
 * is refused; and is GET or HEAD. All else gets one sentence and no answer. A connection has a thread of its own: one that is
 * slow holds up nobody; there are at most HTRAIL__HTTP_CONNECTIONS_MAX, and one on which nothing moves is ended.
 *
 * Order of calls: start, address, stop. The handler is called by several threads at once. */
#ifndef HTRAIL_SERVE_HTTP_H
#define HTRAIL_SERVE_HTTP_H

#include <stdint.h>
#include <htrail/status.h>

#include "serve/request.h"

enum { HTRAIL__HTTP_CONNECTIONS_MAX = 64, HTRAIL__HTTP_IDLE_SECONDS = 20, HTRAIL__HTTP_REQUEST_BYTES_MAX = 64 << 10, HTRAIL__HTTP_ANSWER_BYTES_MAX = 64 << 20 };

typedef struct htrail__http htrail__http;
/* answer->text is initialised and empty. */
typedef void (*htrail__http_handler)(void *arg, const htrail__request *request, htrail__answer *answer);

/* port 0: any that is free. On failure message holds one sentence. */
HTRAIL_MUST_CHECK htrail_status htrail__http_start(htrail__http **out, uint16_t port, htrail__http_handler handler, void *arg, char *message, size_t message_cap);
/* With the token: what to open. Owned by the server. */
const char *htrail__http_address(const htrail__http *http);
/* Waits for the answers that are being made. NULL is allowed. */
void htrail__http_stop(htrail__http *http);

#endif
