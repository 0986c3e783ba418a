/* extension/names.c - see the header. */
#include "extension/names.h"

#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

enum { ROOM_FIRST = 1024 };

static struct htrail__names_entry *place_of(const htrail__names *names, uint64_t key)
{
    for (uint64_t at = key * 0x9e3779b97f4a7c15 >> 24;; at++) {
        struct htrail__names_entry *entry = &names->entries[at & (names->room - 1)];
        if (entry->key == key || entry->key == 0)
            return entry;
    }
}

static bool grow(htrail__names *names)
{
    htrail__names grown = *names;
    grown.room = names->room ? names->room * 2 : ROOM_FIRST;
    grown.entries = calloc(grown.room, sizeof *grown.entries);
    if (grown.entries == NULL)
        return false;
    for (size_t i = 0; i < names->room; i++)
        if (names->entries[i].key != 0)
            *place_of(&grown, names->entries[i].key) = names->entries[i];
    free(names->entries);
    *names = grown;
    return true;
}

struct htrail__names_entry *htrail__names_entry(htrail__names *names, uint64_t key, bool is_made)
{
    if (is_made && names->count >= names->room / 2 && !grow(names))
        return NULL;
    if (names->room == 0 || key == 0)
        return NULL;
    struct htrail__names_entry *entry = place_of(names, key);
    if (entry->key == key)
        return entry;
    if (!is_made)
        return NULL;
    entry->key = key;
    names->count++;
    return entry;
}

htrail_status htrail__names_add(htrail__names *names, htrail_label key, htrail_str text)
{
    if (key == 0)
        return HTRAIL_OK;
    struct htrail__names_entry *entry = htrail__names_entry(names, key, true);
    if (entry == NULL)
        return HTRAIL_E_NOMEM;
    if (entry->text != 0)
        return HTRAIL_OK;
    if (!htrail__utf8_is_clean(text)) {
        char *clean = htrail__utf8_copy(text);
        htrail_status status = clean == NULL ? HTRAIL_E_NOMEM : htrail__names_add(names, key, (htrail_str){clean, strlen(clean)});
        free(clean);
        return status;
    }
    if (names->text_room - names->text_bytes < text.len + 1) {
        size_t room = (names->text_room ? names->text_room * 2 : 1 << 16) + text.len + 1;
        char *texts = realloc(names->texts, room);
        if (texts == NULL)
            return HTRAIL_E_NOMEM;
        names->texts = texts;
        names->text_room = room;
    }
    entry->text = names->text_bytes + 1;
    if (text.len > 0)
        memcpy(names->texts + names->text_bytes, text.data, text.len);
    names->texts[names->text_bytes + text.len] = '\0';
    names->text_bytes += text.len + 1;
    return HTRAIL_OK;
}

const char *htrail__names_get(const htrail__names *names, htrail_label key)
{
    if (names->room == 0 || key == 0)
        return NULL;
    const struct htrail__names_entry *entry = place_of(names, key);
    return entry->key == key && entry->text != 0 ? names->texts + entry->text - 1 : NULL;
}

void htrail__names_release(htrail__names *names)
{
    free(names->texts);
    free(names->entries);
    *names = (htrail__names){0};
}

htrail_status htrail__texts_map_set(htrail__texts_map *map, htrail_str key, htrail_str value)
{
    struct htrail__texts_pair added = {htrail__utf8_copy(key), htrail__utf8_copy(value)};
    size_t at = 0;
    if (added.key == NULL || added.value == NULL)
        goto drop;
    while (at < map->count && strcmp(map->pairs[at].key, added.key) < 0)
        at++;
    if (at < map->count && strcmp(map->pairs[at].key, added.key) == 0) {
        free(map->pairs[at].value);
        free(added.key);
        map->pairs[at].value = added.value;
        return HTRAIL_OK;
    }
    struct htrail__texts_pair *pairs = realloc(map->pairs, (map->count + 1) * sizeof *pairs);
    if (pairs == NULL)
        goto drop;
    map->pairs = pairs;
    memmove(pairs + at + 1, pairs + at, (map->count - at) * sizeof *pairs);
    pairs[at] = added;
    map->count++;
    return HTRAIL_OK;
drop:
    free(added.key);
    free(added.value);
    return HTRAIL_E_NOMEM;
}

void htrail__texts_map_release(htrail__texts_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->pairs[i].key);
        free(map->pairs[i].value);
    }
    free(map->pairs);
    *map = (htrail__texts_map){0};
}
