/* format/decode_text.c - names and values out of the columns of the block. */
#include "format/decode_state.h"

#include <string.h>

static bool next_object(htrail__decoder *d, unsigned column, unsigned far, int64_t *last, uint64_t *last_far, htrail_id *id)
{
    int64_t delta = htrail__next_zigzag(&d->columns[column]);
    if (delta == 0) {
        *id = *last_far += (uint64_t)htrail__next_zigzag(&d->columns[far]);
        return true;
    }
    if (delta < -(int64_t)INT32_MAX || delta > INT32_MAX)
        return false;
    *last += delta;
    if (*last < 0 || *last >= d->ordinal_count)
        return false;
    *id = ((uint64_t *)d->ordinals.data)[*last];
    return true;
}

htrail_status htrail__decode_names(htrail__decoder *d)
{
    htrail__cursor lengths = d->columns[HTRAIL__COLUMN_NAME_LENGTH], *text = &d->columns[HTRAIL__COLUMN_TEXT];
    htrail__cursor *modules_in = &d->columns[HTRAIL__COLUMN_NAME_MODULE];
    htrail_name *names = d->names.data;
    uint64_t total = 0, last_module = 0, last_far = 0;
    uint32_t module_count = 0, shared_most = 0;
    int64_t last = -1;
    htrail_status status;

    for (uint32_t i = 0; i < d->name_max; i++) {
        uint64_t shared = htrail__next_varint(&lengths), own = htrail__next_varint(&lengths);
        if (lengths.failed || shared > 256 || own > d->max_string)
            return htrail__decoder_corrupt(d, "a name is longer than names can be");
        total += shared + own;
    }
    if (total > COLUMNS_RAW_MAX)
        return htrail__decoder_corrupt(d, "its names are longer than blocks can be");
    status = htrail__decoder_reserve(d, &d->texts, total, 1);
    if (status != HTRAIL_OK)
        return status;
    char *at = d->texts.data;
    const char *last_name = at;
    for (uint32_t i = 0; i < d->name_max; i++) {
        htrail_name *name = &names[i];
        htrail_str *modules = d->modules.data;
        if (!next_object(d, HTRAIL__COLUMN_NAME_OBJECT, HTRAIL__COLUMN_NAME_FAR, &last, &last_far, &name->object))
            return htrail__decoder_corrupt(d, "a name belongs to no object");
        uint64_t code = htrail__next_varint(modules_in);
        if (code == 2) {
            uint64_t len = htrail__next_varint(modules_in);
            const uint8_t *bytes = htrail__next_bytes(text, len);
            if (bytes == NULL || len > d->max_string)
                return htrail__decoder_corrupt(d, "the name of a module is cut");
            modules[module_count] = (htrail_str){(const char *)bytes, len};
            code = module_count++ + 3;
        } else if (code == 1) {
            code = last_module;
        }
        if (code >= 3 && code - 3 < module_count) {
            name->module = modules[code - 3];
            last_module = code;
        } else if (code == 0) {
            name->module = (htrail_str){"", 0};
        } else {
            return htrail__decoder_corrupt(d, "a name has a module that was not named");
        }
        htrail__cursor *own = &d->columns[HTRAIL__COLUMN_NAME_LENGTH];
        uint64_t shared = htrail__next_varint(own), len = htrail__next_varint(own);
        const uint8_t *bytes = htrail__next_bytes(text, len);
        if (bytes == NULL || shared > shared_most)
            return htrail__decoder_corrupt(d, "a name is cut");
        memmove(at, last_name, shared);
        memcpy(at + shared, bytes, len);
        name->name = (htrail_str){at, shared + len};
        last_name = at;
        at += shared + len;
        shared_most = shared + len < 256 ? (uint32_t)(shared + len) : 256;
    }
    return HTRAIL_OK;
}

htrail_status htrail__decode_values(htrail__decoder *d)
{
    htrail_value *values = d->values.data;
    uint64_t last_far = 0;
    int64_t last = -1;
    unsigned hash_count = 0;

    memset(d->hashes, 0, sizeof d->hashes);
    for (uint32_t i = 0; i < d->value_max; i++) {
        htrail_value *value = &values[i];
        *value = (htrail_value){.text = {"", 0}};
        if (!next_object(d, HTRAIL__COLUMN_VALUE_OBJECT, HTRAIL__COLUMN_VALUE_FAR, &last, &last_far, &value->object))
            return htrail__decoder_corrupt(d, "a value belongs to no object");
        unsigned flags = htrail__next_byte(&d->columns[HTRAIL__COLUMN_VALUE_FLAGS]);
        if (flags & HTRAIL__VALUE_RECENT_HASH) {
            value->hash = d->hashes[htrail__next_byte(&d->columns[HTRAIL__COLUMN_VALUE_HASH])];
        } else if (flags & HTRAIL_VALUE_HASH) {
            const uint8_t *bytes = htrail__next_bytes(&d->columns[HTRAIL__COLUMN_VALUE_HASH], 8);
            if (bytes == NULL)
                return htrail__decoder_corrupt(d, "a hash is cut");
            hash_count = hash_count == HTRAIL__HASHES_MAX ? 1 : hash_count + 1;
            value->hash = d->hashes[hash_count] = htrail__get_u64(bytes);
        }
        value->flags = flags & (HTRAIL_VALUE_HASH | HTRAIL_VALUE_TEXT | HTRAIL_VALUE_CUT);
        if (flags & HTRAIL_VALUE_TEXT) {
            uint64_t len = htrail__next_varint(&d->columns[HTRAIL__COLUMN_VALUE_LENGTH]);
            const uint8_t *bytes = htrail__next_bytes(&d->columns[HTRAIL__COLUMN_VALUE_TEXT], len);
            if (bytes == NULL || len > d->max_string)
                return htrail__decoder_corrupt(d, "a value is cut, or longer than values can be");
            value->text = (htrail_str){(const char *)bytes, len};
        }
    }
    return HTRAIL_OK;
}
