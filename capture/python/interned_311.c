/* interned_311.c - find the dict of interned strings. From 3.12 on the interpreter state has it. Up to 3.11 it is a static variable of
 * Objects/unicodeobject.c (of 2.7: stringobject.c), without a symbol, and no object refers to it; so its writable
 * data is searched for a word that points to such a dict. What a word points to is only
 * looked at where the walk has met an object in the same page, so that it can be read. */
#include "capture/python/layout.h"
#include "capture/python/roots.h"

#include "capture/process/maps.h"

#if PY_VERSION_HEX >= 0x030c0000

PyObject *htrail__interned_find(htrail__walk *k)
{
    return k->interp->cached_objects.interned_strings;
}

#else

enum { SAMPLE = 32 }; /* entries that must fit */

/* What lies there may be anything, in memory that was freed or given to somebody else too. */
__attribute__((no_sanitize("address"))) static bool may_be_dict(uintptr_t address)
{
    const PyObject *head = (const PyObject *)address;
    return head->ob_type == &PyDict_Type && head->ob_refcnt == 1;
}

static bool is_interned_dict(const htrail__walk *k, uintptr_t address)
{
    if (address & 7 || address < 4096 || !htrail__seen_page(&k->seen, address) || !htrail__seen_page(&k->seen, address + sizeof(PyDictObject) - 1))
        return false;
    PyDictObject *dict = (PyDictObject *)address;
    if (!may_be_dict(address) || htrail__layout_dict_is_split(dict) || dict->ma_used < SAMPLE)
        return false;
    Py_ssize_t count = htrail__layout_dict_slots(dict);
    if (count < dict->ma_used)
        return false;
    int checked = 0;
    for (Py_ssize_t i = 0; i < count && checked < SAMPLE; i++) {
        PyObject *key, *value;
        if (!htrail__layout_dict_entry(dict, i, &key, &value))
            continue;
        if (key != value || !htrail__text_check(key) || !htrail__text_is_interned(key))
            return false;
        checked++;
    }
    return checked == SAMPLE;
}

PyObject *htrail__interned_find(htrail__walk *k)
{
    static const uintptr_t *found; /* the variable, not the dict: it may be made anew */
    if (found && is_interned_dict(k, *found))
        return (PyObject *)*found;
    uintptr_t start, end;
    if (!htrail__maps_data_of((uintptr_t)&PyType_Type, &start, &end))
        return NULL;
    for (const uintptr_t *word = (const uintptr_t *)start; word < (const uintptr_t *)end; word++)
        if (is_interned_dict(k, *word)) {
            found = word;
            return (PyObject *)*word;
        }
    return NULL;
}

#endif
