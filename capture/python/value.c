/* value.c - see value.h. SipHash-2-4 as in its paper (Aumasson, Bernstein 2012). */
#include "capture/python/value.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "capture/python/name.h"

bool htrail__value_key(uint64_t key[2])
{
    static uint64_t made[2];
    static pid_t made_by; /* a child of fork makes its own */
    if (made_by != getpid()) {
        if (getrandom(made, sizeof made, 0) != (ssize_t)sizeof made)
            return false;
        made_by = getpid();
    }
    memcpy(key, made, sizeof made);
    return true;
}

static inline uint64_t rotate(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static inline void rounds(uint64_t v[4], int n)
{
    while (n--) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t read_word(const unsigned char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << 8 * i;
    return word;
}

uint64_t htrail__value_hash(const uint64_t key[2], const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                     key[1] ^ 0x7465646279746573};
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word = read_word(p, 8);
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
    }
    uint64_t word = read_word(p, left) | (uint64_t)len << 56;
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t htrail__value_key_id(const uint64_t key[2])
{
    static const char purpose[] = "heaptrail hash key id";
    return htrail__value_hash(key, purpose, sizeof purpose - 1);
}

void htrail__value_add(htrail__walk *k, PyObject *o, const htrail__type_info *info)
{
    htrail_value row = {.object = (htrail_id)(uintptr_t)o};
    const void *data;
    size_t len, cut = k->opts->contents_bytes;
    uint64_t key[2] = {k->hash_key[0], k->hash_key[1]};
    if (info->value_kind == VALUE_BYTES) {
        data = PyBytes_AS_STRING(o);
        len = (size_t)Py_SIZE(o);
        row.text = (htrail_str){data, len};
    } else {
        if (!((PyASCIIObject *)o)->state.ready)
            return;
        data = PyUnicode_DATA(o);
        len = (size_t)((PyASCIIObject *)o)->length * ((PyASCIIObject *)o)->state.kind;
        key[0] ^= ((PyASCIIObject *)o)->state.kind; /* "x" is not b"x", nor two wide characters four narrow ones */
    }
    if (k->opts->flags & HTRAIL_CPYTHON_HASHES) {
        row.flags |= HTRAIL_VALUE_HASH;
        row.hash = htrail__value_hash(key, data, len);
    }
    if (k->opts->flags & HTRAIL_CPYTHON_CONTENTS) {
        row.flags |= HTRAIL_VALUE_TEXT;
        if (info->value_kind == VALUE_STR) {
            row.text = htrail__name_text(k, o, 0);
            if (!((PyASCIIObject *)o)->state.ascii || row.text.len < len) {
                /* whether it was cut shows only by counting characters */
                size_t characters = 0;
                for (size_t i = 0; i < row.text.len; i++)
                    characters += (row.text.data[i] & 0xc0) != 0x80;
                if (characters < (size_t)((PyASCIIObject *)o)->length)
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
