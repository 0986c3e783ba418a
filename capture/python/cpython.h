/* cpython.h - the one place that includes Python.h and CPython's internal headers.
 *
 * Internal headers tie an object file to one minor version; that is wanted:
 * there is one build of the walker a version, and what depends on a layout is read
 * from that version's own headers and not from copies of them. layout.h says which
 * file has the rest.
 *
 * Python symbols are weak in the finished library (see the Makefile): the agent is
 * preloaded into processes without Python too, and nothing here runs there. */
#ifndef HTRAIL_CPYTHON_H
#define HTRAIL_CPYTHON_H

#define Py_BUILD_CORE 1
#define PY_SSIZE_T_CLEAN
#undef _POSIX_C_SOURCE /* pyconfig.h has its own; the system's headers are in already */
#undef _XOPEN_SOURCE
#include <Python.h>
#ifdef Py_GIL_DISABLED
#error "this build of Python has no global interpreter lock, and the walk needs it"
#endif
#include <frameobject.h>
#include <structmember.h>
#if PY_VERSION_HEX >= 0x030b0000
#define string pycore_asdl_string /* types of these names, of 3.12, would be hidden by variables */
#define object pycore_asdl_object
#include <internal/pycore_code.h>
#include <internal/pycore_context.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_hamt.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_object.h>
#include <internal/pycore_runtime.h>
#undef string
#undef object
#elif PY_VERSION_HEX >= 0x03080000
#include <internal/pycore_code.h>
#include <internal/pycore_context.h>
#include <internal/pycore_hamt.h>
#include <internal/pycore_pystate.h>
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030a0000
#include <internal/pycore_moduleobject.h>
#endif
#elif PY_VERSION_HEX >= 0x03070000
#include <internal/context.h>
#include <internal/hamt.h>
#include <internal/pystate.h>
#elif PY_MAJOR_VERSION < 3
#include <longintrepr.h>
#define Py_STRINGIFY(x) HTRAIL__STRINGIFY(x)
#define HTRAIL__STRINGIFY(x) #x
typedef long Py_hash_t;
/* Key tables that dicts share came with Python 3. */
typedef struct { Py_ssize_t dk_refcnt, dk_nentries; } PyDictKeysObject;
#endif

#endif
