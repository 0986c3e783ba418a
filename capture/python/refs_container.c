/* refs_container.c - dict, list, tuple, set, deque: as many references as there are items,
 * so each can go on where it stopped. */
#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/refs.h"
#include "capture/python/structures.h"
#include "capture/python/text.h"
#include "capture/python/value.h"
#include "capture/python/walk.h"

void htrail__push_keys(htrail__walk *k, PyDictKeysObject *keys)
{
    if (k->ref_count == HTRAIL_REFS_MAX)
        htrail__walk_flush(k);
    uint32_t flags = 0;
    if (!(htrail__seen_bits(&k->seen, (uintptr_t)keys) & SEEN_MET)) {
        if (k->waiting_count >= HTRAIL_PENDING_MAX - 2) {
            htrail__walk_add_keys_now(k, keys);
        } else {
            htrail__seen_set(&k->seen, (uintptr_t)keys, SEEN_MET);
            k->waiting[k->waiting_count++] = (uintptr_t)keys | WAIT_KEYS;
            flags = HTRAIL_REF_NEW;
        }
    }
    htrail__push_flags(k, (htrail_id)(uintptr_t)keys, htrail__label(k, L_keys), HTRAIL_REF_FIELD, flags);
}

/* The interned strings: the dict's own references are not counted, so a string that others
 * hold is held by them; one that nothing else was seen to hold is shown as held here. */
static uint64_t interned(htrail__walk *k, PyDictObject *dict, uint64_t cursor)
{
    Py_ssize_t count = htrail__layout_dict_slots(dict);
    for (Py_ssize_t i = (Py_ssize_t)cursor; i < count; i++) {
        PyObject *key, *value;
        if (!htrail__layout_dict_entry(dict, i, &key, &value))
            continue;
        if (htrail__room(k) < 1)
            return (uint64_t)i;
        uint32_t flags = htrail__walk_meet(k, key, WAIT_OBJECT);
        htrail__push_flags(k, (htrail_id)(uintptr_t)key, 0, flags ? HTRAIL_REF_KEY : HTRAIL_REF_WEAK, flags);
    }
    return 0;
}

/* The text of __name__ in a module's dict says which module it is, also when the module
 * object is gone. */
static void name_module_dict(htrail__walk *k, PyDictObject *dict, PyObject *name)
{
    if (name && htrail__text_check(name) &&
        (htrail__name_find((PyObject *)dict, HTRAIL__LAYOUT_MODULE_KEY, NULL) || htrail__name_find((PyObject *)dict, "__builtins__", NULL)))
        htrail__walk_name_string(k, name);
}

uint64_t htrail__refs_dict(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info;
    PyDictObject *dict = (PyDictObject *)o;
    Py_ssize_t count = htrail__layout_dict_slots(dict);
    if (htrail__layout_dict_is_split(dict)) {
        PyDictKeysObject *keys = htrail__layout_split_keys(dict);
        htrail__push_keys(k, keys);
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *value = htrail__layout_split_value(dict, i);
            if (value)
                htrail__push(k, value, htrail__label_key(k, htrail__layout_keys_key(keys, i)), HTRAIL_REF_VALUE);
        }
        return 0;
    }
    if (__builtin_expect(o == k->interned, 0))
        return interned(k, dict, cursor);
    bool all_names = o == htrail__layout_modules(k->interp), strings = htrail__layout_dict_keys_are_strings(dict);
    for (Py_ssize_t i = (Py_ssize_t)cursor; i < count; i++) {
        PyObject *key, *value;
        if (!htrail__layout_dict_entry(dict, i, &key, &value))
            continue;
        if (htrail__room(k) < 2)
            return (uint64_t)i;
        /* A string whose name is written need not be looked at again. */
        bool noted = htrail__seen_bits(&k->seen, (uintptr_t)key) & SEEN_NOTED;
        if (noted ? strings || htrail__text_check(key)
                  : htrail__name_is_identifier(key) || (all_names && htrail__text_check(key))) {
            htrail__push_name(k, key, 0, HTRAIL_REF_KEY, HTRAIL_REF_NAME);
            if (__builtin_expect(key == k->name_key, 0))
                name_module_dict(k, dict, value);
        } else {
            htrail__push(k, key, 0, HTRAIL_REF_KEY);
        }
        htrail__push(k, value, 0, HTRAIL_REF_VALUE);
    }
    return 0;
}

/* Items [cursor, count): each index that follows the one before needs no label. */
static inline uint64_t items(htrail__walk *k, PyObject **item, Py_ssize_t count, uint64_t cursor)
{
    Py_ssize_t i = (Py_ssize_t)cursor, room = i + (Py_ssize_t)htrail__room(k);
    Py_ssize_t end = count < room ? count : room;
    bool gap = false;
    for (; i < end; i++) {
        if (i + 6 < end)
            __builtin_prefetch(item[i + 6]);
        if (__builtin_expect(item[i] == NULL, 0)) {
            gap = true;
            continue;
        }
        htrail__push(k, item[i], gap ? (htrail_label)i + 1 : 0, HTRAIL_REF_INDEX);
        gap = false;
    }
    return i < count ? (uint64_t)i : 0;
}

