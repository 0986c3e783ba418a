/* walk.c - the loop: the collector's lists in order, each object followed by what only it
 * leads to. It does not know what is in an object (refs_*.c) nor where roots are (roots.c). */
#include "capture/python/walk.h"

#include <string.h>
#include <time.h>

#include "capture/pause/copy.h"
#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/type.h"
#include "capture/python/value.h"

/* How often the clock is looked at: a step is an object or a part of one, so at most this many
 * times HTRAIL_REFS_MAX references lie between two looks. */
enum { STEPS_MASK = 0xff };

htrail_label htrail__walk_add_label(htrail__walk *k, htrail__label_name name)
{
    static const char *const texts[L_COUNT] = {
        "",
#define X(name, text) text,
        HTRAIL_LABEL_MAP(X)
#undef X
    };
    uint32_t id = 0;
    htrail_status status =
        htrail_writer_add_string(k->writer, (htrail_str){texts[name], strlen(texts[name])}, &id);
    if (status)
        k->status = status;
    return k->label[name] = HTRAIL_LABEL_STRING(id);
}

static void write_object(htrail__walk *k)
{
    k->object.refs = k->refs;
    k->object.ref_count = k->ref_count;
    htrail_status status = htrail_writer_add_object(k->writer, &k->object);
    if (__builtin_expect(status != HTRAIL_OK, 0))
        k->status = status;
    k->ref_count = 0;
    k->object.flags = (k->object.flags & ~(uint32_t)HTRAIL_OBJECT_INLINE) | HTRAIL_OBJECT_CONTINUED;
    k->parts++;
}

/* The stack's top is its last entry, and the first new target is to be on top. */
static void reverse_waiting(htrail__walk *k)
{
    uintptr_t *low = k->waiting + k->waiting_base, *high = k->waiting + k->waiting_count;
    while (low + 1 < high) {
        uintptr_t entry = *low;
        *low++ = *--high;
        *high = entry;
    }
}

/* The references are full in the middle of a kind that cannot be called again. What they led
 * to for the first time is put off, because a further part may only come after it. */
void htrail__walk_flush(htrail__walk *k)
{
    for (uint32_t i = 0; i < k->ref_count; i++)
        k->refs[i].flags &= ~(uint32_t)HTRAIL_REF_NEW;
    while (k->waiting_count > k->waiting_base) {
        uintptr_t entry = k->waiting[--k->waiting_count];
        uintptr_t address = entry & ~(uintptr_t)WAIT_TAGS;
        unsigned shift;
        uint64_t *word = htrail__seen_word(&k->seen, address, &shift);
        *word &= ~((uint64_t)SEEN_MET << shift);
        if (entry & WAIT_KEYS) {
            htrail__walk_add_keys_now(k, (PyDictKeysObject *)address);
            continue;
        }
        if (entry & WAIT_NAMED) { /* the name was promised, not written */
            *word &= ~((uint64_t)SEEN_NOTED << shift);
            htrail__walk_name_string(k, (PyObject *)address);
        }
        htrail__walk_put_off(k, (PyObject *)address);
    }
    write_object(k);
}

static void fill_object(htrail__walk *k, htrail_object *object, PyObject *o, const htrail__type_info *info, uint32_t flags)
{
    bool has_length = false;
    uint64_t length = 0;
    Py_ssize_t refcount = Py_REFCNT(o);
    object->id = (htrail_id)(uintptr_t)o;
    object->type = (htrail_id)(uintptr_t)info->type;
#if PY_MAJOR_VERSION < 3
    if (info->type == &PyInstance_Type)
        object->type = htrail__type_add_old_class(k, (PyObject *)((PyInstanceObject *)o)->in_class);
#endif
    object->size_bytes = info->measure(o, info, &length, &has_length);
    object->length = length;
    object->refcount = (uint64_t)refcount;
    object->flags = flags | (has_length ? HTRAIL_OBJECT_LENGTH : 0);
    if (htrail__layout_is_immortal(o))
        object->flags |= HTRAIL_OBJECT_IMMORTAL;
    else
        k->refcount_total += (uint64_t)refcount;
}

