/* fields.h - which words of a built-in object are references, and what Python calls them.
 * A table a type, in fields_311.c; a kind of object with such a table and nothing else
 * needs no code of its own. */
#ifndef HTRAIL_FIELDS_H
#define HTRAIL_FIELDS_H

#include "capture/python/walk.h"

enum {
    FIELD_NAME = 1 << 0,  /* a str there serves as a name: its text travels */
    FIELD_EXTRA = 1 << 1, /* tp_traverse does not visit it, the reference is real all the same */
    FIELD_LAST = 1 << 2
};

typedef struct htrail__field {
    uint16_t offset;
    uint8_t label; /* htrail__label_name */
    uint8_t kind;  /* htrail_ref_kind */
    uint8_t flags;
} htrail__field;

/* The fields of base, a type that has a tp_traverse of its own; NULL: none are known. Where
 * *complete is set they are all that there is, and tp_traverse need not be asked. */
const htrail__field *htrail__fields_of(PyTypeObject *base, bool *complete);

#endif
