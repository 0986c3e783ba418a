/* ndarray.h - numpy's arrays. They are not the collector's, so nothing visits what they
 * hold: the array that a view is of (the usual reason why a buffer lives on), the type of
 * the items, and, in an array of objects, the objects. No header of numpy is needed; the
 * fields are where they have been since numpy 1.0, in numpy 2 too. */
#ifndef HTRAIL_NDARRAY_H
#define HTRAIL_NDARRAY_H

#include "capture/python/layout.h"

/* numpy/core/include/numpy/ndarraytypes.h: PyArrayObject_fields */
typedef struct htrail__ndarray {
    PyObject_HEAD
    char *data;
    int nd;
    Py_ssize_t *dimensions, *strides;
    PyObject *base, *descr;
    int flags;
} htrail__ndarray;

enum { HTRAIL__NDARRAY_CONTIGUOUS = 1 | 2, HTRAIL__NDARRAY_OWNDATA = 4 };

static inline bool htrail__is_ndarray(PyTypeObject *type)
{
    return type->tp_traverse == NULL && type->tp_itemsize == 0 &&
           htrail__layout_is_c_type(type, "numpy.ndarray", sizeof(htrail__ndarray));
}

/* Of an array that owns its data, which then lies without gaps. An array of no dimensions
 * does not say by itself how long its one item is: 0. */
static inline uint64_t htrail__ndarray_data_bytes(const htrail__ndarray *a)
{
    uint64_t bytes = 0;
    for (int i = 0; i < a->nd; i++) {
        if (a->dimensions[i] == 0)
            return 0;
        uint64_t stride = (uint64_t)(a->strides[i] < 0 ? -a->strides[i] : a->strides[i]);
        uint64_t extent = (uint64_t)a->dimensions[i] * stride;
        bytes = extent > bytes ? extent : bytes;
    }
    return bytes;
}

#endif
