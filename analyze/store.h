/* analyze/store.h - a snapshot as a SQLite database, wherever it stands: FILE may be
 * an .htrail, an .htrail cut short (X.partial), a loaded .db, or "-" (standard input).
 *
 * An .htrail is loaded once into FILE.db beside it (a.htrail.db) or, where that folder
 * cannot be written, under $XDG_CACHE_HOME/heaptrail/; the database is used again while
 * file id, size and schema version fit. Standard input is loaded into a temporary
 * database that goes with the store.
 *
 * Order of calls: open, db, free. The database is opened for reading only.
 * Tables and views: docs/schema.md.
 *
 * Errors: *out is NULL unless the status is HTRAIL_OK, and message then holds one
 * sentence. Nothing half-written stays behind. */
#ifndef HTRAIL_ANALYZE_STORE_H
#define HTRAIL_ANALYZE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sqlite3.h>
#include <htrail/status.h>

enum { HTRAIL__MESSAGE_BYTES = 1024 };

/* Called now and then while loading. total is 0 where it is not known (a pipe). */
typedef void (*htrail__progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes);

typedef struct htrail__store_opts {
    htrail__progress progress; /* may be NULL */
    void *progress_arg;
    uint64_t memory_max_bytes; /* of resident memory while loading: analyze/resident.h. 0: what HEAPTRAIL_MEMORY says, or no limit */
    bool needs_objects; /* a snapshot without any is a failure, HTRAIL_E_TRUNCATED: it answers nothing */
} htrail__store_opts;

typedef struct htrail__store htrail__store;

/* HEAPTRAIL_MEMORY: a number of bytes with K, M or G after it, for commands that load by the way; 0: not given.
 * HTRAIL_E_MISUSE: it is none, or less than a load needs, with a sentence. */
HTRAIL_MUST_CHECK htrail_status htrail__store_memory_limit(uint64_t *limit, char *message, size_t message_cap);

/* opts may be NULL. */
HTRAIL_MUST_CHECK htrail_status
htrail__store_open(htrail__store **out, const char *file, const htrail__store_opts *opts, char *message,
                   size_t message_cap);

/* Owned by the store. */
sqlite3 *htrail__store_db(const htrail__store *store);
/* Another connection to it, for reading too, which the caller closes: what another thread asks through. NULL: it cannot be opened. */
sqlite3 *htrail__store_connect(const htrail__store *store);
/* Where the database is: for ATTACH and for messages. Owned by the store. */
const char *htrail__store_path(const htrail__store *store);
/* A sentence for the user where the snapshot is not whole ("'a.htrail' is cut at offset
 * 4711: ..."), else NULL. Owned by the store. */
const char *htrail__store_warning(const htrail__store *store);
/* NULL is allowed. */
void htrail__store_free(htrail__store *store);

/* Whether FILE is an SQLite database, by its content. */
bool htrail__store_is_database(const char *file);

/* Load an .htrail ("-": standard input) into the database db_path, written as
 * db_path.PID.partial and renamed when it is whole. */
HTRAIL_MUST_CHECK htrail_status
htrail__store_load(const char *file, const char *db_path, const htrail__store_opts *opts, char *message,
                   size_t message_cap);

#endif