static void add_object(htrail__walk *k, PyObject *o, uint32_t flags, uint64_t cursor)
{
    PyTypeObject *type = Py_TYPE(o);
    const htrail__type_info *info = htrail__type_of(k, type);
    k->waiting_base = k->waiting_count;
    k->ref_count = 0;
    k->parts = 0;
    if (cursor == 0) {
        if (__builtin_expect(!info->row_written, 0)) {
            htrail__type_add_row(k, type);
            k->infos[info - k->infos].row_written = true;
        }
        fill_object(k, &k->object, o, info, flags);
        k->objects++;
    } else {
        k->object.id = (htrail_id)(uintptr_t)o;
        k->object.flags = HTRAIL_OBJECT_CONTINUED;
    }
    bool first = cursor == 0;
    cursor = info->refs ? info->refs(k, o, info, cursor) : 0;
    if (cursor != 0 && k->waiting_count + 2 > HTRAIL_PENDING_MAX) {
        while (cursor != 0) { /* no place to remember it: all now, its targets put off */
            htrail__walk_flush(k);
            cursor = info->refs(k, o, info, cursor);
        }
    }
    write_object(k);
    reverse_waiting(k);
    if (cursor != 0) { /* goes on after the targets of this part */
        size_t base = k->waiting_base, count = k->waiting_count - base;
        memmove(k->waiting + base + 2, k->waiting + base, count * sizeof *k->waiting);
        k->waiting[base] = (uintptr_t)cursor;
        k->waiting[base + 1] = (uintptr_t)o | WAIT_CONTINUED;
        k->waiting_count += 2;
    }
    if (first && info->name_kind != NAME_NONE) {
        htrail__name_object(k, o, info);
        if (info->name_kind == NAME_TYPE && !(((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE))
            htrail__walk_root(k, HTRAIL_ROOT_STATIC_TYPE, (htrail_id)(uintptr_t)o, "");
    }
    if (first && info->value_kind && k->opts->flags & (HTRAIL_CPYTHON_HASHES | HTRAIL_CPYTHON_CONTENTS))
        htrail__value_add(k, o, info);
}

/* A str or a number that has no references: added by itself, whatever is being built. */
static void add_leaf(htrail__walk *k, PyObject *o, const htrail__type_info *info)
{
    htrail_object object = {0};
    htrail__type_add_row(k, info->type);
    fill_object(k, &object, o, info, 0);
    htrail_status status = htrail_writer_add_object(k->writer, &object);
    if (status)
        k->status = status;
    k->objects++;
    if (info->value_kind && k->opts->flags & (HTRAIL_CPYTHON_HASHES | HTRAIL_CPYTHON_CONTENTS))
        htrail__value_add(k, o, info);
}

/* There is no place for o among the waiting: a leaf goes in at once, anything else is
 * noted. Its type's row is written first, because that is how the scan finds back where in
 * its granule o begins. */
void htrail__walk_put_off(htrail__walk *k, PyObject *o)
{
    /* Not from the cache: the entry of the object being built must stay in its place. */
    htrail__type_info info;
    htrail__type_describe(k, Py_TYPE(o), &info);
    if (info.refs == NULL) {
        if (!(htrail__seen_set(&k->seen, (uintptr_t)o, SEEN_MET) & SEEN_MET))
            add_leaf(k, o, &info);
        return;
    }
    htrail__type_add_row(k, Py_TYPE(o));
    if (PyType_Check(o))
        htrail__type_add_row(k, (PyTypeObject *)o); /* notes it */
    else
        htrail__seen_set(&k->seen, (uintptr_t)o, SEEN_NOTED);
}

/* ---- shared key tables ---- */

static void fill_keys(htrail__walk *k, htrail_object *object, PyDictKeysObject *keys, uint32_t flags)
{
    htrail__type_add_pseudo(k, HTRAIL__TYPE_KEYS, "dictkeys");
    object->id = (htrail_id)(uintptr_t)keys;
    object->type = HTRAIL__TYPE_KEYS;
    object->size_bytes = htrail__layout_keys_bytes(keys);
    object->length = (uint64_t)keys->dk_nentries;
    object->refcount = (uint64_t)keys->dk_refcnt;
    object->flags = flags | HTRAIL_OBJECT_PSEUDO | HTRAIL_OBJECT_LENGTH;
    k->objects++;
}

static void add_keys(htrail__walk *k, PyDictKeysObject *keys)
{
    k->waiting_base = k->waiting_count;
    k->ref_count = 0;
    k->parts = 0;
    fill_keys(k, &k->object, keys, HTRAIL_OBJECT_INLINE);
    Py_ssize_t count = keys->dk_nentries;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = htrail__layout_keys_key(keys, i);
        if (key && htrail__name_is_identifier(key))
            htrail__push_name(k, key, (htrail_label)i + 1, HTRAIL_REF_INDEX, 0);
        else if (key)
            htrail__push(k, key, (htrail_label)i + 1, HTRAIL_REF_INDEX);
    }
    write_object(k);
    reverse_waiting(k);
}

/* While another object is being built and nothing may wait: the keys are strings, so all
 * of it is a handful of leaves. */
void htrail__walk_add_keys_now(htrail__walk *k, PyDictKeysObject *keys)
{
    if (htrail__seen_set(&k->seen, (uintptr_t)keys, SEEN_MET) & SEEN_MET)
        return;
    htrail_ref refs[64];
    uint32_t ref_count = 0;
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        PyObject *key = htrail__layout_keys_key(keys, i);
        if (!key || ref_count == sizeof refs / sizeof *refs)
            continue;
        htrail__label_key(k, key);
        if (!(htrail__seen_bits(&k->seen, (uintptr_t)key) & SEEN_MET))
            htrail__walk_put_off(k, key);
        refs[ref_count++] = (htrail_ref){(htrail_id)(uintptr_t)key, (htrail_label)i + 1, HTRAIL_REF_INDEX, 0};
    }
    htrail_object object = {0};
    fill_keys(k, &object, keys, 0);
    object.refs = refs;
    object.ref_count = ref_count;
    htrail_status status = htrail_writer_add_object(k->writer, &object);
    if (status)
        k->status = status;
}

