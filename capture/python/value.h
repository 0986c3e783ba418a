/* value.h - what a str or bytes holds, only where the caller asked for it: a keyed hash, the
 * beginning of the text. The key is made once a process and leaves it never; its id is
 * derived from it one-way.
 *
 * An int, float or complex has a hash where a tuple holds it, so that equal tuples are known; every number would
 * double the file of a heap of records. A number that is to have one is NOTED (seen.h): it gets it when it is
 * written, or at once if it is written already. */
#ifndef HTRAIL_VALUE_H
#define HTRAIL_VALUE_H

#include "capture/python/walk.h"

bool htrail__value_key(uint64_t key[2]); /* this process's; false: the kernel has no random bytes */
uint64_t htrail__value_key_id(const uint64_t key[2]);
void htrail__value_add(htrail__walk *k, PyObject *o, const htrail__type_info *info);

/* VALUE_INT and so on; 0: of no exact type of numbers. */
uint8_t htrail__value_number_kind(const PyTypeObject *type);
/* Of the items of a tuple, before they are met, where hashes are asked for. */
void htrail__value_note_items(htrail__walk *k, PyObject **items, Py_ssize_t count);

#endif
