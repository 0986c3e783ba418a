/* walk.h - the state of one walk, and how a kind of object says what it refers to.
 *
 * The walk goes along the collector's lists and, after each object in them, depth-first
 * through what that object leads to that is in no list (strings, numbers, untracked
 * tuples and dicts): the order that makes small files, see htrail/writer.h. It uses no
 * recursion, and memory that does not depend on the heap but for two bits per 16 bytes:
 * where the stack of waiting objects is full, an object is NOTED instead (seen.h), and
 * the noted ones are found again by a scan of the bits at the end.
 *
 * A kind of object is a function of type htrail__refs. It pushes its references and
 * returns 0, or, when there are more than fit, a cursor (not 0) to be called with again. */
#ifndef HTRAIL_WALK_H
#define HTRAIL_WALK_H

#include "capture/python/cpython.h"
#include "capture/python/labels.h"
#include "capture/python/seen.h"
#include "capture/python/text.h"

#include <htrail/capture.h>

typedef struct htrail__walk htrail__walk;
typedef struct htrail__type_info htrail__type_info;

typedef uint64_t htrail__refs(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor);
/* The shallow size, equal to sys.getsizeof; sets *length and returns true in *has_length where len() is known. */
typedef uint64_t htrail__measure(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length);

/* What the walk needs to know of a type; made once, kept in a cache. */
struct htrail__type_info {
    PyTypeObject *type;
    PyTypeObject *base;       /* where the references that class statements add end: the first
                                 base with a tp_traverse of its own */
    htrail__refs *refs;       /* NULL: no references */
    htrail__refs *base_refs;  /* of the part that base lays out; NULL: none */
    htrail__measure *measure;
    const struct htrail__field *fields; /* see fields.h; may be NULL */
    const struct htrail__word *words;   /* see words.h; may be NULL */
    uint32_t header_bytes;    /* in front of the object: collector's header, managed dict */
    uint32_t basic_bytes, item_bytes;
    bool row_written;         /* into this file: saves a look at the type's bits */
    uint8_t value_kind;       /* 0: none: for hashes and contents */
    uint8_t name_kind;        /* htrail__name_kind */
};

/* Numbers have a hash alone, and only where a tuple holds them: value.h. */
enum { VALUE_STR = 1, VALUE_BYTES, VALUE_INT, VALUE_LONG, VALUE_FLOAT, VALUE_COMPLEX }; /* INT: a PyInt of Python 2 */

/* What an entry of the stack of waiting objects is; in the low bits of the address. */
enum {
    WAIT_OBJECT = 0,
    WAIT_KEYS = 1,     /* a shared key table */
    WAIT_CONTINUED = 2, /* further references of an object; the cursor lies under it */
    WAIT_NAMED = 4,     /* a string whose name record is to follow it */
    WAIT_TAGS = 7
};

enum { INFO_CACHE = 1024, TEXT_MAX = 4096, STACK_UNITS_MAX = 16384 };

struct htrail__walk {
    htrail_writer *writer;
    htrail_status status; /* the first failure; the walk then ends */
    htrail__seen seen;
    PyInterpreterState *interp;
    const htrail_cpython_opts *opts;
    uint64_t deadline_ns; /* monotonic; 0: none */
    uint64_t fixed_bytes; /* memory taken before the walk, the writer's too */

    /* the object being added */
    htrail_object object;
    uint32_t parts;       /* of it, that are written */
    uint32_t ref_count;
    size_t waiting_base;  /* waiting_count before its first reference */

    PyObject *name_key;   /* the interned string "__name__", or NULL */
    PyObject *interned;   /* the dict of interned strings, or NULL */
    const PyThreadState *tid_of; /* the thread whose number was asked for last, and the number */
    uint64_t tid;
    PyTypeObject *last_type;
    const htrail__type_info *last_info;
    traverseproc subtype_traverse; /* tp_traverse of every class that a class statement made */

    uint64_t steps; /* objects and parts of objects */
    uint64_t objects, tracked, refcount_total;
    uint64_t listed[4]; /* objects in each of the collector's lists (htrail__layout_lists), the oldest first */
    uint64_t hash_key[2];

    htrail_label label[L_COUNT];
    htrail_ref refs[HTRAIL_REFS_MAX];
    size_t waiting_count;
    uintptr_t waiting[HTRAIL_PENDING_MAX];
    htrail_id known[HTRAIL_REFS_MAX]; /* targets that were pushed before tp_traverse was asked (refs_fields.c) */
    htrail__type_info infos[INFO_CACHE];
    struct { const void *member; htrail_label label; } members[1024]; /* names of PyMemberDef */
    char text[2][TEXT_MAX];
    int16_t depths[STACK_UNITS_MAX]; /* stack.h */
};

/* ---- for the kinds of objects ---- */

htrail_label htrail__walk_add_label(htrail__walk *k, htrail__label_name name);
void htrail__walk_flush(htrail__walk *k);
void htrail__walk_put_off(htrail__walk *k, PyObject *o);
bool htrail__name_is_identifier(PyObject *o); /* name.h */
void htrail__walk_name_string(htrail__walk *k, PyObject *string);
void htrail__walk_add_keys_now(htrail__walk *k, PyDictKeysObject *keys);

static inline htrail_label htrail__label(htrail__walk *k, htrail__label_name name)
{
    htrail_label label = k->label[name];
    return __builtin_expect(label != 0, 1) ? label : htrail__walk_add_label(k, name);
}

static inline bool htrail__has_gc_header(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_GC))
        return false;
    if (__builtin_expect(type->tp_is_gc == NULL, 1))
        return true;
    return type->tp_is_gc(o) != 0;
}