void htrail__walk_name_string(htrail__walk *k, PyObject *string)
{
    if (htrail__seen_set(&k->seen, (uintptr_t)string, SEEN_NOTED) & SEEN_NOTED)
        return;
    htrail__type_add_row(k, Py_TYPE(string));
    htrail_name name = {(htrail_id)(uintptr_t)string, htrail__name_text(k, string, 0), {NULL, 0}};
    htrail_status status = htrail_writer_add_name(k->writer, &name);
    if (status)
        k->status = status;
}

/* ---- the order ---- */

static void drain(htrail__walk *k)
{
    while (k->waiting_count > 0 && k->status == HTRAIL_OK) {
        uintptr_t entry = k->waiting[--k->waiting_count];
        uintptr_t address = entry & ~(uintptr_t)WAIT_TAGS;
        switch (entry & WAIT_TAGS) {
        case WAIT_OBJECT:
            add_object(k, (PyObject *)address, HTRAIL_OBJECT_INLINE, 0);
            break;
        case WAIT_KEYS:
            add_keys(k, (PyDictKeysObject *)address);
            break;
        case WAIT_CONTINUED:
            add_object(k, (PyObject *)address, 0, (uint64_t)k->waiting[--k->waiting_count]);
            break;
        default: { /* WAIT_NAMED: its bit says that the name is written; now it is */
            add_object(k, (PyObject *)address, HTRAIL_OBJECT_INLINE, 0);
            htrail_name name = {(htrail_id)address, htrail__name_text(k, (PyObject *)address, 0), {NULL, 0}};
            htrail_status status = htrail_writer_add_name(k->writer, &name);
            if (status)
                k->status = status;
        }
        }
        if ((++k->steps & STEPS_MASK) == 0)
            htrail__walk_going_on(k);
    }
    k->waiting_count = 0;
}

bool htrail__walk_going_on(htrail__walk *k)
{
    if (k->status != HTRAIL_OK)
        return false;
    if (k->seen.failed) {
        k->status = HTRAIL_E_NOMEM;
        htrail_writer_stop(k->writer, HTRAIL_E_NOMEM, "the walk has no memory left for its marks");
        return false;
    }
    const char *over = htrail__copy_over(k->fixed_bytes + k->seen.mapped_bytes, k->opts->max_memory_bytes);
    if (over) {
        k->status = HTRAIL_E_LIMIT;
        htrail_writer_stop(k->writer, HTRAIL_E_LIMIT, over);
        return false;
    }
    if (k->deadline_ns) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec > k->deadline_ns) {
            k->status = HTRAIL_E_LIMIT;
            htrail_writer_stop(k->writer, HTRAIL_E_LIMIT, "the longest pause allowed was reached");
            return false;
        }
    }
    return true;
}

/* The lists one behind the other, read a few objects ahead: announced to the writer, and
 * brought into the cache before their turn. */
typedef struct list_reader {
    PyGC_Head *lists[HTRAIL__LAYOUT_LISTS];
    int list;
    PyGC_Head *next; /* the list's head when it is at its end */
} list_reader;

static PyObject *read_list(htrail__walk *k, list_reader *reader)
{
    while (reader->next == reader->lists[reader->list]) {
        if (++reader->list == HTRAIL__LAYOUT_LISTS) {
            reader->list--;
            return NULL;
        }
        reader->next = _PyGCHead_NEXT(reader->lists[reader->list]);
    }
    PyGC_Head *head = reader->next;
    reader->next = _PyGCHead_NEXT(head);
    __builtin_prefetch(reader->next);
    PyObject *o = (PyObject *)(head + 1);
    htrail_status status = htrail_writer_announce(k->writer, (htrail_id)(uintptr_t)o);
    if (__builtin_expect(status != HTRAIL_OK, 0))
        k->status = status;
    k->listed[reader->list]++;
    return o;
}

