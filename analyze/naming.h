/* analyze/naming.h - what an object is called and which module it says it belongs to,
 * from names, types and the references that say so. It alone knows how CPython lays
 * these out; a graph of another runtime passes through unchanged.
 *
 * Module of an object, the first that applies: the module of its name record; for a
 * module its name; for a dict that is the __dict__ of a module or class, theirs; for a
 * dict, the value of its key __name__ or else __module__; for a dict that is the
 * __globals__ of functions, that of the first of them; for a frame that of its function's globals
 * or its own; else the module of its type.
 *
 * Names: "module.qualname"; a string, a code object or a cell has no name but a text. */
#ifndef HTRAIL_ANALYZE_NAMING_H
#define HTRAIL_ANALYZE_NAMING_H

#include "analyze/graph.h"

typedef struct htrail__naming {
    uint32_t *module_of; /* by object: text */
    uint32_t *full_name; /* by place in the graph's names: text */
    bool *is_text;       /* by type: what a name says of its objects is their text */
    uint64_t *says_module; /* by object, one bit: see says_module */
} htrail__naming;

/* Also renames the items of a function's __closure__ to CELL references with the name of
 * their variable. HTRAIL_OK, E_NOMEM or E_LIMIT; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__naming_build(htrail__naming *naming, htrail__graph *graph);
void htrail__naming_release(htrail__naming *naming);

/* Whether the module is the object's own and not that of a type which the interpreter brings: it has a name
 * record with one, is a namespace, or an instance of a class that a class statement made. */
static inline bool htrail__naming_says_module(const htrail__naming *naming, uint32_t object)
{
    return naming->says_module[object >> 6] >> (object & 63) & 1;
}

#endif
