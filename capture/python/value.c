/* value.c - see value.h. */
#include "capture/python/value.h"

#include <string.h>
#include <sys/random.h>

#include "capture/process/self.h"
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

void htrail__value_add(htrail__walk *k, PyObject *o, const htrail__type_info *info)
{
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
