/* analyze/chain.h - the shortest chain of references from a root to one object, and how
 * people call its steps.
 *
 * The steps are columns of the database (object.holder), so that they can be asked for in
 * a plain sqlite3 shell: htrail__chain_sql. */
#ifndef HTRAIL_ANALYZE_CHAIN_H
#define HTRAIL_ANALYZE_CHAIN_H

#include <stdbool.h>

#include "analyze/lookup.h"
#include "analyze/text.h"

typedef struct htrail__chain {
    bool garbage;                /* no root reaches the object */
    htrail__found_root root;     /* where one does */
    htrail__found_object *steps; /* from what the root holds to the object itself */
    size_t step_count;
} htrail__chain;

/* One row a step, from the root on; ?1 is the object's id. */
extern const char htrail__chain_sql[];
/* The ids of the objects that all chains to it lead through; ?1 likewise. */
extern const char htrail__chain_dominators_sql[];

/* *out is released by the caller, on failure too. */
HTRAIL_MUST_CHECK htrail_status htrail__chain_find(htrail__chain *out, htrail__lookup *lookup, uint64_t id);
void htrail__chain_release(htrail__chain *chain);

#define HTRAIL__ANY_POSITION UINT64_MAX

/* How a reference reads: "['key']", ".attribute", "__globals__", "[3]", "local item"; at
 * HTRAIL__ANY_POSITION "[i]". Adds to out. */
void htrail__chain_label(htrail__text *out, uint32_t ref_kind, htrail_str label, uint64_t position);
/* How the reference of a root reads; most add nothing. */
void htrail__chain_root_label(htrail__text *out, uint32_t root_kind);
/* "atexit callback 3 of 20", "frame run at server.py:65", "sys.modules". */
void htrail__chain_root_text(htrail__text *out, htrail_str kind, htrail_str name);
/* "function logging.shutdown", "module logging", "dict of module logging", "camserver.Frame".
 * holder_type, holder_name and label are those of the object that holds it; may be empty. */
void htrail__chain_object_text(htrail__text *out, htrail_str type, htrail_str name, htrail_str module, htrail_str holder_type,
                               htrail_str holder_name, htrail_str label);

/* Whether an object with this type and name is a class: a metaclass is known by its name alone. */
bool htrail__chain_is_class(htrail_str type, htrail_str name);
/* Whether the label of a VALUE reference stands for a key that was not recorded: "(int)". */
bool htrail__chain_is_unrecorded(htrail_str label);

#endif
