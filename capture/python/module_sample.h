/* module_sample.h - a function of the Python module. */
#ifndef HTRAIL_MODULE_SAMPLE_H
#define HTRAIL_MODULE_SAMPLE_H

#include "capture/python/cpython.h"

extern const char htrail__module_sample_doc[];
PyObject *htrail__module_sample(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
