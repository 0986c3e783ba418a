/* refs_27.c - kinds of objects that CPython 2.7 alone has. */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION < 3

#include <structseq.h>

#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/refs.h"

/* os.stat_result and its like: no tuples yet, nor the collector's. Items that cannot be seen by
 * their place lie behind those that can; some have no name. */
bool htrail__is_struct_sequence(PyTypeObject *type)
{
    return !(type->tp_flags & (Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HEAPTYPE)) && type->tp_itemsize == 0 &&
           (size_t)type->tp_basicsize >= sizeof(PyVarObject) && htrail__name_find(type->tp_dict, "n_sequence_fields", NULL) &&
           htrail__name_find(type->tp_dict, "n_unnamed_fields", NULL);
}

uint64_t htrail__refs_struct_sequence(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    PyObject **items = ((PyStructSequence *)o)->ob_item;
    size_t count = ((size_t)info->base->tp_basicsize - offsetof(PyStructSequence, ob_item)) / sizeof *items;
    for (size_t i = 0; i < count; i++) {
        if (!items[i])
            continue;
        htrail_label label = htrail__label_member(k, info->base, offsetof(PyStructSequence, ob_item) + i * sizeof *items);
        htrail__push(k, items[i], label ? label : (htrail_label)i + 1, label ? HTRAIL_REF_FIELD : HTRAIL_REF_INDEX);
    }
    return 0;
}

#endif
