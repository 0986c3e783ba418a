/* name.h - texts that are names, and only those: see docs/capture.md on what travels. */
#ifndef HTRAIL_NAME_H
#define HTRAIL_NAME_H

#include "capture/python/walk.h"

typedef enum htrail__name_kind {
    NAME_NONE = 0,
    NAME_TYPE,
    NAME_BUILTIN,    /* built-in function or method */
    NAME_DESCRIPTOR, /* slot wrapper, method, member or getset of a type */
    NAME_MODULE,
    NAME_OLD_CLASS   /* of Python 2 */
} htrail__name_kind;

/* The text of a str as UTF-8, without asking Python: into buffer 0 or 1 of the walk where
 * the object does not hold it as such. Cut after TEXT_MAX bytes. Empty for anything else. */
htrail_str htrail__name_text(htrail__walk *k, PyObject *string, int buffer);

/* A str that is interned and an identifier: as a key of a dict it is a name. */
bool htrail__name_is_identifier(PyObject *o);

/* The value under a key that reads name, NULL where there is none; *found_key, unless NULL, is that key. */
PyObject *htrail__name_find(PyObject *dict, const char *name, PyObject **found_key);

void htrail__name_type(htrail__walk *k, PyTypeObject *type, htrail_str *name, htrail_str *module);
#if PY_MAJOR_VERSION < 3
void htrail__name_old_class(htrail__walk *k, PyObject *class, htrail_str *name, htrail_str *module);
#endif
void htrail__name_object(htrail__walk *k, PyObject *o, const htrail__type_info *info);

#endif
