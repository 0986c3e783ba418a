/* refs_fields.c - objects whose references are a table, and objects of which only
 * tp_traverse knows: there, what it visits is labelled by the table of a base, by the
 * type's own members, or by the offset at which the object holds it. */
#include "capture/python/layout.h"
#include "capture/python/refs.h"
#include "capture/python/words.h"

#include <stddef.h>
#include <string.h>

void htrail__push_table(htrail__walk *k, PyObject *o, const htrail__field *fields)
{
    for (const htrail__field *f = fields; !(f->flags & FIELD_LAST); f++) {
        PyObject *target = *(PyObject **)(void *)((char *)o + f->offset);
        if (!target)
            continue;
        htrail_label label = htrail__label(k, f->label);
        if (f->flags & FIELD_NAME && htrail__is_name(k, target))
            htrail__push_name(k, target, label, f->kind, 0);
        else
            htrail__push(k, target, label, f->kind);
    }
}

uint64_t htrail__refs_fields(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    htrail__push_table(k, o, info->fields);
    return 0;
}

/* A class made at run time whose objects are not the collector's business: they hold their
 * class all the same, and nobody visits it. */
uint64_t htrail__refs_class_only(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)o, (void)cursor;
    htrail__push(k, (PyObject *)info->type, htrail__label(k, L_class), HTRAIL_REF_FIELD);
    return 0;
}

/* ---- tp_traverse ---- */

enum { WORDS_MAX = 256 }; /* of an object that are compared with what was visited */

typedef struct labeller {
    htrail__walk *k;
    PyObject *o;
    const htrail__type_info *info;
    uint32_t known;           /* of k->known: they outlast k->refs, which is written when it is full */
    htrail__label_name rest;  /* for what lies in memory that the object only points to */
    size_t words, next; /* of the object; where the last match was, plus one */
    bool class_done;
    uint8_t used[HTRAIL_REFS_MAX / 8]; /* bits: known references that a visit stands for */
} labeller;

/* A text that stays where it is, put into the file once. */
static htrail_label text_label(htrail__walk *k, const void *holder, const char *text)
{
    size_t slot = ((uintptr_t)holder >> 3) % (sizeof k->members / sizeof *k->members);
    if (k->members[slot].member != holder) {
        uint32_t id;
        if (htrail_writer_add_string(k->writer, (htrail_str){text, strlen(text)}, &id) != HTRAIL_OK)
            return 0;
        k->members[slot].member = holder;
        k->members[slot].label = HTRAIL_LABEL_STRING(id);
    }
    return k->members[slot].label;
}

htrail_label htrail__label_member(htrail__walk *k, PyTypeObject *type, size_t offset)
{
    for (; type; type = type->tp_base)
        for (const PyMemberDef *m = type->tp_members; m && m->name; m++) {
            if (m->offset != (Py_ssize_t)offset || (m->type != T_OBJECT && m->type != T_OBJECT_EX))
                continue;
            return text_label(k, m, m->name);
        }
    return 0;
}

/* A type that the collector knows nothing of, and whose members are objects: what it holds, as far
 * as it shows it. */
static const PyMemberDef *next_member(PyTypeObject **type, const PyMemberDef *m)
{
    for (;; m = NULL) {
        for (m = m ? m + 1 : (*type)->tp_members; m && m->name; m++)
            if ((m->type == T_OBJECT || m->type == T_OBJECT_EX) && m->offset >= (Py_ssize_t)sizeof(PyObject) &&
                (size_t)m->offset + sizeof(PyObject *) <= (size_t)(*type)->tp_basicsize)
                return m;
        *type = (*type)->tp_base;
        if (!*type)
            return NULL;
    }
}

bool htrail__has_members(PyTypeObject *type) { return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && next_member(&type, NULL) != NULL; }

uint64_t htrail__refs_members(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    PyTypeObject *type = info->base;
    for (const PyMemberDef *m = next_member(&type, NULL); m; m = next_member(&type, m)) {
        PyObject *target = *(PyObject **)(void *)((char *)o + m->offset);
        if (target)
            htrail__push(k, target, htrail__label_member(k, info->base, (size_t)m->offset), HTRAIL_REF_FIELD);
    }
    return 0;
}

static int visit(PyObject *target, void *arg)
{
    labeller *v = arg;
    htrail__walk *k = v->k;
    for (uint32_t i = 0; i < v->known; i++) /* one that is in the file under its name */
        if (k->known[i] == (htrail_id)(uintptr_t)target && !(v->used[i >> 3] >> (i & 7) & 1)) {
            v->used[i >> 3] |= (uint8_t)(1 << (i & 7));
            return 0;
        }
    if (target == (PyObject *)Py_TYPE(v->o) && !v->class_done) {
        v->class_done = true;
        htrail__push(k, target, htrail__label(k, L_class), HTRAIL_REF_FIELD);
        return 0;
    }
    PyObject **word = (PyObject **)v->o;
    for (size_t n = 2; n < v->words; n++) {
        size_t i = v->next++;
        if (v->next >= v->words)
            v->next = 2;
        if (word[i] != target)
            continue;
        size_t offset = i * sizeof *word;
        htrail_label label = (Py_ssize_t)offset == v->info->base->tp_dictoffset ? htrail__label(k, L_dict)
                                                                               : htrail__label_member(k, v->info->base, offset);
        const htrail__word *known = label ? NULL : htrail__words_find(v->info->words, offset);
        if (known)
            label = text_label(k, known, known->name);
        if (label)
            htrail__push(k, target, label, HTRAIL_REF_FIELD);
        else
            htrail__push(k, target, (htrail_label)offset + 1, HTRAIL_REF_OFFSET);
        return 0;
    }
    htrail__push(k, target, htrail__label(k, v->rest), HTRAIL_REF_FIELD);
    return 0;
}