void htrail__walk_lists(htrail__walk *k)
{
    PyObject *ahead[HTRAIL_ANNOUNCE_MAX];
    unsigned first = 0, count = 0;
    list_reader reader = {.list = 0};
    _Static_assert(HTRAIL__LAYOUT_LISTS <= sizeof k->listed / sizeof *k->listed, "a count for each list");
    htrail__layout_lists(k->interp, reader.lists);
    reader.next = _PyGCHead_NEXT(reader.lists[0]);
    bool more = true;
    while (k->status == HTRAIL_OK) {
        while (more && count < HTRAIL_ANNOUNCE_MAX) {
            PyObject *o = read_list(k, &reader);
            if (!o) {
                more = false;
                break;
            }
            ahead[(first + count++) % HTRAIL_ANNOUNCE_MAX] = o;
        }
        if (count == 0)
            return;
        if (count > 4)
            htrail__layout_prefetch(ahead[(first + 4) % HTRAIL_ANNOUNCE_MAX]);
        PyObject *o = ahead[first];
        first = (first + 1) % HTRAIL_ANNOUNCE_MAX;
        count--;
        htrail__seen_set(&k->seen, (uintptr_t)o, SEEN_MET);
        add_object(k, o, HTRAIL_OBJECT_TRACKED, 0);
        k->tracked++;
        if ((++k->steps & STEPS_MASK) == 0 && !htrail__walk_going_on(k))
            return;
        if (k->waiting_count)
            drain(k);
    }
}

void htrail__walk_from(htrail__walk *k, PyObject *o)
{
    if (!o || k->status != HTRAIL_OK || htrail__is_tracked(o))
        return;
    if (htrail__seen_set(&k->seen, (uintptr_t)o, SEEN_MET) & SEEN_MET)
        return;
    add_object(k, o, 0, 0);
    drain(k);
}

void htrail__walk_begin_part(htrail__walk *k, PyObject *o)
{
    k->waiting_base = k->waiting_count = 0;
    k->ref_count = 0;
    k->parts = 1;
    k->object.id = (htrail_id)(uintptr_t)o;
    k->object.flags = HTRAIL_OBJECT_CONTINUED;
}

void htrail__walk_end_part(htrail__walk *k)
{
    if (k->ref_count)
        write_object(k);
    reverse_waiting(k);
    drain(k);
}

void htrail__walk_begin_pseudo(htrail__walk *k)
{
    k->waiting_base = k->waiting_count = 0;
    k->ref_count = 0;
    k->parts = 0;
    k->object.flags = HTRAIL_OBJECT_PSEUDO;
}

void htrail__walk_add_pseudo(htrail__walk *k, htrail_id id, htrail_id type, uint64_t size_bytes, uint64_t length)
{
    k->object.id = id;
    k->object.type = type;
    k->object.size_bytes = size_bytes;
    k->object.length = length;
    k->object.refcount = 0;
    k->objects++;
    write_object(k);
    reverse_waiting(k);
    drain(k);
}

void htrail__walk_add_part(htrail__walk *k, htrail_id id)
{
    if (k->ref_count == 0 || k->status != HTRAIL_OK)
        return;
    k->object.id = id;
    k->object.flags = HTRAIL_OBJECT_CONTINUED;
    write_object(k);
    reverse_waiting(k);
    drain(k);
}

void htrail__walk_root(htrail__walk *k, uint32_t kind, htrail_id object, const char *name)
{
    if (!object || k->status != HTRAIL_OK)
        return;
    htrail_root root = {.object = object, .name = {name, strlen(name)}, .kind = kind};
    htrail_status status = htrail_writer_add_root(k->writer, &root);
    if (status)
        k->status = status;
}

void htrail__walk_noted(htrail__walk *k)
{
    bool found = true;
    while (found && htrail__walk_going_on(k)) {
        found = false;
        uint64_t position = 0;
        uintptr_t address;
        while (k->status == HTRAIL_OK && (address = htrail__seen_next_noted(&k->seen, &position)) != 0) {
            /* The object begins here or, a static one, 8 bytes on: where its type is a type whose
             * row is written tells; the other candidate would have its reference count there. */
            uintptr_t type = ((const uintptr_t *)address)[1];
            bool here = (type & 7) == 0 && htrail__seen_bits(&k->seen, type) & SEEN_NOTED;
            htrail__walk_from(k, (PyObject *)(here ? address : address + 8));
            found = true;
        }
    }
}
