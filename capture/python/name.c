/* name.c - see name.h. */
#include "capture/python/name.h"

#include <string.h>

#include "capture/python/layout.h"
#include "capture/python/text.h"
#include "capture/python/type.h"

htrail_str htrail__name_text(htrail__walk *k, PyObject *string, int buffer)
{
    htrail__text text;
    if (!string || !htrail__text_of(string, &text))
        return (htrail_str){NULL, 0};
    if (text.is_as_it_stands)
        return (htrail_str){text.data, text.length < TEXT_MAX ? text.length : TEXT_MAX};
    char *to = k->text[buffer];
    return (htrail_str){to, htrail__text_put(to, TEXT_MAX, &text)};
}

bool htrail__name_is_identifier(PyObject *o)
{
    htrail__text text;
    if (!htrail__text_check(o) || !htrail__text_is_interned(o) || !htrail__text_of(o, &text) || text.length == 0 || text.length > TEXT_MAX)
        return false;
    if (!text.is_as_it_stands)
        return htrail__text_is_identifier(o);
    const unsigned char *c = text.data;
    for (size_t i = 0; i < text.length; i++) {
        bool letter = (unsigned char)((c[i] | 32) - 'a') < 26 || c[i] == '_';
        if (!letter && (i == 0 || (unsigned char)(c[i] - '0') >= 10))
            return false;
    }
    return true;
}

PyObject *htrail__name_find(PyObject *dict, const char *name, PyObject **found_key)
{
    if (!dict || !PyDict_Check(dict) || htrail__layout_dict_is_split((PyDictObject *)dict))
        return NULL;
    PyDictObject *d = (PyDictObject *)dict;
    for (Py_ssize_t i = 0; i < htrail__layout_dict_slots(d); i++) {
        PyObject *key, *value;
        if (!htrail__layout_dict_entry(d, i, &key, &value) || !htrail__text_is(key, name))
            continue;
        if (found_key)
            *found_key = key;
        return value;
    }
    return NULL;
}

/* tp_name of a static type is "module.Name", of a built-in one "Name". */
static void split_tp_name(const char *tp_name, htrail_str *name, htrail_str *module)
{
    const char *dot = strrchr(tp_name, '.');
    if (!dot) {
        *name = (htrail_str){tp_name, strlen(tp_name)};
        *module = (htrail_str){"builtins", 8};
    } else {
        *name = (htrail_str){dot + 1, strlen(dot + 1)};
        *module = (htrail_str){tp_name, (size_t)(dot - tp_name)};
    }
}

void htrail__name_type(htrail__walk *k, PyTypeObject *type, htrail_str *name, htrail_str *module)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        split_tp_name(type->tp_name, name, module);
        return;
    }
    PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
#if PY_MAJOR_VERSION >= 3
    *name = htrail__name_text(k, heap->ht_qualname ? heap->ht_qualname : heap->ht_name, 0);
#else
    *name = htrail__name_text(k, heap->ht_name, 0);
#endif
    *module = htrail__name_text(k, htrail__name_find(type->tp_dict, "__module__", NULL), 1);
}

#if PY_MAJOR_VERSION < 3
void htrail__name_old_class(htrail__walk *k, PyObject *class, htrail_str *name, htrail_str *module)
{
    *name = htrail__name_text(k, ((PyClassObject *)class)->cl_name, 0);
    *module = htrail__name_text(k, htrail__name_find(((PyClassObject *)class)->cl_dict, "__module__", NULL), 1);
}
#endif

/* "Class.method" in text buffer 0. */
static htrail_str joined(htrail__walk *k, PyTypeObject *type, const char *text, size_t text_len)
{
    htrail_str class, module;
    char *to = k->text[0];
    htrail__name_type(k, type, &class, &module);
    if (text_len > TEXT_MAX / 2)
        text_len = TEXT_MAX / 2;
    if (class.len > TEXT_MAX - text_len - 1)
        class.len = TEXT_MAX - text_len - 1;
    memmove(to, class.data, class.len);
    to[class.len] = '.';
    memcpy(to + class.len + 1, text, text_len);
    return (htrail_str){to, class.len + 1 + text_len};
}

void htrail__name_object(htrail__walk *k, PyObject *o, const htrail__type_info *info)
{
    htrail_name row = {.object = (htrail_id)(uintptr_t)o};
    switch (info->name_kind) {
    case NAME_TYPE:
        htrail__name_type(k, (PyTypeObject *)o, &row.name, &row.module);
        if (((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE) {
            PyObject *module = htrail__name_find(((PyTypeObject *)o)->tp_dict, "__module__", NULL);
            if (module && htrail__text_check(module))
                htrail__walk_name_string(k, module);
            htrail__name_type(k, (PyTypeObject *)o, &row.name, &row.module); /* the call above took the buffer */
        }
        break;
#if PY_MAJOR_VERSION < 3
    case NAME_OLD_CLASS: {
        PyObject *module = htrail__name_find(((PyClassObject *)o)->cl_dict, "__module__", NULL);
        if (module && htrail__text_check(module))
            htrail__walk_name_string(k, module);
        htrail__name_old_class(k, o, &row.name, &row.module);
        break;
    }
#endif
    case NAME_BUILTIN: {
        PyCFunctionObject *function = (PyCFunctionObject *)o;
        const char *text = function->m_ml->ml_name;
        PyObject *self = function->m_self;
        if (!self || PyModule_Check(self))
            row.name = (htrail_str){text, strlen(text)};
        else
            row.name = joined(k, PyType_Check(self) ? (PyTypeObject *)self : Py_TYPE(self), text, strlen(text));
        row.module = htrail__name_text(k, function->m_module, 1);
        break;
    }
    case NAME_DESCRIPTOR: {
        PyDescrObject *descriptor = (PyDescrObject *)o;
        htrail_str text = htrail__name_text(k, descriptor->d_name, 1);
        row.name = joined(k, descriptor->d_type, text.data, text.len);
        break;
    }
    case NAME_MODULE: {
        PyModuleObject *module = (PyModuleObject *)o;
        PyObject *name = htrail__name_find(module->md_dict, "__name__", NULL);
        if (!name || !htrail__text_check(name))
            name = htrail__layout_module_name(module);
        if (name && htrail__text_check(name))
            htrail__walk_name_string(k, name);
        row.name = htrail__name_text(k, name, 0);
        break;
    }
    default:
        return;
    }
    if (row.name.len == 0)
        return;
    htrail_status status = htrail_writer_add_name(k->writer, &row);
    if (status)
        k->status = status;
}