void htrail__push_traversed(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint32_t from, htrail__label_name rest)
{
    PyTypeObject *base = info->base;
    if (!base->tp_traverse || !htrail__has_gc_header(o))
        return;
    labeller v = {.k = k, .o = o, .info = info, .rest = rest};
    for (uint32_t i = from; i < k->ref_count; i++)
        k->known[v.known++] = k->refs[i].target;
    size_t bytes = (size_t)base->tp_basicsize;
    if (base->tp_flags & Py_TPFLAGS_TUPLE_SUBCLASS) /* a structseq: its members are its items */
        for (const PyMemberDef *m = base->tp_members; m && m->name; m++)
            if (m->offset >= (Py_ssize_t)bytes)
                bytes = (size_t)m->offset + sizeof(PyObject *);
    v.words = bytes / sizeof(PyObject *) < WORDS_MAX ? bytes / sizeof(PyObject *) : WORDS_MAX;
    v.next = 2;
    base->tp_traverse(o, visit, &v);
}

uint64_t htrail__refs_traverse(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    uint32_t from = k->ref_count;
    if (info->fields)
        htrail__push_table(k, o, info->fields);
#if PY_VERSION_HEX >= 0x030c0000
    if (info->base->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        htrail__push_attributes(k, o, info->type, true);
#endif
    htrail__push_traversed(k, o, info, from, htrail__layout_is_c_type(info->base, "functools._lru_cache_wrapper", 0) ? L_cached : L_internal);
    return 0;
}

/* A tuple whose items have names, as C code makes them (sys.flags, time.localtime()). Before 3.8 it
 * has the tp_traverse of tuple; items by name alone lie behind those that len() counts. */
uint64_t htrail__refs_struct_sequence(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    Py_ssize_t visible = Py_SIZE(o);
    for (Py_ssize_t i = 0; i < visible; i++) {
        PyObject *item = ((PyTupleObject *)o)->ob_item[i];
        htrail_label label = htrail__label_member(k, info->base, offsetof(PyTupleObject, ob_item) + (size_t)i * sizeof item);
        if (item)
            htrail__push(k, item, label ? label : (htrail_label)i + 1, label ? HTRAIL_REF_FIELD : HTRAIL_REF_INDEX);
    }
    for (const PyMemberDef *m = info->base->tp_members; m && m->name; m++) {
        if (m->type != T_OBJECT || m->offset < (Py_ssize_t)offsetof(PyTupleObject, ob_item) + visible * (Py_ssize_t)sizeof(PyObject *))
            continue;
        PyObject *item = *(PyObject **)(void *)((char *)o + m->offset);
        if (item)
            htrail__push(k, item, htrail__label_member(k, info->base, (size_t)m->offset), HTRAIL_REF_FIELD);
    }
    return 0;
}

/* ---- the part of an object behind the part that another kind has pushed ---- */

typedef struct beyond {
    htrail__walk *k;
    PyObject *o;
    const htrail__type_info *info;
    size_t first, words;
    uint64_t done; /* bits: words from first on that are pushed */
} beyond;

static int visit_beyond(PyObject *target, void *arg)
{
    beyond *v = arg;
    for (size_t i = v->first; i < v->words && i < v->first + 64; i++) {
        if (((PyObject **)v->o)[i] != target || v->done >> (i - v->first) & 1)
            continue;
        v->done |= (uint64_t)1 << (i - v->first);
        size_t offset = i * sizeof(PyObject *);
        htrail_label label = (Py_ssize_t)offset == v->info->base->tp_dictoffset ? htrail__label(v->k, L_dict)
                                                                               : htrail__label_member(v->k, v->info->base, offset);
        htrail__push(v->k, target, label ? label : (htrail_label)offset + 1, label ? HTRAIL_REF_FIELD : HTRAIL_REF_OFFSET);
        break;
    }
    return 0;
}

void htrail__push_beyond(htrail__walk *k, PyObject *o, const htrail__type_info *info, size_t first, size_t words)
{
    beyond v = {k, o, info, first, words, 0};
    for (const htrail__field *f = info->fields; f && !(f->flags & FIELD_LAST); f++)
        if (f->offset / sizeof(PyObject *) >= first)
            v.done |= (uint64_t)1 << (f->offset / sizeof(PyObject *) - first);
    if (info->base->tp_traverse && htrail__has_gc_header(o))
        info->base->tp_traverse(o, visit_beyond, &v);
    if (info->base->tp_flags & Py_TPFLAGS_HEAPTYPE)
        htrail__push(k, (PyObject *)Py_TYPE(o), htrail__label(k, L_class), HTRAIL_REF_FIELD);
}
