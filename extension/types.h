/* extension/types.h - the types of a snapshot as they come: their address to their name and what is summed of them. */
#ifndef HTRAIL_EXTENSION_TYPES_H
#define HTRAIL_EXTENSION_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include <htrail/status.h>
#include <htrail/types.h>

typedef struct htrail__scan_type {
    uint64_t address, base, basic_bytes, item_bytes, objects, size_bytes;
    char *name;           /* `dict`, `module.QualName`: as the database calls it */
    char *module, *qualname;
    uint32_t flags;
    bool is_wanted;       /* by a filter on the type */
} htrail__scan_type;

typedef struct htrail__types {
    htrail__scan_type *items;
    uint32_t *slots;      /* number + 1 */
    uint32_t count, room, slot_count;
    uint64_t last_address;
    uint32_t last;        /* number of the type looked up last, which is often the next one */
} htrail__types;

/* HTRAIL_OK or HTRAIL_E_NOMEM. A type that is known already says nothing new. wanted: the name that a filter
 * asks for, NULL: all are wanted. */
HTRAIL_MUST_CHECK htrail_status htrail__types_add(htrail__types *types, const htrail_type *type, const char *wanted);
/* The number of a type; one that the file never told of is called after its address. */
HTRAIL_MUST_CHECK htrail_status htrail__types_find(htrail__types *types, uint64_t address, const char *wanted, uint32_t *number);
void htrail__types_release(htrail__types *types);

#endif
