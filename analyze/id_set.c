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

htrail_status htrail__id_set_add_query(htrail__id_set *set, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_OK;
    int stepped = SQLITE_ERROR;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK)
        while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW)
            status = htrail__id_set_add(set, (uint64_t)sqlite3_column_int64(statement, 0));
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = HTRAIL_E_DATABASE;
    sqlite3_finalize(statement);
    return status;
}

void htrail__id_set_release(htrail__id_set *set)
{
    free(set->words);
    *set = (htrail__id_set){0};
}
