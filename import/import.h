/* import/import.h - heaps of other tools as snapshots of ours.
 *
 * One call: it looks at the beginning of the file, picks the format, reads and writes. The output appears
 * only when it is whole (htrail/writer.h). A file that is cut is imported up to there where its format allows, and the snapshot then says
 * so (htrail_writer_stopped_early: *cut of the result); anything else that is wrong with it refuses it.
 *
 * Trust: files are hostile. Memory grows with what was read, never with a number that the file states. */
#ifndef HTRAIL_IMPORT_IMPORT_H
#define HTRAIL_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/writer.h>

typedef struct htrail__import_opts {
    const char *format;  /* a name of htrail__import_formats; NULL: as the file begins */
    bool with_contents;  /* values of strings, where the format has them */
} htrail__import_opts;

typedef struct htrail__import_result {
    const char *format;  /* static; NULL: unknown */
    uint64_t objects, references, roots, size_bytes;
    char cut[512];       /* the file ended early; one sentence */
} htrail__import_result;

/* One sentence, naming the file, in message on any status but OK. */
htrail_status htrail__import(const char *path, const char *output, const htrail__import_opts *opts, htrail__import_result *result,
                             char *message, size_t message_cap);

/* The same into a writer that was just opened, which is finished then and still the caller's to free. */
htrail_status htrail__import_to(htrail_writer *writer, const char *path, const htrail__import_opts *opts, htrail__import_result *result,
                                char *message, size_t message_cap);

/* Name and what it is, in pairs; ends in NULL. */
extern const char *const htrail__import_formats[];

#endif
