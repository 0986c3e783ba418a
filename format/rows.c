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
static uint8_t *put_texts(uint8_t *at, const uint8_t *numbers, const uint8_t *numbers_end, const htrail_str *texts, size_t count)
{
    uint8_t length[HTRAIL__VARINT_MAX];
    size_t numbers_len = (size_t)(numbers_end - numbers), len = numbers_len;
    for (size_t i = 0; i < count; i++)
        len += (size_t)(htrail__put_varint(length, texts[i].len) - length) + texts[i].len;
    at = htrail__put_varint(at, len);
    memcpy(at, numbers, numbers_len);
    at += numbers_len;
    for (size_t i = 0; i < count; i++)
        at = put_text(at, texts[i]);
    return at;
}

static uint8_t *put_row(uint8_t *at, const uint8_t *numbers, const uint8_t *numbers_end, htrail_str one, htrail_str two)
{
    return put_texts(at, numbers, numbers_end, (const htrail_str[]){one, two}, 2);
}

/* The difference from the last; state is that of the next row. */
static uint8_t *put_step(uint8_t *at, uint64_t *last, uint64_t value)
{
    at = htrail__put_varint(at, htrail__zigzag((int64_t)(value - *last)));
    *last = value;
    return at;
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

uint8_t *htrail__put_thread(uint8_t *at, htrail__row_state *state, const htrail_thread *thread)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = put_step(end, &state->last_thread, thread->tid);
    end = htrail__put_varint(end, thread->ident);
    end = htrail__put_varint(end, thread->object);
    end = htrail__put_varint(end, thread->flags);
    end = htrail__put_varint(end, thread->state);
    end = htrail__put_varint(end, thread->start_ns);
    end = htrail__put_varint(end, thread->user_ns);
    end = htrail__put_varint(end, thread->system_ns);
    return put_texts(at, numbers, end, (const htrail_str[]){thread->name, thread->comm, thread->wait}, 3);
}

uint8_t *htrail__put_frame(uint8_t *at, htrail__row_state *state, const htrail_frame *frame)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = put_step(end, &state->last_thread, frame->tid);
    end = htrail__put_varint(end, frame->ident);
    end = put_step(end, &state->last_id, frame->object);
    end = htrail__put_varint(end, frame->depth);
    end = htrail__put_varint(end, frame->line);
    return put_row(at, numbers, end, frame->function, frame->file);
}

uint8_t *htrail__put_mapping(uint8_t *at, htrail__row_state *state, const htrail_mapping *mapping)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = put_step(end, &state->last_id, mapping->start);
    end = put_step(end, &state->last_id, mapping->end);
    end = htrail__put_varint(end, mapping->category);
    end = htrail__put_varint(end, mapping->flags);
    end = htrail__put_varint(end, mapping->rss_bytes);
    end = htrail__put_varint(end, mapping->pss_bytes);
    end = htrail__put_varint(end, mapping->private_dirty_bytes);
    end = htrail__put_varint(end, mapping->swap_bytes);
    return put_row(at, numbers, end, mapping->path, (htrail_str){NULL, 0});
}

/* The caller's distance: a site and its caller mostly stand side by side. */
uint8_t *htrail__put_site(uint8_t *at, const htrail_site *site)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = htrail__put_varint(end, site->id);
    end = htrail__put_varint(end, site->caller == HTRAIL_NO_SITE ? 0 : site->id - site->caller);
    end = htrail__put_varint(end, site->line);
    return put_row(at, numbers, end, site->file, site->function);
}

uint8_t *htrail__put_site_of(uint8_t *at, htrail__row_state *state, const htrail_site_of *block)
{
    uint8_t numbers[HTRAIL__ROW_NUMBERS_MAX], *end = numbers;
    end = put_step(end, &state->last_id, block->address);
    end = htrail__put_varint(end, block->site);
    end = htrail__put_varint(end, block->size_bytes);
    end = htrail__put_varint(end, block->weight);
    return put_texts(at, numbers, end, NULL, 0);
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

static uint64_t next_step(htrail__cursor *in, uint64_t *last)
{
    return *last += (uint64_t)htrail__next_zigzag(in);
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

bool htrail__next_thread(htrail__cursor *in, htrail__row_state *state, htrail_thread *thread)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    thread->tid = next_step(&row, &state->last_thread);
    thread->ident = htrail__next_varint(&row);
    thread->object = htrail__next_varint(&row);
    thread->flags = next_u32(&row);
    thread->state = next_u32(&row);
    thread->start_ns = htrail__next_varint(&row);
    thread->user_ns = htrail__next_varint(&row);
    thread->system_ns = htrail__next_varint(&row);
    thread->name = next_text(&row);
    thread->comm = next_text(&row);
    thread->wait = next_text(&row);
    return !row.failed;
}

bool htrail__next_frame(htrail__cursor *in, htrail__row_state *state, htrail_frame *frame)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    frame->tid = next_step(&row, &state->last_thread);
    frame->ident = htrail__next_varint(&row);
    frame->object = next_step(&row, &state->last_id);
    frame->depth = next_u32(&row);
    frame->line = next_u32(&row);
    frame->function = next_text(&row);
    frame->file = next_text(&row);
    return !row.failed;
}

bool htrail__next_mapping(htrail__cursor *in, htrail__row_state *state, htrail_mapping *mapping)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    mapping->start = next_step(&row, &state->last_id);
    mapping->end = next_step(&row, &state->last_id);
    mapping->category = next_u32(&row);
    mapping->flags = next_u32(&row);
    mapping->rss_bytes = htrail__next_varint(&row);
    mapping->pss_bytes = htrail__next_varint(&row);
    mapping->private_dirty_bytes = htrail__next_varint(&row);
    mapping->swap_bytes = htrail__next_varint(&row);
    mapping->path = next_text(&row);
    return !row.failed;
}

bool htrail__next_site(htrail__cursor *in, htrail_site *site)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    site->id = next_u32(&row);
    uint32_t distance = next_u32(&row);
    site->line = next_u32(&row);
    site->file = next_text(&row);
    site->function = next_text(&row);
    site->caller = distance == 0 ? HTRAIL_NO_SITE : site->id - distance;
    return !row.failed && distance <= site->id && site->id != HTRAIL_NO_SITE;
}

bool htrail__next_site_of(htrail__cursor *in, htrail__row_state *state, htrail_site_of *block)
{
    htrail__cursor row;
    if (!next_row(in, &row))
        return false;
    block->address = next_step(&row, &state->last_id);
    block->site = next_u32(&row);
    block->size_bytes = htrail__next_varint(&row);
    block->weight = htrail__next_varint(&row);
    return !row.failed && (block->weight == 0 || block->weight >= HTRAIL_WEIGHT_ONE);
}
