/* format/encode_text.c - names and values into the columns of the block. */
#include "format/encode_state.h"

/* The object's number in the block from the last one that had a name or value; its address
 * where it is not known to be in the block. */
static void put_object(htrail__encoder *e, unsigned number, uint64_t id, int32_t *last, unsigned far, uint64_t *last_far)
{
    const recent *near = recent_of(e, id);
    int32_t ordinal = id == e->last_id ? e->last_ordinal : near->address == id ? near->ordinal : NONE;
    if (ordinal != NONE && ordinal != *last) {
        put_signed(e, number, ordinal - *last);
        *last = ordinal;
    } else {
        put_number(e, number, 0);
        put_signed(e, far, (int64_t)(id - *last_far));
        *last_far = id;
    }
}

static uint32_t module_code(htrail__encoder *e, htrail_str module)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < module.len; i++)
        hash = (hash ^ (uint8_t)module.data[i]) * 16777619u;
    module_entry *entry = &e->modules[(hash * 0x9e3779b9u) >> (32 - MODULES_BITS)];
    if (entry->text != NULL && entry->len == module.len && memcmp(entry->text, module.data, module.len) == 0)
        return entry->number + 3;
    *entry = (module_entry){e->columns[HTRAIL__COLUMN_TEXT].at, module.len, e->module_count++};
    put_number(e, HTRAIL__COLUMN_NAME_MODULE, 2);
    put_number(e, HTRAIL__COLUMN_NAME_MODULE, module.len);
    put_bytes(e, HTRAIL__COLUMN_TEXT, module.data, module.len);
    e->last_module = entry->number + 3;
    return 0;
}

void htrail__encoder_add_name(htrail__encoder *e, const htrail_name *name)
{
    size_t shared = 0, most = name->name.len < e->last_name.len ? name->name.len : e->last_name.len;
    while (shared < most && name->name.data[shared] == e->last_name.data[shared])
        shared++;
    put_object(e, HTRAIL__COLUMN_NAME_OBJECT, name->object, &e->last_named, HTRAIL__COLUMN_NAME_FAR, &e->last_name_far);
    if (name->module.len == 0) {
        put_number(e, HTRAIL__COLUMN_NAME_MODULE, 0);
    } else {
        uint32_t code = module_code(e, name->module);
        if (code != 0) {
            put_number(e, HTRAIL__COLUMN_NAME_MODULE, code == e->last_module ? 1 : code);
            e->last_module = code;
        }
    }
    put_number(e, HTRAIL__COLUMN_NAME_LENGTH, shared);
    put_number(e, HTRAIL__COLUMN_NAME_LENGTH, name->name.len - shared);
    put_bytes(e, HTRAIL__COLUMN_TEXT, name->name.data + shared, name->name.len - shared);
    e->last_name.len = name->name.len < sizeof e->last_name_text ? name->name.len : sizeof e->last_name_text;
    memcpy(e->last_name_text, name->name.data, e->last_name.len);
    e->counts.names++;
}

void htrail__encoder_add_value(htrail__encoder *e, const htrail_value *value)
{
    unsigned flags = value->flags & (HTRAIL_VALUE_HASH | HTRAIL_VALUE_TEXT | HTRAIL_VALUE_CUT);
    put_object(e, HTRAIL__COLUMN_VALUE_OBJECT, value->object, &e->last_valued, HTRAIL__COLUMN_VALUE_FAR,
               &e->last_value_far);
    if (flags & HTRAIL_VALUE_HASH) {
        uint8_t *place = &e->hash_at[value->hash & ((1 << HASHES_BITS) - 1)];
        if (*place != 0 && e->hashes[*place] == value->hash) {
            flags |= HTRAIL__VALUE_RECENT_HASH;
            put_byte(e, HTRAIL__COLUMN_VALUE_HASH, *place);
        } else {
            htrail__put_u64(e->columns[HTRAIL__COLUMN_VALUE_HASH].at, value->hash);
            e->columns[HTRAIL__COLUMN_VALUE_HASH].at += 8;
            e->hash_count = e->hash_count == HTRAIL__HASHES_MAX ? 1 : (uint8_t)(e->hash_count + 1);
            e->hashes[e->hash_count] = value->hash;
            *place = e->hash_count;
        }
    }
    put_byte(e, HTRAIL__COLUMN_VALUE_FLAGS, flags);
    if (flags & HTRAIL_VALUE_TEXT) {
        put_number(e, HTRAIL__COLUMN_VALUE_LENGTH, value->text.len);
        put_bytes(e, HTRAIL__COLUMN_VALUE_TEXT, value->text.data, value->text.len);
    }
    e->counts.values++;
}
