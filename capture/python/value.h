/* value.h - what a str or bytes holds, only where the caller asked for it: a keyed hash, the
 * beginning of the text. The key is made once a process and leaves it never; its id is
 * derived from it one-way. */
#ifndef HTRAIL_VALUE_H
#define HTRAIL_VALUE_H

#include "capture/python/walk.h"

bool htrail__value_key(uint64_t key[2]); /* this process's; false: the kernel has no random bytes */
uint64_t htrail__value_key_id(const uint64_t key[2]);
void htrail__value_add(htrail__walk *k, PyObject *o, const htrail__type_info *info);

#endif
