/* analyze/texts.h - every text of a snapshot once: text -> number, number -> text.
 *
 * Numbers run from 0, which is the empty text, in the order of first addition. What is
 * stored is valid UTF-8 without NUL, so that SQLite and JSON can carry it: bytes that
 * are not are kept as \xNN. Growth is bounded by bytes_max of init. */
#ifndef HTRAIL_ANALYZE_TEXTS_H
#define HTRAIL_ANALYZE_TEXTS_H

#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/types.h>

typedef struct htrail__texts {
    char *bytes;
    size_t used, capacity, bytes_max;
    uint64_t *starts; /* count + 1 of them */
    uint32_t *hashes;
    uint32_t count, room;
    uint32_t *slots; /* number + 1, 0 empty */
    size_t slot_count;
} htrail__texts;

htrail_status htrail__texts_init(htrail__texts *texts, size_t bytes_max);
/* HTRAIL_OK, E_NOMEM, or E_LIMIT past bytes_max. The text is copied. */
htrail_status htrail__texts_add(htrail__texts *texts, htrail_str text, uint32_t *number);
/* Borrowed until the next add. */
htrail_str htrail__texts_get(const htrail__texts *texts, uint32_t number);
/* HTRAIL_E_NOT_FOUND where it was never added. */
htrail_status htrail__texts_find(const htrail__texts *texts, htrail_str text, uint32_t *number);
void htrail__texts_release(htrail__texts *texts);

#endif
