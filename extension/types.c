/* extension/types.c - see the header. */
#include "extension/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

enum { SLOTS_FIRST = 1024, TEXT_BYTES_MAX = 1024 };

static uint32_t *slot_of(const htrail__types *types, uint64_t address)
{
    for (uint64_t at = address * 0x9e3779b97f4a7c15 >> 32;; at++) {
        uint32_t *slot = &types->slots[at & (types->slot_count - 1)];
        if (*slot == 0 || types->items[*slot - 1].address == address)
            return slot;
    }
}

static htrail_status grow(htrail__types *types)
{
    uint32_t room = types->room ? types->room * 2 : SLOTS_FIRST / 2;
    htrail__scan_type *items = realloc(types->items, (size_t)room * sizeof *items);
    uint32_t *slots = calloc((size_t)room * 2, sizeof *slots);
    if (items != NULL)
        types->items = items;
    if (items == NULL || slots == NULL) {
        free(slots);
        return HTRAIL_E_NOMEM;
    }
    free(types->slots);
    types->slots = slots;
    types->slot_count = room * 2;
    types->room = room;
    for (uint32_t i = 0; i < types->count; i++)
        *slot_of(types, types->items[i].address) = i + 1;
    return HTRAIL_OK;
}

static bool is_builtin(htrail_str module)
{
    return module.len == 0 || (module.len == 8 && memcmp(module.data, "builtins", 8) == 0) ||
           (module.len == 11 && memcmp(module.data, "__builtin__", 11) == 0);
}

static void free_texts(const htrail__scan_type *type)
{
    free(type->module);
    free(type->qualname);
    free(type->name);
}

htrail_status htrail__types_add(htrail__types *types, const htrail_type *type, const char *wanted)
{
    if (types->count == types->room && grow(types) != HTRAIL_OK)
        return HTRAIL_E_NOMEM;
    uint32_t *slot = slot_of(types, type->id);
    if (*slot != 0)
        return HTRAIL_OK;
    char full[2 * TEXT_BYTES_MAX + 2];
    int name_len = (int)(type->name.len < TEXT_BYTES_MAX ? type->name.len : TEXT_BYTES_MAX);
    int module_len = is_builtin(type->module) ? 0 : (int)(type->module.len < TEXT_BYTES_MAX ? type->module.len : TEXT_BYTES_MAX);
    int len = snprintf(full, sizeof full, "%.*s%s%.*s", module_len, module_len > 0 ? type->module.data : "", module_len > 0 ? "." : "",
                       name_len, name_len > 0 ? type->name.data : "");
    htrail__scan_type added = {.address = type->id, .base = type->base, .basic_bytes = type->basic_bytes, .item_bytes = type->item_bytes,
                               .module = htrail__utf8_copy(type->module), .qualname = htrail__utf8_copy(type->name),
                               .name = htrail__utf8_copy((htrail_str){full, (size_t)len}), .flags = type->flags};
    types->items[types->count] = added;
    if (added.module == NULL || added.qualname == NULL || added.name == NULL) {
        free_texts(&added);
        return HTRAIL_E_NOMEM;
    }
    types->items[types->count].is_wanted = wanted == NULL || strcmp(wanted, added.name) == 0;
    *slot = ++types->count;
    return HTRAIL_OK;
}

htrail_status htrail__types_find(htrail__types *types, uint64_t address, const char *wanted, uint32_t *number)
{
    char name[48];
    if (types->count > 0 && types->last_address == address) {
        *number = types->last;
        return HTRAIL_OK;
    }
    if (types->count == 0 || *slot_of(types, address) == 0) {
        snprintf(name, sizeof name, "unknown type 0x%" PRIx64, address);
        htrail_status status = htrail__types_add(types, &(htrail_type){.id = address, .name = {name, strlen(name)}}, wanted);
        if (status != HTRAIL_OK)
            return status;
    }
    types->last_address = address;
    *number = types->last = *slot_of(types, address) - 1;
    return HTRAIL_OK;
}

void htrail__types_release(htrail__types *types)
{
    for (uint32_t i = 0; i < types->count; i++)
        free_texts(&types->items[i]);
    free(types->items);
    free(types->slots);
    *types = (htrail__types){0};
}
