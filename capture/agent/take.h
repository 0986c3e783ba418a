/* capture/agent/take.h - take one snapshot of this process for a client that asked.
 *
 * The file is the client's: it was opened there and came over the socket. Nothing is
 * renamed or made here. A client that goes away ends the snapshot at the next block, and
 * its file is removed then if it has a path. Without a client (fd -1) nobody is told.
 *
 * Memory: the writer's mapping, taken before the GIL; otherwise static. */
#ifndef HTRAIL_CAPTURE_AGENT_TAKE_H
#define HTRAIL_CAPTURE_AGENT_TAKE_H

#include "capture/agent/file_identity.h"
#include "capture/agent/protocol.h"

/* Answers on the socket: STARTED, PROGRESS..., then DONE or FAILED. request is overwritten with
 * the last of them.
 * true: a whole file was written. The interpreter is attached. May end the thread; see
 * htrail__interpreter_enter. */
bool htrail__take_snapshot(const htrail__file_identity *client, const htrail__file_identity *file,
                           htrail__agent_message *request);

bool htrail__take_client_is_gone(const htrail__file_identity *client);

/* Say FAILED with a sentence. */
void htrail__take_refuse(const htrail__file_identity *client, int status, int os_error, const char *sentence);

#endif
