/* format/input.h - where a reader's bytes come from: a file, memory, a source of the
 * caller's; and what a sentence about them needs: name and offset. */
#ifndef HTRAIL_FORMAT_INPUT_H
#define HTRAIL_FORMAT_INPUT_H

#include <htrail/reader.h>

typedef struct htrail__input {
    htrail_source source;
    uint64_t offset; /* bytes consumed */
} htrail__input;

/* name is for messages. On failure the input needs no close. */
htrail_status htrail__input_open_path(htrail__input *input, const char *path, char *message, size_t message_cap);
htrail_status htrail__input_open_memory(htrail__input *input, const void *data, size_t len);
void htrail__input_open_source(htrail__input *input, const htrail_source *source);
void htrail__input_close(htrail__input *input);

/* Exactly len bytes: OK; none left: END; fewer: E_TRUNCATED; E_IO: *error is the errno. */
htrail_status htrail__input_read(htrail__input *input, void *to, size_t len, int *error);

#endif
