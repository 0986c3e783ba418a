/* format/summary.h - the END frame's payload: what the file holds, so that a reader can
 * tell a whole file from one that lost some. */
#ifndef HTRAIL_FORMAT_SUMMARY_H
#define HTRAIL_FORMAT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <htrail/types.h>

enum { HTRAIL__TOTALS = 9, HTRAIL__REASON_MAX = 512, HTRAIL__END_BYTES_MAX = 1024 };

typedef struct htrail__totals {
    uint64_t objects, parts, refs, names, values, types, strings, roots, size_bytes;
} htrail__totals;

typedef struct htrail__end {
    htrail__totals totals;
    uint32_t frame_count; /* before this one */
    uint32_t heads_crc;   /* of all frame heads before this one, one behind the other */
    bool stopped_early;
    htrail_str reason;
} htrail__end;

size_t htrail__end_encode(uint8_t at[HTRAIL__END_BYTES_MAX], const htrail__end *end);
bool htrail__end_decode(htrail__end *end, const uint8_t *data, size_t len);

#endif
