/* analyze/str.h - small questions about borrowed texts. */
#ifndef HTRAIL_ANALYZE_STR_H
#define HTRAIL_ANALYZE_STR_H

#include <stdbool.h>
#include <string.h>
#include <htrail/types.h>

static inline bool htrail__str_is(htrail_str text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || memcmp(text.data, word, text.len) == 0);
}

static inline bool htrail__str_starts(htrail_str text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && (len == 0 || memcmp(text.data, word, len) == 0);
}

static inline bool htrail__str_ends(htrail_str text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && (len == 0 || memcmp(text.data + text.len - len, word, len) == 0);
}

/* words ends in NULL. */
static inline bool htrail__str_is_one_of(htrail_str text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (htrail__str_is(text, *words))
            return true;
    return false;
}

#endif
