/* import/source.h - the bytes of a file of another tool, from the front to the end, as often as wanted; a gzip is
 * read as what is in it.
 *
 * Trust: nothing is believed of the file. A window of fixed size holds what is looked at; what is longer is taken in
 * parts. The first failure stays (source->failed), and everything after it is as if the file ended there.
 * Offsets are those in the unpacked bytes. */
#ifndef HTRAIL_IMPORT_SOURCE_H
#define HTRAIL_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

enum { HTRAIL__SOURCE_WINDOW_BYTES = 1 << 20, HTRAIL__SOURCE_MESSAGE_BYTES = 512 };

typedef struct htrail__source htrail__source;

/* *out is NULL unless the status is OK; message then says why, without the file's name. */
htrail_status htrail__source_open(htrail__source **out, const char *path, char *message, size_t message_cap);
void htrail__source_free(htrail__source *source);
/* Back to the front. false: it cannot be read again, and source_error says why. */
bool htrail__source_rewind(htrail__source *source);

/* At least one byte, and wanted ones (at most the window's size) unless the file ends before: *len is how many there are. NULL at
 * the end. Valid until the next call. */
const uint8_t *htrail__source_look(htrail__source *source, size_t wanted, size_t *len);
/* Past count bytes; false where the file ends before. */
bool htrail__source_skip(htrail__source *source, uint64_t count);
uint64_t htrail__source_offset(const htrail__source *source);
/* Why reading failed (a read error, a broken gzip), "" where the file merely ended. */
const char *htrail__source_error(const htrail__source *source);

/* Exactly len bytes (at most the window's size), gone past; NULL where there are not as many. */
static inline const uint8_t *htrail__source_take(htrail__source *source, size_t len)
{
    size_t there = 0;
    const uint8_t *data = htrail__source_look(source, len, &there);
    return data != NULL && there >= len && htrail__source_skip(source, len) ? data : NULL;
}

#endif
