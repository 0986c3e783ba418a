/* layout.h - where a version of CPython keeps what no header of its own says in one line.
 * One file a minor version, all with the same functions; the rest of the walker asks these
 * and does not mention versions. */
#ifndef HTRAIL_LAYOUT_H
#define HTRAIL_LAYOUT_H

#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030e0000
#include "capture/python/layout_311.h"
#elif PY_VERSION_HEX >= 0x03060000 && PY_VERSION_HEX < 0x030b0000
#include "capture/python/layout_310.h"
#elif PY_VERSION_HEX >= 0x02070000 && PY_VERSION_HEX < 0x02080000
#include "capture/python/layout_27.h"
#else
#error "this version of CPython has no layout file yet"
#endif

#endif
