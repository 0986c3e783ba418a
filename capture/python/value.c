/* value.c - see value.h. */
#include "capture/python/value.h"

#include <string.h>
#include <sys/random.h>

#include "capture/process/self.h"
#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/siphash.h"

bool htrail__value_key(uint64_t key[2])
{
    static uint64_t made[2];
    static pid_t made_by; /* a child of the program's makes its own */
    if (made_by != htrail__self_pid()) {
        if (getrandom(made, sizeof made, 0) != (ssize_t)sizeof made)
            return false;
        made_by = htrail__self_pid();
    }
    memcpy(key, made, sizeof made);
    return true;
}

uint64_t htrail__value_key_id(const uint64_t key[2])
{
    static const char purpose[] = "heaptrail hash key id";
    return htrail__siphash(key, purpose, sizeof purpose - 1);
}

uint8_t htrail__value_number_kind(const PyTypeObject *type)
{
    if (type == &PyLong_Type)
        return VALUE_LONG;
    if (type == &PyFloat_Type)
        return VALUE_FLOAT;
    if (type == &PyComplex_Type)
        return VALUE_COMPLEX;
#if PY_MAJOR_VERSION < 3
    if (type == &PyInt_Type)
        return VALUE_INT;
#endif
    return 0;
}

/* What tells one number from another: its kind and sign go into the key, since equal bytes of two kinds are two numbers.
 * What is not equal to itself (nan) has no hash. 48 bits: that two of ten million different
 * numbers have one hash happens in one heap of six, that two tuples differ in nothing else hardly ever; and the file is smaller. */
static const uint64_t NUMBER_BITS = (UINT64_C(1) << 48) - 1;

static void add_number(htrail__walk *k, PyObject *o, unsigned kind)
{
    const void *data = NULL;
    size_t len = 0;
    uint64_t key[2] = {k->hash_key[0] ^ (uint64_t)kind << 8, k->hash_key[1]};
    if (kind == VALUE_FLOAT) {
        data = &((PyFloatObject *)o)->ob_fval;
        len = sizeof ((PyFloatObject *)o)->ob_fval;
        if (((PyFloatObject *)o)->ob_fval != ((PyFloatObject *)o)->ob_fval)
            return;
    } else if (kind == VALUE_COMPLEX) {
        const Py_complex *c = &((PyComplexObject *)o)->cval;
        data = c;
        len = sizeof *c;
        if (c->real != c->real || c->imag != c->imag)
            return;
#if PY_MAJOR_VERSION < 3
    } else if (kind == VALUE_INT) {
        data = &((PyIntObject *)o)->ob_ival;
        len = sizeof ((PyIntObject *)o)->ob_ival;
#endif
    } else {
        data = htrail__layout_int_data(o);
        len = (size_t)htrail__layout_int_digits(o) * sizeof(digit);
        key[0] ^= (uint64_t)htrail__layout_int_is_negative(o) << 16;
    }
    const htrail_value row = {.object = (htrail_id)(uintptr_t)o, .flags = HTRAIL_VALUE_HASH, .hash = htrail__siphash(key, data, len) & NUMBER_BITS};
    htrail_status status = htrail_writer_add_value(k->writer, &row);
    if (status)
        k->status = status;
}

void htrail__value_note_items(htrail__walk *k, PyObject **items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        unsigned kind = items[i] ? htrail__value_number_kind(Py_TYPE(items[i])) : 0;
        if (kind && htrail__seen_set(&k->seen, (uintptr_t)items[i], SEEN_NOTED) == SEEN_MET)
            add_number(k, items[i], kind);
    }
}

void htrail__value_add(htrail__walk *k, PyObject *o, const htrail__type_info *info)
{
    if (info->value_kind >= VALUE_INT) {
        if (k->opts->flags & HTRAIL_CPYTHON_HASHES && htrail__seen_bits(&k->seen, (uintptr_t)o) & SEEN_NOTED)
            add_number(k, o, info->value_kind);
        return;
    }
    htrail_value row = {.object = (htrail_id)(uintptr_t)o};
    htrail__text text = {0};
    const void *data;
    size_t len, cut = k->opts->contents_bytes;
    uint64_t key[2] = {k->hash_key[0], k->hash_key[1]};
    if (info->value_kind == VALUE_BYTES) {
        data = PyBytes_AS_STRING(o);
        len = (size_t)Py_SIZE(o);
        row.text = (htrail_str){data, len};
    } else {
        if (!htrail__text_of(o, &text))
            return;
        data = text.data;
        len = text.length * text.kind;
        key[0] ^= text.kind; /* "x" is not b"x", nor two wide characters four narrow ones */
    }
    if (k->opts->flags & HTRAIL_CPYTHON_HASHES) {
        row.flags |= HTRAIL_VALUE_HASH;
        row.hash = htrail__siphash(key, data, len);
    }
    if (k->opts->flags & HTRAIL_CPYTHON_CONTENTS) {
        row.flags |= HTRAIL_VALUE_TEXT;
        if (info->value_kind == VALUE_STR) {
            row.text = htrail__name_text(k, o, 0);
            if (!text.is_as_it_stands || row.text.len < len) {
                /* whether it was cut shows only by counting characters */
                size_t characters = 0;
                for (size_t i = 0; i < row.text.len; i++)
                    characters += (row.text.data[i] & 0xc0) != 0x80;
                if (characters < text.length)
                    row.flags |= HTRAIL_VALUE_CUT;
            }
        }
        if (row.text.len > cut) {
            while (info->value_kind == VALUE_STR && cut > 0 && (row.text.data[cut] & 0xc0) == 0x80)
                cut--; /* not within a character */
            row.text.len = cut;
            row.flags |= HTRAIL_VALUE_CUT;
        }
    } else {
        row.text = (htrail_str){NULL, 0};
    }
    htrail_status status = htrail_writer_add_value(k->writer, &row);
    if (status)
        k->status = status;
}
