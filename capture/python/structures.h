/* structures.h - objects whose structure is in a .c file of CPython, copied for those who read
 * their references and those who measure them alike. */
#ifndef HTRAIL_STRUCTURES_H
#define HTRAIL_STRUCTURES_H

#include "capture/python/cpython.h"

#include <stdint.h>

/* Modules/_collectionsmodule.c: block, dequeobject */
#if PY_MAJOR_VERSION >= 3
enum { HTRAIL__DEQUE_BLOCK_ITEMS = 64 };
typedef struct htrail__deque_block {
    struct htrail__deque_block *left;
    PyObject *data[HTRAIL__DEQUE_BLOCK_ITEMS];
    struct htrail__deque_block *right;
} htrail__deque_block;

typedef struct htrail__deque {
    PyObject_VAR_HEAD
    htrail__deque_block *leftblock, *rightblock;
    Py_ssize_t leftindex, rightindex;
} htrail__deque;

static inline uint64_t htrail__deque_length(PyObject *o) { return (uint64_t)Py_SIZE(o); }
#else
enum { HTRAIL__DEQUE_BLOCK_ITEMS = 62 };
typedef struct htrail__deque_block {
    PyObject *data[HTRAIL__DEQUE_BLOCK_ITEMS];
    struct htrail__deque_block *right, *left;
} htrail__deque_block;

typedef struct htrail__deque {
    PyObject_HEAD
    htrail__deque_block *leftblock, *rightblock;
    Py_ssize_t leftindex, rightindex, length;
    long state;
    Py_ssize_t longest;
    PyObject *weakrefs;
} htrail__deque;

static inline uint64_t htrail__deque_length(PyObject *o) { return (uint64_t)((htrail__deque *)o)->length; }
#endif

#if PY_MAJOR_VERSION >= 3
/* Objects/odictobject.c: struct _odictnode, struct _odictobject */
typedef struct htrail__odict_node {
    PyObject *key;
    Py_hash_t hash;
    struct htrail__odict_node *next, *previous;
} htrail__odict_node;

typedef struct htrail__odict {
    PyDictObject dict;
    htrail__odict_node *first, *last;
    htrail__odict_node **fast_nodes;
    Py_ssize_t fast_nodes_size;
    void *resize_sentinel;
    size_t state;
    PyObject *instance_dict;
} htrail__odict;
#endif

/* Modules/_elementtree.c: ElementObjectExtra, ElementObject; the low bits of text and tail are flags */
typedef struct htrail__element_extra {
    PyObject *attrib;
#if PY_MAJOR_VERSION >= 3
    Py_ssize_t length, allocated;
#else
    int length, allocated;
#endif
    PyObject **children;
    PyObject *inside[4];
} htrail__element_extra;

typedef struct htrail__element {
    PyObject_HEAD
    PyObject *tag;
    uintptr_t text, tail;
    htrail__element_extra *extra;
} htrail__element;

/* Include/datetime.h (which cannot be included without a variable of its own): PyDateTime_DateTime,
 * PyDateTime_Time; and Modules/_datetimemodule.c: PyDateTime_TimeZone */
typedef struct htrail__datetime {
    PyObject_HEAD
    Py_hash_t hashcode;
    char hastzinfo;
    unsigned char data[10]; /* and fold, from 3.6 on */
    PyObject *tzinfo;
} htrail__datetime;

typedef struct htrail__time {
    PyObject_HEAD
    Py_hash_t hashcode;
    char hastzinfo;
    unsigned char data[6]; /* the same */
    PyObject *tzinfo;
} htrail__time;

typedef struct htrail__timezone {
    PyObject_HEAD
    PyObject *offset, *name;
} htrail__timezone;

/* Objects/rangeobject.c */
typedef struct htrail__range {
    PyObject_HEAD
    PyObject *start, *stop, *step, *length;
} htrail__range;

#endif
