/* capture/attach/python.h - which Python runs in another process, from its memory. */
#ifndef HTRAIL_CAPTURE_ATTACH_PYTHON_H
#define HTRAIL_CAPTURE_ATTACH_PYTHON_H

#include "capture/attach/objects.h"

/* "3.11" into version; "" where it is a Python whose version cannot be told (it has not begun,
 * or is none of CPython's usual builds). false: no object in the process is a Python. */
bool htrail__python_version(const htrail__objects *objects, char *version, size_t version_cap);

#endif
