/* refs_instance.c - instances of classes that a class statement made: slots, attributes,
 * the dict where there is one, the class; then what the base lays out. The same as
 * subtype_traverse of Objects/typeobject.c visits, with names. */
#include "capture/python/layout.h"
#include "capture/python/refs.h"

static void slots(htrail__walk *k, PyObject *o, PyTypeObject *type)
{
    Py_ssize_t count;
    PyObject *names;
    PyMemberDef *members = htrail__layout_slots(type, &count, &names);
    bool named = names && PyTuple_Check(names) && PyTuple_GET_SIZE(names) == count;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = *(PyObject **)(void *)((char *)o + members[i].offset);
        if (members[i].type != T_OBJECT_EX || !value)
            continue;
        PyObject *name = named ? PyTuple_GET_ITEM(names, i) : NULL;
        htrail_label label = name && htrail__text_check(name) ? htrail__label_object(k, name) : 0;
        htrail__push(k, value, label, label ? HTRAIL_REF_SLOT : HTRAIL_REF_PLAIN);
    }
}

void htrail__push_attributes(htrail__walk *k, PyObject *o, PyTypeObject *type, bool dict_too)
{
    PyObject **values;
    Py_ssize_t count;
    if (htrail__layout_instance_values(o, &values, &count)) {
        PyDictKeysObject *keys = htrail__layout_cached_keys(type);
        for (Py_ssize_t i = 0; i < count; i++)
            if (values[i])
                htrail__push(k, values[i], htrail__label_key(k, htrail__layout_keys_key(keys, i)), HTRAIL_REF_ATTR);
    }
    PyObject *dict = dict_too ? htrail__layout_instance_dict(o, type) : NULL;
    if (dict)
        htrail__push(k, dict, htrail__label(k, L_dict), HTRAIL_REF_FIELD);
}

uint64_t htrail__refs_instance(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    PyTypeObject *type = info->type, *base = info->base;
    if (cursor == 0) {
        for (PyTypeObject *t = type; t != base; t = t->tp_base)
            if (Py_SIZE(t))
                slots(k, o, t);
        /* From 3.12 on a base that has a dict visits dict and attributes itself. */
        bool has_dict = type->tp_dictoffset != base->tp_dictoffset;
        if (has_dict || PY_VERSION_HEX < 0x030c0000)
            htrail__push_attributes(k, o, type, has_dict);
        if (type->tp_flags & Py_TPFLAGS_HEAPTYPE && (!base->tp_traverse || !(base->tp_flags & Py_TPFLAGS_HEAPTYPE)))
            htrail__push(k, (PyObject *)type, htrail__label(k, L_class), HTRAIL_REF_FIELD);
    }
    return info->base_refs ? info->base_refs(k, o, info, cursor) : 0;
}
