/* text.h - the characters of a string object, where they lie: nothing is encoded, made or asked
 * of Python. Strings are what names are made of: str, and in Python 2 unicode as well. */
#ifndef HTRAIL_TEXT_H
#define HTRAIL_TEXT_H

#include "capture/python/cpython.h"

#include <string.h>

typedef struct htrail__text {
    const void *data;
    size_t length;   /* characters */
    unsigned kind;   /* bytes of a character: 1, 2 or 4 */
    bool is_as_it_stands; /* the bytes are the text: ASCII, or a Python 2 str */
} htrail__text;

#if PY_MAJOR_VERSION >= 3

static inline bool htrail__text_check(PyObject *o) { return PyUnicode_CheckExact(o); }

/* False: it is no string, or (before 3.12, of the old C interface) not laid out yet. */
static inline bool htrail__text_of(PyObject *o, htrail__text *text)
{
    if (!PyUnicode_Check(o) || !PyUnicode_IS_READY(o))
        return false;
    *text = (htrail__text){PyUnicode_DATA(o), (size_t)((PyASCIIObject *)o)->length, ((PyASCIIObject *)o)->state.kind,
                           ((PyASCIIObject *)o)->state.ascii};
    return true;
}

static inline bool htrail__text_is_interned(PyObject *o) { return ((PyASCIIObject *)o)->state.interned != 0; }
static inline bool htrail__text_is_identifier(PyObject *o) { return PyUnicode_IsIdentifier(o) == 1; }
enum { HTRAIL__TEXT_HAS_PAIRS = 0 }; /* a character beyond 16 bits may stand as two */

#else

static inline bool htrail__text_check(PyObject *o) { return PyString_CheckExact(o) || PyUnicode_CheckExact(o); }

static inline bool htrail__text_of(PyObject *o, htrail__text *text)
{
    if (PyString_Check(o))
        *text = (htrail__text){PyString_AS_STRING(o), (size_t)Py_SIZE(o), 1, true};
    else if (PyUnicode_Check(o))
        *text = (htrail__text){PyUnicode_AS_UNICODE(o), (size_t)PyUnicode_GET_SIZE(o), sizeof(Py_UNICODE), false};
    else
        return false;
    return true;
}

static inline bool htrail__text_is_interned(PyObject *o) { return PyString_CheckExact(o) && ((PyStringObject *)o)->ob_sstate != 0; }
static inline bool htrail__text_is_identifier(PyObject *o) { return (void)o, false; } /* ASCII alone */
enum { HTRAIL__TEXT_HAS_PAIRS = sizeof(Py_UNICODE) == 2 };

#endif

static inline uint32_t htrail__text_at(const htrail__text *text, size_t i)
{
    return text->kind == 1 ? ((const uint8_t *)text->data)[i] : text->kind == 2 ? ((const uint16_t *)text->data)[i] : ((const uint32_t *)text->data)[i];
}

static inline size_t htrail__text_put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The text in UTF-8, as much of it as fits into cap bytes; how many those are. */
static inline size_t htrail__text_put(char *to, size_t cap, const htrail__text *text)
{
    size_t len = 0;
    for (size_t i = 0; i < text->length && len + 4 <= cap; i++) {
        uint32_t c = htrail__text_at(text, i);
        if (HTRAIL__TEXT_HAS_PAIRS && c >> 10 == 0xd800 >> 10 && i + 1 < text->length && htrail__text_at(text, i + 1) >> 10 == 0xdc00 >> 10)
            c = 0x10000 + ((c & 0x3ff) << 10 | (htrail__text_at(text, ++i) & 0x3ff));
        len += htrail__text_put_utf8(to + len, c);
    }
    return len;
}

/* Is o a string that reads name? No hash and no comparison that Python could hear of. */
static inline bool htrail__text_is(PyObject *o, const char *name)
{
    htrail__text text;
    size_t length = strlen(name);
    return htrail__text_check(o) && htrail__text_of(o, &text) && text.is_as_it_stands && text.length == length &&
           memcmp(text.data, name, length) == 0;
}

#endif
