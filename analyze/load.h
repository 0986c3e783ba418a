/* analyze/load.h - an .htrail into a new SQLite database: read, search, name, write.
 *
 * Arrays first (analyze/graph.h, reach.h, naming.h), then the small tables through SQL and
 * the large ones as pages (analyze/btree.h). Memory: about 200 bytes an object at
 * 2.4 references each at the peak, all given back. */
#ifndef HTRAIL_ANALYZE_LOAD_H
#define HTRAIL_ANALYZE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/reader.h>

typedef struct htrail__load_source {
    const char *name;    /* what sentences and the snapshot table call it */
    uint64_t file_bytes; /* 0: not known (a pipe) */
    void (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL */
    void *progress_arg;
    bool needs_objects; /* fail where there is none */
} htrail__load_source;

/* Why there is nothing in a snapshot without objects, a sentence of one's own: cut at offset
 * file_bytes, or ended early by its writer with the reason stopped (NULL: not), or neither. */
void htrail__load_say_empty(char *message, size_t message_cap, const char *name, bool is_cut, uint64_t file_bytes,
                            const char *stopped);

/* Write the database db_path, which is there only when the whole of it is: until then it is
 * db_path.PID.partial, and the next load removes what one that was killed left. An existing one is
 * replaced. The reader stays the caller's. On failure nothing is left behind and message holds why. */
HTRAIL_MUST_CHECK htrail_status
htrail__load(htrail_reader *reader, const htrail__load_source *source, const char *db_path, char *message,
             size_t message_cap);

#endif
