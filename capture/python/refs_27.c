/* refs_27.c - kinds of objects that CPython 2.7 alone has, or has in another way. */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION < 3

#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/refs.h"

/* os.stat_result and its like: no tuples yet, nor the collector's, but laid out as one. */
bool htrail__is_struct_sequence(PyTypeObject *type)
{
    return !(type->tp_flags & (Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HEAPTYPE)) && type->tp_itemsize == 0 &&
           (size_t)type->tp_basicsize >= sizeof(PyVarObject) && htrail__name_find(type->tp_dict, "n_sequence_fields", NULL) &&
           htrail__name_find(type->tp_dict, "n_unnamed_fields", NULL);
}

#endif