/* In one of the collector's lists: the walk comes to it by itself. */
static inline bool htrail__is_tracked(PyObject *o)
{
    return htrail__has_gc_header(o) && _PyObject_GC_IS_TRACKED(o);
}

/* HTRAIL_REF_NEW and a place among the waiting, if o was never met and no list has it. */
static inline uint32_t htrail__walk_meet(htrail__walk *k, PyObject *o, uintptr_t tag)
{
    unsigned shift;
    uint64_t *word = htrail__seen_word(&k->seen, (uintptr_t)o, &shift);
    if (*word >> shift & SEEN_MET || htrail__is_tracked(o))
        return 0;
    if (__builtin_expect(k->waiting_count >= HTRAIL_PENDING_MAX - 2, 0)) {
        htrail__walk_put_off(k, o);
        return 0;
    }
    *word |= (uint64_t)SEEN_MET << shift;
    k->waiting[k->waiting_count++] = (uintptr_t)o | tag;
    return HTRAIL_REF_NEW;
}

static inline void htrail__push_flags(htrail__walk *k, htrail_id target, htrail_label label, uint32_t kind, uint32_t flags)
{
    htrail_ref *ref = &k->refs[k->ref_count++];
    ref->target = target;
    ref->label = label;
    ref->kind = kind;
    ref->flags = flags;
}

/* One reference of the object being added. */
static inline void htrail__push(htrail__walk *k, PyObject *target, htrail_label label, uint32_t kind)
{
    if (__builtin_expect(k->ref_count == HTRAIL_REFS_MAX, 0))
        htrail__walk_flush(k);
    uint32_t flags = htrail__walk_meet(k, target, WAIT_OBJECT);
    htrail__push_flags(k, (htrail_id)(uintptr_t)target, label, kind, flags);
}

/* Of an object in a place where names are: may it be named? One that is NOTED has been, or
 * is no string and was put off, which the functions below bear; its memory is not touched. */
static inline bool htrail__is_name(htrail__walk *k, PyObject *o)
{
    return htrail__seen_bits(&k->seen, (uintptr_t)o) & SEEN_NOTED || htrail__text_check(o);
}

/* The same for a string that serves as a name: it gets its name record. */
static inline void htrail__push_name(htrail__walk *k, PyObject *string, htrail_label label, uint32_t kind, uint32_t flags)
{
    if (__builtin_expect(k->ref_count == HTRAIL_REFS_MAX, 0))
        htrail__walk_flush(k);
    unsigned shift;
    uint64_t *word = htrail__seen_word(&k->seen, (uintptr_t)string, &shift);
    unsigned bits = (unsigned)(*word >> shift) & 3;
    if (__builtin_expect(!(bits & SEEN_NOTED), 0)) {
        if (!(bits & SEEN_MET) && k->waiting_count < HTRAIL_PENDING_MAX - 2) {
            *word |= (uint64_t)(SEEN_MET | SEEN_NOTED) << shift;
            k->waiting[k->waiting_count++] = (uintptr_t)string | WAIT_NAMED;
            flags |= HTRAIL_REF_NEW;
        } else {
            htrail__walk_name_string(k, string);
            if (!(bits & SEEN_MET))
                flags |= htrail__walk_meet(k, string, WAIT_OBJECT);
        }
    } else if (!(bits & SEEN_MET)) {
        flags |= htrail__walk_meet(k, string, WAIT_OBJECT);
    }
    htrail__push_flags(k, (htrail_id)(uintptr_t)string, label, kind, flags);
}

/* A string used as a label: its text must be in the file. */
static inline htrail_label htrail__label_object(htrail__walk *k, PyObject *string)
{
    unsigned shift;
    const uint64_t *word = htrail__seen_word(&k->seen, (uintptr_t)string, &shift);
    if (__builtin_expect(!(*word >> shift & SEEN_NOTED), 0))
        htrail__walk_name_string(k, string);
    return HTRAIL_LABEL_OBJECT((uintptr_t)string);
}

/* The key of an attribute that stands beside its instance. What code makes is a name; what a
 * program wrote into __dict__ may be anything, and then the label leads to a string whose
 * text does not travel. */
static inline htrail_label htrail__label_key(htrail__walk *k, PyObject *key)
{
    if (!(htrail__seen_bits(&k->seen, (uintptr_t)key) & SEEN_NOTED) && !htrail__name_is_identifier(key))
        return HTRAIL_LABEL_OBJECT((uintptr_t)key);
    return htrail__label_object(k, key);
}

static inline uint32_t htrail__room(const htrail__walk *k)
{
    return HTRAIL_REFS_MAX - k->ref_count;
}

/* ---- for roots, frames and the entry ---- */

/* Add an object that no list has (unless it was met), and all that it leads to. */
void htrail__walk_from(htrail__walk *k, PyObject *o);
/* Add a pseudo object whose references are in k->refs, and all that they lead to. */
void htrail__walk_add_pseudo(htrail__walk *k, htrail_id id, htrail_id type, uint64_t size_bytes, uint64_t length);
/* A further part of an object that was added: its references are pushed between the two. */
void htrail__walk_begin_part(htrail__walk *k, PyObject *o);
void htrail__walk_end_part(htrail__walk *k);
void htrail__walk_begin_pseudo(htrail__walk *k);
/* Begun in the same way: the references in k->refs are a further part of an object that was added before. */
void htrail__walk_add_part(htrail__walk *k, htrail_id id);
void htrail__walk_root(htrail__walk *k, uint32_t kind, htrail_id object, const char *name);
void htrail__walk_lists(htrail__walk *k);
void htrail__walk_noted(htrail__walk *k); /* until nothing is put off any more */
bool htrail__walk_going_on(htrail__walk *k);

#endif
