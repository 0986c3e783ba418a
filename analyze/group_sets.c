/* analyze/group_sets.c - see the header. What was asked before stands in a table of fixed size, where a later
 * question may take its place: the sets themselves are found again by what is in them. */
#include "analyze/group_sets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED_BITS = 15, PLACES_FIRST = 1 << 10, MEMBERS_FIRST = 1 << 12, MEMBERS_MAX = 1 << 24 };

typedef struct asked {
    uint64_t question; /* 0: none */
    uint32_t answer;
} asked;

struct htrail__group_sets {
    uint32_t *members, *starts; /* starts: by set, and where the last ends */
    uint32_t count, starts_room, members_room;
    uint32_t *places, place_count; /* by hash: set + 1 */
    asked *added, *intersected;
    uint64_t steps, steps_max;
};

static uint64_t mixed(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return value ^ value >> 29;
}

static uint32_t hash_of(const uint32_t *members, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = mixed(hash + members[i] + 1);
    return (uint32_t)(hash >> 16);
}

static size_t length(const htrail__group_sets *s, uint32_t set) { return s->starts[set + 1] - s->starts[set]; }

htrail__group_set htrail__group_sets_get(const htrail__group_sets *s, uint32_t set)
{
    return (htrail__group_set){s->members + s->starts[set], length(s, set)};
}

htrail_status htrail__group_sets_open(htrail__group_sets **out, uint64_t steps_max)
{
    htrail__group_sets *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return HTRAIL_E_NOMEM;
    s->count = 1; /* the empty one */
    s->steps_max = steps_max;
    s->place_count = s->starts_room = PLACES_FIRST;
    s->members_room = MEMBERS_FIRST;
    s->members = malloc(s->members_room * sizeof *s->members);
    s->starts = calloc(s->starts_room, sizeof *s->starts);
    s->places = calloc(s->place_count, sizeof *s->places);
    s->added = calloc(1 << ASKED_BITS, sizeof *s->added);
    s->intersected = calloc(1 << ASKED_BITS, sizeof *s->intersected);
    if (s->members == NULL || s->starts == NULL || s->places == NULL || s->added == NULL || s->intersected == NULL) {
        htrail__group_sets_free(s);
        *out = NULL;
        return HTRAIL_E_NOMEM;
    }
    s->places[hash_of(NULL, 0) & (s->place_count - 1)] = 1;
    return HTRAIL_OK;
}

void htrail__group_sets_free(htrail__group_sets *s)
{
    if (s == NULL)
        return;
    free(s->members);
    free(s->starts);
    free(s->places);
    free(s->added);
    free(s->intersected);
    free(s);
}

/* Room for a set of count more members, which stand behind those of the last one until it is known whether they are new. */
static htrail_status make_room(htrail__group_sets *s, size_t count)
{
    size_t used = s->starts[s->count];

    s->steps += count + 1;
    if (s->steps > s->steps_max || used + count > MEMBERS_MAX)
        return HTRAIL_E_LIMIT;
    if (used + count > s->members_room) {
        size_t room = (used + count) * 2;
        uint32_t *grown = realloc(s->members, room * sizeof *grown);
        if (grown == NULL)
            return HTRAIL_E_NOMEM;
        s->members = grown;
        s->members_room = (uint32_t)room;
    }
    if (s->count + 2 > s->starts_room) {
        uint32_t *grown = realloc(s->starts, 2 * (size_t)s->starts_room * sizeof *grown);
        if (grown == NULL)
            return HTRAIL_E_NOMEM;
        s->starts = grown;
        s->starts_room *= 2;
    }
    return HTRAIL_OK;
}

static void put(htrail__group_sets *s, uint32_t set)
{
    uint32_t at = hash_of(s->members + s->starts[set], length(s, set)) & (s->place_count - 1);
    while (s->places[at] != 0)
        at = (at + 1) & (s->place_count - 1);
    s->places[at] = set + 1;
}

static htrail_status grow_places(htrail__group_sets *s)
{
    uint32_t *grown = calloc((size_t)s->place_count * 2, sizeof *grown);
    if (grown == NULL)
        return HTRAIL_E_NOMEM;
    free(s->places);
    s->places = grown;
    s->place_count *= 2;
    for (uint32_t set = 0; set < s->count; set++)
        put(s, set);
    return HTRAIL_OK;
}

/* The number of what stands behind the last set. */
static htrail_status find_or_keep(htrail__group_sets *s, size_t count, uint32_t *out)
{
    const uint32_t *members = s->members + s->starts[s->count];
    uint32_t at = hash_of(members, count) & (s->place_count - 1);

    for (; s->places[at] != 0; at = (at + 1) & (s->place_count - 1)) {
        uint32_t set = s->places[at] - 1;
        if (length(s, set) == count && memcmp(s->members + s->starts[set], members, count * sizeof *members) == 0) {
            *out = set;
            return HTRAIL_OK;
        }
    }
    *out = s->count++;
    s->starts[s->count] = s->starts[*out] + (uint32_t)count;
    s->places[at] = *out + 1;
    return s->count > s->place_count / 2 ? grow_places(s) : HTRAIL_OK;
}

static asked *look_up(asked *table, uint64_t question) { return &table[mixed(question) >> (64 - ASKED_BITS - 20) & ((1 << ASKED_BITS) - 1)]; }

htrail_status htrail__group_sets_add(htrail__group_sets *s, uint32_t set, uint32_t kind, const uint32_t *added, size_t added_count,
                                     uint32_t *out)
{
    uint64_t question = ((uint64_t)set << 32 | kind) + 1;
    asked *known = look_up(s->added, question);
    size_t before = length(s, set), count = 0, left = 0, right = 0;
    htrail_status status;

    if (known->question == question) {
        *out = known->answer;
        return HTRAIL_OK;
    }
    if ((status = make_room(s, before + added_count)) != HTRAIL_OK)
        return status;
    const uint32_t *old = s->members + s->starts[set];
    uint32_t *to = s->members + s->starts[s->count];
    while (left < before || right < added_count) {
        bool takes_old = right == added_count || (left < before && old[left] <= added[right]);
        uint32_t member = takes_old ? old[left] : added[right];
        left += left < before && old[left] == member;
        right += right < added_count && added[right] == member;
        to[count++] = member;
    }
    status = find_or_keep(s, count, out);
    *known = (asked){question, *out};
    return status;
}

htrail_status htrail__group_sets_intersect(htrail__group_sets *s, uint32_t left, uint32_t right, uint32_t *out)
{
    uint32_t low = left < right ? left : right, high = left < right ? right : left;
    uint64_t question = ((uint64_t)low << 32 | high) + 1;
    asked *known = look_up(s->intersected, question);
    size_t count = 0;
    htrail_status status;

    if (low == high || low == 0 || high == HTRAIL__GROUP_SETS_EVERYTHING) {
        *out = low;
        return HTRAIL_OK;
    }
    if (known->question == question) {
        *out = known->answer;
        return HTRAIL_OK;
    }
    size_t lows = length(s, low), highs = length(s, high);
    if ((status = make_room(s, lows + highs)) != HTRAIL_OK)
        return status;
    const uint32_t *one = s->members + s->starts[low], *other = s->members + s->starts[high];
    uint32_t *to = s->members + s->starts[s->count];
    for (size_t i = 0, j = 0; i < lows && j < highs;) {
        if (one[i] == other[j]) {
            to[count++] = one[i];
            i++, j++;
        } else if (one[i] < other[j]) {
            i++;
        } else {
            j++;
        }
    }
    status = find_or_keep(s, count, out);
    *known = (asked){question, *out};
    return status;
}
