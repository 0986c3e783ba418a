/* format/rows.h - the row sections: metadata, strings, types, roots, threads, frames,
 * mappings. A row is its length, then its fields; a reader skips what stands behind the fields it knows, so
 * that later versions may add some. */
#ifndef HTRAIL_FORMAT_ROWS_H
#define HTRAIL_FORMAT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <htrail/types.h>

#include "format/wire.h"

/* Most bytes of a row's numbers; its texts come on top. */
enum { HTRAIL__ROW_NUMBERS_MAX = 12 * HTRAIL__VARINT_MAX };

/* Addresses in a section are coded from the one before; zero at its beginning. */
typedef struct htrail__row_state {
    uint64_t last_id, last_thread;
} htrail__row_state;

/* Write one row behind at, where there is room for HTRAIL__ROW_NUMBERS_MAX and the texts. Returns
 * the byte behind. */
uint8_t *htrail__put_meta(uint8_t *at, htrail_str key, htrail_str value);
uint8_t *htrail__put_string(uint8_t *at, uint32_t id, htrail_str text);
uint8_t *htrail__put_type(uint8_t *at, htrail__row_state *state, const htrail_type *type);
uint8_t *htrail__put_root(uint8_t *at, htrail__row_state *state, const htrail_root *root);
uint8_t *htrail__put_thread(uint8_t *at, htrail__row_state *state, const htrail_thread *thread);
uint8_t *htrail__put_frame(uint8_t *at, htrail__row_state *state, const htrail_frame *frame);
uint8_t *htrail__put_mapping(uint8_t *at, htrail__row_state *state, const htrail_mapping *mapping);
uint8_t *htrail__put_site(uint8_t *at, const htrail_site *site);
uint8_t *htrail__put_site_of(uint8_t *at, htrail__row_state *state, const htrail_site_of *block);

/* Read one row; texts are borrowed from the run. False where it makes no sense. */
bool htrail__next_meta(htrail__cursor *in, htrail_str *key, htrail_str *value);
bool htrail__next_string(htrail__cursor *in, uint32_t *id, htrail_str *text);
bool htrail__next_type(htrail__cursor *in, htrail__row_state *state, htrail_type *type);
bool htrail__next_root(htrail__cursor *in, htrail__row_state *state, htrail_root *root);
bool htrail__next_thread(htrail__cursor *in, htrail__row_state *state, htrail_thread *thread);
bool htrail__next_frame(htrail__cursor *in, htrail__row_state *state, htrail_frame *frame);
bool htrail__next_mapping(htrail__cursor *in, htrail__row_state *state, htrail_mapping *mapping);
bool htrail__next_site(htrail__cursor *in, htrail_site *site);
bool htrail__next_site_of(htrail__cursor *in, htrail__row_state *state, htrail_site_of *block);

#endif
