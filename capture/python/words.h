/* words.h - names for words of objects whose type, written in C, shows no members for them: which
 * of a Task's references is its coroutine. They decorate what tp_traverse visits and never add to it, and
 * hold for a type by its name and its exact size; any other gets offsets. */
#ifndef HTRAIL_WORDS_H
#define HTRAIL_WORDS_H

#include "capture/python/cpython.h"

#include <stdint.h>

typedef struct htrail__word {
    const char *type; /* as C code named it; the entries of a type stand together */
    uint16_t basic_bytes, offset;
    const char *name;
} htrail__word;

/* The first entry of a type, NULL where it has none. */
const htrail__word *htrail__words_of(PyTypeObject *type);
/* The entry for the word at offset; words may be NULL. */
const htrail__word *htrail__words_find(const htrail__word *words, size_t offset);

#endif
