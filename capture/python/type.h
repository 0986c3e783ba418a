/* type.h - what the walk knows of a type: how its objects refer and measure, and the
 * row that describes it in the file. */
#ifndef HTRAIL_TYPE_H
#define HTRAIL_TYPE_H

#include "capture/python/walk.h"

/* Everything in info is about type from here on. */
void htrail__type_describe(htrail__walk *k, PyTypeObject *type, htrail__type_info *info);
void htrail__type_add_row(htrail__walk *k, PyTypeObject *type); /* unless it is written */

#if PY_MAJOR_VERSION < 3
/* An old-style class as the type of its instances, which all are of the one type `instance`
 * otherwise: writes its row unless it is written, and returns its id. */
htrail_id htrail__type_add_old_class(htrail__walk *k, PyObject *class);
#endif

static inline const htrail__type_info *htrail__type_of(htrail__walk *k, PyTypeObject *type)
{
    if (type == k->last_type)
        return k->last_info;
    htrail__type_info *info = &k->infos[((uintptr_t)type >> 4 ^ (uintptr_t)type >> 14) & (INFO_CACHE - 1)];
    if (__builtin_expect(info->type != type, 0))
        htrail__type_describe(k, type, info);
    k->last_type = type;
    k->last_info = info;
    return info;
}

/* Pseudo types: ids below every address that can be an object. */
enum { HTRAIL__TYPE_KEYS = 0x10 };
void htrail__type_add_pseudo(htrail__walk *k, htrail_id id, const char *name);

#endif
