/* ndarray.c - see ndarray.h. */
#include "capture/python/ndarray.h"

#include "capture/python/refs.h"

enum { TYPE_NUMBER_OFFSET = 28, OBJECT_TYPE_NUMBER = 17 }; /* PyArray_Descr.type_num, NPY_OBJECT */

static uint64_t objects_in(const htrail__ndarray *a)
{
    if (!a->descr || *(int *)(void *)((char *)a->descr + TYPE_NUMBER_OFFSET) != OBJECT_TYPE_NUMBER)
        return 0;
    if (!(a->flags & HTRAIL__NDARRAY_OWNDATA) || !(a->flags & HTRAIL__NDARRAY_CONTIGUOUS))
        return 0;
    return a->nd == 0 ? 1 : htrail__ndarray_data_bytes(a) / sizeof(PyObject *);
}

uint64_t htrail__refs_ndarray(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    htrail__ndarray *a = (htrail__ndarray *)o;
    if (cursor == 0) {
        if (a->base)
            htrail__push(k, a->base, htrail__label(k, L_array_base), HTRAIL_REF_FIELD);
        if (a->descr)
            htrail__push(k, a->descr, htrail__label(k, L_dtype), HTRAIL_REF_FIELD);
        if (info->type == info->base && info->type->tp_flags & Py_TPFLAGS_HEAPTYPE)
            htrail__push(k, (PyObject *)info->type, htrail__label(k, L_class), HTRAIL_REF_FIELD);
    }
    uint64_t count = objects_in(a);
    for (uint64_t i = cursor; i < count; i++) {
        PyObject *item = ((PyObject **)(void *)a->data)[i];
        if (!item)
            continue;
        if (htrail__room(k) < 1)
            return i;
        htrail__push(k, item, (htrail_label)i + 1, HTRAIL_REF_INDEX);
    }
    return 0;
}
