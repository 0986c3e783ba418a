/* extension/scan.h - one pass over a snapshot, from its first byte to its last: the records that a kind of table
 * (kind.h) asks for become rows. Nothing of the heap is kept but the types and, where labels of references are
 * asked for, the names: a file may be larger than memory.
 *
 * Order of calls: open, next until it does not return HTRAIL_OK, free. After an open that failed, error has why.
 *
 * Errors: HTRAIL_END after the last row. A file that is cut is HTRAIL_E_TRUNCATED after the rows that are there,
 * unless is_partial says that those are what is wanted. The sentence is in htrail__scan_error. */
#ifndef HTRAIL_EXTENSION_SCAN_H
#define HTRAIL_EXTENSION_SCAN_H

#include <stdbool.h>

#include <htrail/reader.h>

#include "extension/names.h"
#include "extension/types.h"

struct htrail__kind;

/* What a question narrows a scan to; all rows where nothing is set. */
typedef struct htrail__filter {
    const char *type; /* full name; NULL: any. Borrowed while the scan is open */
    uint64_t first_address, last_address;
    bool has_addresses;
} htrail__filter;

typedef struct htrail__scan {
    const struct htrail__kind *kind;
    htrail__filter filter;
    htrail_reader *reader;
    htrail_record record;
    bool is_partial;
    htrail__types types;
    htrail__names names, contents, parts; /* filled where labels are wanted: texts, and objects that come in parts */
    uint32_t type;           /* of the object that the record is */
    uint64_t row;            /* from 1 */
    uint32_t ref;            /* which of the object's references the row is */
    uint64_t key;            /* of a value: its key's object */
    uint64_t next_index, next_stack, position;
    uint64_t objects, references, type_records, strings, name_records, values, roots, size_bytes, file_bytes;
    htrail__texts_map meta;  /* key to value; kept for the table of facts */
    char message[512];       /* of a failure, or why the file is cut */
    htrail_status status;
    bool is_cut;
} htrail__scan;

enum htrail__scan_wants {
    HTRAIL__WANTS_LABELS = 1 << 0, /* a pass of its own finds the names first */
    HTRAIL__WANTS_PARTIAL = 1 << 1
};

/* filter and kind are borrowed until free. */
HTRAIL_MUST_CHECK htrail_status htrail__scan_open(htrail__scan *scan, const char *path, const struct htrail__kind *kind,
                                                  const htrail__filter *filter, uint32_t wants);
HTRAIL_MUST_CHECK htrail_status htrail__scan_next(htrail__scan *scan);
const char *htrail__scan_error(const htrail__scan *scan);
void htrail__scan_free(htrail__scan *scan);

#endif
