/* analyze/near.c - see the header. */
#include "analyze/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NO_MATCH = 1000, OF_PART = 1, OF_OTHER_CASE = 0, OF_BEGIN = 8 };

static unsigned lower(char c) { return (unsigned)tolower((unsigned char)c); }

static bool is_same_but_case(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

/* Letters to add, leave out, change or swap with the next one. Both are short. */
static unsigned edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][HTRAIL__NEAR_BYTES_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned best = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_len];
}

static unsigned distance_of(const char *wanted, size_t wanted_len, const char *name, size_t len)
{
    if (wanted_len == len && is_same_but_case(wanted, name, len))
        return OF_OTHER_CASE;
    if (wanted_len >= 3 && len > wanted_len && is_same_but_case(wanted, name, wanted_len))
        return OF_BEGIN;
    unsigned found = edits(wanted, wanted_len, name, len);
    return found <= wanted_len / 3 && found < len ? 1 + found : NO_MATCH;
}

void htrail__near_look(htrail__near *near, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0, wanted_len = strlen(near->wanted);
    if (len == 0 || len >= HTRAIL__NEAR_BYTES_MAX || wanted_len == 0 || wanted_len >= HTRAIL__NEAR_BYTES_MAX)
        return;
    unsigned distance = distance_of(near->wanted, wanted_len, name, len);
    /* The last part of a dotted name stands for all of it. */
    const char *dot = strrchr(name, '.'), *wanted_dot = strrchr(near->wanted, '.');
    if (dot != NULL) {
        unsigned of_part = OF_PART + distance_of(near->wanted, wanted_len, dot + 1, len - (size_t)(dot + 1 - name));
        distance = of_part < distance ? of_part : distance;
    }
    if (wanted_dot != NULL) {
        const char *part = dot != NULL ? dot + 1 : name;
        size_t part_len = strlen(part);
        if (part_len == strlen(wanted_dot + 1) && is_same_but_case(part, wanted_dot + 1, part_len) && 3 < distance)
            distance = 3;
    }
    if (distance >= NO_MATCH)
        return;
    for (size_t i = 0; i < near->count; i++)
        if (strcmp(near->names[i], name) == 0)
            return;
    size_t at = near->count;
    while (at > 0 && (near->distances[at - 1] > distance || (near->distances[at - 1] == distance && strcmp(near->names[at - 1], name) > 0)))
        at--;
    if (at == HTRAIL__NEAR_MAX)
        return;
    near->count += near->count < HTRAIL__NEAR_MAX;
    for (size_t i = near->count - 1; i > at; i--) {
        memcpy(near->names[i], near->names[i - 1], HTRAIL__NEAR_BYTES_MAX);
        near->distances[i] = near->distances[i - 1];
    }
    memcpy(near->names[at], name, len + 1);
    near->distances[at] = distance;
}

void htrail__near_look_in(htrail__near *near, sqlite3 *db, const char *sql, const char *bound)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(statement) > 0)
            sqlite3_bind_text(statement, 1, bound, -1, SQLITE_STATIC);
        while (sqlite3_step(statement) == SQLITE_ROW)
            htrail__near_look(near, (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
}

void htrail__near_append(const htrail__near *near, char *message, size_t message_cap)
{
    for (size_t i = 0; i < near->count; i++) {
        size_t used = strlen(message);
        snprintf(message + used, message_cap - used, "%s'%s'%s", i == 0 ? ": is it " : i + 1 == near->count ? " or " : ", ", near->names[i], i + 1 == near->count ? "?" : "");
    }
}