uint64_t htrail__refs_list(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info;
    return items(k, ((PyListObject *)o)->ob_item, Py_SIZE(o), cursor);
}

uint64_t htrail__refs_tuple(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info;
    if (k->opts->flags & HTRAIL_CPYTHON_HASHES)
        htrail__value_note_items(k, ((PyTupleObject *)o)->ob_item + cursor, Py_SIZE(o) - (Py_ssize_t)cursor);
    return items(k, ((PyTupleObject *)o)->ob_item, Py_SIZE(o), cursor);
}

uint64_t htrail__refs_set(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info;
    PySetObject *set = (PySetObject *)o;
    for (Py_ssize_t i = (Py_ssize_t)cursor; i <= set->mask; i++) {
        const setentry *entry = &set->table[i];
        if (!entry->key || htrail__layout_set_is_free(entry))
            continue;
        if (htrail__room(k) < 1)
            return (uint64_t)i;
        htrail__push(k, entry->key, 0, HTRAIL_REF_INDEX);
    }
    return 0;
}

#if PY_MAJOR_VERSION >= 3
/* The keys once more, in the order of their nodes, which hold them too. */
enum { ODICT_NODES = 63 }; /* the bit of a cursor that says: the rest is the address of a node */

uint64_t htrail__refs_odict(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    htrail__odict *odict = (htrail__odict *)o;
    const htrail__odict_node *node = odict->first;
    if (cursor >> ODICT_NODES) {
        node = (const htrail__odict_node *)(uintptr_t)(cursor & ~((uint64_t)1 << ODICT_NODES));
    } else {
        if (cursor == 0 && odict->instance_dict)
            htrail__push(k, odict->instance_dict, htrail__label(k, L_dict), HTRAIL_REF_FIELD);
        cursor = htrail__refs_dict(k, o, info, cursor);
        if (cursor != 0)
            return cursor;
    }
    for (; node; node = node->next) {
        if (htrail__room(k) < 1)
            return (uint64_t)(uintptr_t)node | (uint64_t)1 << ODICT_NODES;
        htrail__push(k, node->key, 0, HTRAIL_REF_INDEX);
    }
    return 0;
}
#endif

/* The cursor is where it goes on: a block's address and a place in it. */
uint64_t htrail__refs_deque(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    htrail__deque *deque = (htrail__deque *)o;
    htrail__deque_block *block = deque->leftblock;
    Py_ssize_t i = deque->leftindex;
    if (cursor) {
        block = (htrail__deque_block *)(uintptr_t)(cursor >> 6);
        i = (Py_ssize_t)(cursor & 63); /* no block has more items */
    } else if (PyType_HasFeature(info->base, Py_TPFLAGS_HEAPTYPE)) {
        htrail__push(k, (PyObject *)Py_TYPE(o), htrail__label(k, L_class), HTRAIL_REF_FIELD);
    }
    if (htrail__deque_length(o) == 0)
        return 0;
    for (;;) {
        Py_ssize_t end = block == deque->rightblock ? deque->rightindex + 1 : HTRAIL__DEQUE_BLOCK_ITEMS;
        for (; i < end; i++) {
            if (htrail__room(k) < 1)
                return (uint64_t)(uintptr_t)block << 6 | (uint64_t)i;
            htrail__push(k, block->data[i], 0, HTRAIL_REF_INDEX);
        }
        if (block == deque->rightblock)
            return 0;
        block = block->right;
        i = 0;
    }
}

static void element_field(htrail__walk *k, uintptr_t tagged, htrail__label_name label)
{
    PyObject *target = (PyObject *)(tagged & ~(uintptr_t)7);
    if (target)
        htrail__push(k, target, htrail__label(k, label), HTRAIL_REF_FIELD);
}

uint64_t htrail__refs_element(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    htrail__element *element = (htrail__element *)o;
    if (cursor == 0) {
        if (info->base->tp_flags & Py_TPFLAGS_HEAPTYPE)
            htrail__push(k, (PyObject *)Py_TYPE(o), htrail__label(k, L_class), HTRAIL_REF_FIELD);
        element_field(k, (uintptr_t)element->tag, L_tag);
        element_field(k, element->text, L_text);
        element_field(k, element->tail, L_tail);
        if (element->extra)
            element_field(k, (uintptr_t)element->extra->attrib, L_attrib);
    }
    return element->extra ? items(k, element->extra->children, element->extra->length, cursor) : 0;
}
