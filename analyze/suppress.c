/* analyze/suppress.c - see the header. */
#include "analyze/suppress.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERNS_MAX = 100000 };

bool htrail__wildcard_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern == '?' || (*pattern == *text && *pattern != '\0')) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static htrail_status add(htrail__suppressions *out, const char *pattern, unsigned line)
{
    if (out->count == PATTERNS_MAX)
        return HTRAIL_E_LIMIT;
    htrail__suppression *larger = realloc(out->items, (out->count + 1) * sizeof *larger);
    if (larger == NULL)
        return HTRAIL_E_NOMEM;
    out->items = larger;
    larger[out->count] = (htrail__suppression){.pattern = strdup(pattern), .line = line};
    return larger[out->count++].pattern == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

htrail_status htrail__suppressions_read(htrail__suppressions *out, const char *file, char *message, size_t message_cap)
{
    htrail_status status = HTRAIL_OK;
    char *line = NULL;
    size_t room = 0;
    *out = (htrail__suppressions){0};
    FILE *stream = fopen(file, "r");
    if (stream == NULL) {
        snprintf(message, message_cap, "cannot read '%s': %s", file, strerror(errno));
        return HTRAIL_E_IO;
    }
    for (unsigned number = 1; status == HTRAIL_OK && getline(&line, &room, stream) >= 0; number++) {
        char *start = line, *end;
        while (isspace((unsigned char)*start))
            start++;
        for (end = start + strlen(start); end > start && isspace((unsigned char)end[-1]); end--)
            end[-1] = '\0';
        if (*start != '\0' && *start != '#')
            status = add(out, start, number);
    }
    if (status == HTRAIL_E_LIMIT) {
        snprintf(message, message_cap, "cannot read '%s': it has more than %d patterns", file, PATTERNS_MAX);
    } else if (status != HTRAIL_OK) {
        snprintf(message, message_cap, "cannot read '%s': out of memory", file);
    } else if (ferror(stream)) {
        snprintf(message, message_cap, "cannot read '%s': %s", file, strerror(errno));
        status = HTRAIL_E_IO;
    }
    free(line);
    fclose(stream);
    return status;
}

/* As `why` takes a type: by its full name or the last part of it. */
static bool matches_type(const char *pattern, const char *type)
{
    const char *last = strrchr(type, '.');
    return type[0] != '\0' && (htrail__wildcard_matches(pattern, type) || (last != NULL && htrail__wildcard_matches(pattern, last + 1)));
}

static bool matches(const char *pattern, const char *const *places, const char *const *types, const char *kind)
{
    if (strncmp(pattern, "type:", 5) == 0) {
        for (; *types != NULL; types++)
            if (matches_type(pattern + 5, *types))
                return true;
        return false;
    }
    if (strncmp(pattern, "kind:", 5) == 0)
        return htrail__wildcard_matches(pattern + 5, kind);
    for (; *places != NULL; places++)
        if (**places != '\0' && htrail__wildcard_matches(pattern, *places))
            return true;
    return false;
}

const htrail__suppression *htrail__suppressions_match(htrail__suppressions *suppressions, const char *const *places, const char *const *types, const char *kind)
{
    for (size_t i = 0; i < suppressions->count; i++)
        if (matches(suppressions->items[i].pattern, places, types, kind)) {
            suppressions->items[i].used = true;
            return &suppressions->items[i];
        }
    return NULL;
}

void htrail__suppressions_release(htrail__suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->count; i++)
        free(suppressions->items[i].pattern);
    free(suppressions->items);
    *suppressions = (htrail__suppressions){0};
}
