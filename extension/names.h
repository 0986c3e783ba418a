/* extension/names.h - texts that references are labelled with: strings of the file by their id, names of objects by
 * their address; and texts by texts, for facts. All of a map is released at once. */
#ifndef HTRAIL_EXTENSION_NAMES_H
#define HTRAIL_EXTENSION_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <htrail/status.h>
#include <htrail/types.h>

typedef struct htrail__names {
    char *texts;              /* each ends in a NUL */
    size_t text_bytes, text_room;
    struct htrail__names_entry {
        uint64_t key;
        size_t text;                      /* place in texts + 1; 0: none */
        uint64_t next_index, next_stack, key_object; /* of an object in parts: where its references go on */
    } *entries;
    size_t count, room;
} htrail__names;

/* Keys: addresses of objects are even, ids of strings are odd (HTRAIL_LABEL_STRING), as in htrail_label. The first text
 * of a key stays. HTRAIL_OK or HTRAIL_E_NOMEM. */
HTRAIL_MUST_CHECK htrail_status htrail__names_add(htrail__names *names, htrail_label key, htrail_str text);
/* NULL: none. Valid until the next add. */
const char *htrail__names_get(const htrail__names *names, htrail_label key);

/* The entry of a key, made if there is none (is_made); NULL: none, or memory is out. */
struct htrail__names_entry *htrail__names_entry(htrail__names *names, uint64_t key, bool is_made);
void htrail__names_release(htrail__names *names);

/* Few texts by text, in their order; the last value of a key stays. */
typedef struct htrail__texts_map {
    struct htrail__texts_pair { char *key, *value; } *pairs;
    size_t count;
} htrail__texts_map;

HTRAIL_MUST_CHECK htrail_status htrail__texts_map_set(htrail__texts_map *map, htrail_str key, htrail_str value);
void htrail__texts_map_release(htrail__texts_map *map);

#endif
