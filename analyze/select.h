/* analyze/select.h - which objects are meant: the OBJECT of `why` and `graph`.
 *
 *     0x7f31c0de1230     the object at this address
 *     id:4711            by its id in the database
 *     type:Logger        all of the type, by its full name or else by the last part of it
 *     module:logging     the modules of this name and their namespaces; those that are not in
 *                        sys.modules under it ("stale") first
 *     where:EXPRESSION   SQL over the object table: where:type = 'dict' AND length > 1000 */
#ifndef HTRAIL_ANALYZE_SELECT_H
#define HTRAIL_ANALYZE_SELECT_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

#include "analyze/text.h"

typedef enum htrail__selector_kind {
    HTRAIL__SELECT_ADDRESS,
    HTRAIL__SELECT_ID,
    HTRAIL__SELECT_TYPE,
    HTRAIL__SELECT_MODULE,
    HTRAIL__SELECT_WHERE
} htrail__selector_kind;

typedef struct htrail__selector {
    htrail__selector_kind kind;
    uint64_t number;  /* ADDRESS, ID */
    const char *text; /* of the others: what stands after the colon; borrowed from the argument */
} htrail__selector;

/* HTRAIL_E_MISUSE, and a sentence, where text is no selector. */
HTRAIL_MUST_CHECK htrail_status htrail__selector_parse(htrail__selector *out, const char *text, char *message, size_t message_cap);

typedef struct htrail__selection {
    uint64_t *ids; /* each once, in the order in which they were found */
    size_t count;
    size_t stale;  /* of the last selector, MODULE: so many of what it added are stale; they come first */
} htrail__selection;

/* Append to out a query whose first column, id, are the objects that selector means: for a larger
 * query of one's own, where ?1 is left for htrail__selector_bind. */
void htrail__selector_query(const htrail__selector *selector, htrail__text *out);
void htrail__selector_bind(const htrail__selector *selector, sqlite3_stmt *statement);

/* Add the objects that selector means to selection, which begins as all zero. HTRAIL_E_NOT_FOUND:
 * there are none; HTRAIL_E_MISUSE: the expression of a WHERE is none; HTRAIL_E_DATABASE. */
HTRAIL_MUST_CHECK htrail_status htrail__select(htrail__selection *selection, sqlite3 *db, const htrail__selector *selector, char *message,
                                               size_t message_cap);
void htrail__selection_release(htrail__selection *selection);

#endif
