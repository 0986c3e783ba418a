/* selftest.h - is this interpreter laid out as this build believes? */
#ifndef HTRAIL_SELFTEST_H
#define HTRAIL_SELFTEST_H

#include "capture/python/cpython.h"

/* NULL where the interpreter is of the version of this build, else a sentence. Comes before all that
 * other versions do not have. */
const char *htrail__selftest_version(void);

/* NULL if so, else a sentence. Looks at sizes that types state themselves, at fields of the interpreter's
 * state whose value is known, at the links of the collector's lists, at threads and their frames; follows
 * no pointer that leads nowhere. Done before the first walk of a process. */
const char *htrail__selftest(PyInterpreterState *interp);

/* The tp_traverse that all classes made by class statements share; NULL where none was found. */
traverseproc htrail__selftest_subtype_traverse(PyInterpreterState *interp);

#endif
