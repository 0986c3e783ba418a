/* format/output.h - where a writer's bytes go: a file that appears only when it is
 * whole, a file descriptor, or a sink of the caller's. Allocates nothing. */
#ifndef HTRAIL_FORMAT_OUTPUT_H
#define HTRAIL_FORMAT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <htrail/writer.h>

enum { HTRAIL__PATH_MAX = 4096, HTRAIL__MESSAGE_MAX = 5120 };

typedef struct htrail__output {
    htrail_sink sink;
    int fd;
    bool owns_fd;
    bool is_stream;                      /* who reads it may stand still; we do not wait for that */
    int os_error;                        /* of the last failure, 0 for none */
    char path[HTRAIL__PATH_MAX];         /* empty where it is no file of ours */
    char partial_path[HTRAIL__PATH_MAX];
    char message[HTRAIL__MESSAGE_MAX];   /* why the last call failed */
} htrail__output;

htrail_status htrail__output_open_path(htrail__output *o, const char *path);
void htrail__output_open_fd(htrail__output *o, int fd);
void htrail__output_open_sink(htrail__output *o, const htrail_sink *sink);

htrail_status htrail__output_write(htrail__output *o, const void *data, size_t len);
/* The bytes are all there: the file gets its name. */
htrail_status htrail__output_commit(htrail__output *o, bool fsync_first);
/* Close; what was not committed is removed. May be called more than once. */
void htrail__output_close(htrail__output *o);

#endif
