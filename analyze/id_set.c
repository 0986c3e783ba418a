/* analyze/id_set.c - see the header. */
#include "analyze/id_set.h"

#include <stdlib.h>
#include <string.h>

/* What a database claims to be an id takes no more than this: 2^33 ids. */
static const uint64_t WORDS_MAX = UINT64_C(1) << 27;

htrail_status htrail__id_set_add(htrail__id_set *set, uint64_t id)
{
    uint64_t word = id >> 6;
    if (word >= WORDS_MAX)
        return HTRAIL_E_LIMIT;
    if (word >= set->word_count) {
        size_t room = set->word_count ? set->word_count * 2 : 1024;
        while (room <= word)
            room *= 2;
        uint64_t *larger = realloc(set->words, room * sizeof *larger);
        if (larger == NULL)
            return HTRAIL_E_NOMEM;
        memset(larger + set->word_count, 0, (room - set->word_count) * sizeof *larger);
        set->words = larger;
        set->word_count = room;
    }
    set->count += !htrail__id_set_has(set, id);
    set->words[word] |= UINT64_C(1) << (id & 63);
    return HTRAIL_OK;
}

void htrail__id_set_release(htrail__id_set *set)
{
    free(set->words);
    *set = (htrail__id_set){0};
}
