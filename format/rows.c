/* format/rows.c - see rows.h. */
#include "format/rows.h"

#include <string.h>

static uint8_t *put_text(uint8_t *at, htrail_str text)
{
    at = htrail__put_varint(at, text.len);
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

/* A row's numbers are gathered first, so that its length is known. */
static uint8_t *put_row(uint8_t *at, const uint8_t *numbers, const uint8_t *numbers_end, htrail_str one, htrail_str two)
{
    uint8_t length[HTRAIL__VARINT_MAX];
    size_t numbers_len = (size_t)(numbers_end - numbers);
    size_t len = numbers_len + (size_t)(htrail__put_varint(length, one.len) - length) + one.len +
                 (size_t)(htrail__put_varint(length, two.len) - length) + two.len;
    at = htrail__put_varint(at, len);
    memcpy(at, numbers, numbers_len);
    return put_text(put_text(at + numbers_len, one), two);
}

uint8_t *htrail__put_meta(uint8_t *at, htrail_str key, htrail_str value)
{
    return put_row(at, at, at, key, value);
}

uint8_t *htrail__put_string(uint8_t *at, uint32_t id, htrail_str text)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX];
    return put_row(at, numbers, htrail__put_varint(numbers, id), text, (htrail_str){NULL, 0});
}

uint8_t *htrail__put_type(uint8_t *at, htrail__row_state *state, const htrail_type *type)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = htrail__put_varint(end, htrail__zigzag((int64_t)(type->id - state->last_id)));
    end = htrail__put_varint(end, type->flags);
    end = htrail__put_varint(end, type->base == 0 ? 0 : htrail__zigzag((int64_t)(type->base - type->id)));
    end = htrail__put_varint(end, type->basic_bytes);
    end = htrail__put_varint(end, type->item_bytes);
    end = htrail__put_varint(end, type->name_label);
    end = htrail__put_varint(end, type->module_label);
    state->last_id = type->id;
    return put_row(at, numbers, end, type->name, type->module);
}

uint8_t *htrail__put_root(uint8_t *at, htrail__row_state *state, const htrail_root *root)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = htrail__put_varint(end, htrail__zigzag((int64_t)(root->object - state->last_id)));
    end = htrail__put_varint(end, root->kind);
    end = htrail__put_varint(end, root->thread_id);
    end = htrail__put_varint(end, root->depth);
    state->last_id = root->object;
    return put_row(at, numbers, end, root->name, (htrail_str){NULL, 0});
}

static htrail_str next_text(htrail__cursor *in)
{
    uint64_t len = htrail__next_varint(in);
    const uint8_t *data = htrail__next_bytes(in, len);
    return (htrail_str){data != NULL ? (const char *)data : "", data != NULL ? (size_t)len : 0};
}

static bool next_row(htrail__cursor *in, htrail__cursor *row)
{
    uint64_t len = htrail__next_varint(in);
    const uint8_t *data = htrail__next_bytes(in, len);
    if (data == NULL)
        return false;
    *row = (htrail__cursor){data, data + len, false};
    return true;
}

static uint32_t next_u32(htrail__cursor *in)
{
    uint64_t value = htrail__next_varint(in);
    in->failed |= value > UINT32_MAX;
    return (uint32_t)value;
}

bool htrail__next_meta(htrail__cursor *in, htrail_str *key, htrail_str *value)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    *key = next_text(&row);
    *value = next_text(&row);
    return !row.failed;
}

bool htrail__next_string(htrail__cursor *in, uint32_t *id, htrail_str *text)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    *id = next_u32(&row);
    *text = next_text(&row);
    return !row.failed;
}

bool htrail__next_type(htrail__cursor *in, htrail__row_state *state, htrail_type *type)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    type->id = state->last_id += (uint64_t)htrail__next_zigzag(&row);
    type->flags = next_u32(&row);
    int64_t base = htrail__next_zigzag(&row);
    type->base = base == 0 ? 0 : type->id + (uint64_t)base;
    type->basic_bytes = htrail__next_varint(&row);
    type->item_bytes = htrail__next_varint(&row);
    type->name_label = htrail__next_varint(&row);
    type->module_label = htrail__next_varint(&row);
    type->name = next_text(&row);
    type->module = next_text(&row);
    return !row.failed;
}

bool htrail__next_root(htrail__cursor *in, htrail__row_state *state, htrail_root *root)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    root->object = state->last_id += (uint64_t)htrail__next_zigzag(&row);
    root->kind = next_u32(&row);
    root->thread_id = htrail__next_varint(&row);
    root->depth = next_u32(&row);
    root->name = next_text(&row);
    return !row.failed;
}
