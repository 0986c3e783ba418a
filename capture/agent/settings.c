/* capture/agent/settings.c - a table of names, and how each value is read. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <htrail/capture.h>

#include "capture/agent/settings.h"
#include "capture/agent/signal_name.h"
#include "capture/pause/mode.h"

enum { NAME_CAP = 32, EVERY_MIN_MS = 100 };

static bool fail(char *error, size_t error_cap, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *error, size_t error_cap, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(error, error_cap, format, values);
    va_end(values);
    return false;
}

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

static const unit times_in_ms[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000}, {NULL, 0}};
static const unit bytes[] = {{"", 1}, {"K", 1 << 10}, {"k", 1 << 10}, {"M", 1 << 20}, {"m", 1 << 20}, {"G", 1 << 30}, {"g", 1 << 30}, {NULL, 0}};
static const unit percents[] = {{"", 1}, {"%", 1}, {NULL, 0}};
static const unit counts[] = {{"", 1}, {NULL, 0}};

/* A number more than 0 with a unit behind it; a fraction is allowed where a unit is. */
static bool parse(const char *text, const unit *units, uint64_t most, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    double number = strtod(text, &end);
    if (errno != 0 || text[strspn(text, "0123456789.")] != *end || (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
        return false;
    for (const unit *at = units; at->name != NULL; at++) {
        if (strcmp(at->name, end) != 0)
            continue;
        number *= (double)at->factor;
        *out = number > 0 && number <= (double)most ? (uint64_t)number : 0;
        return *out > 0;
    }
    return false;
}

static bool set_dir(htrail__settings *settings, const char *value)
{
    return value[0] != '\0' && snprintf(settings->dir, sizeof settings->dir, "%s", value) < (int)sizeof settings->dir;
}

static bool set_every(htrail__settings *settings, const char *value)
{
    return parse(value, times_in_ms, UINT64_C(366) * 86400 * 1000, &settings->every_ms) && settings->every_ms >= EVERY_MIN_MS;
}

static bool set_keep(htrail__settings *settings, const char *value)
{
    uint64_t number;
    bool good = parse(value, counts, HTRAIL__SETTINGS_KEEP_MAX, &number);
    settings->keep = good ? (uint32_t)number : 0;
    return good;
}

static bool set_rss(htrail__settings *settings, const char *value)
{
    return parse(value, bytes, UINT64_C(1) << 62, &settings->rss_bytes);
}

static bool set_grow(htrail__settings *settings, const char *value)
{
    uint64_t number;
    bool good = parse(value, percents, 1000000, &number);
    settings->grow_percent = good ? (uint32_t)number : 0;
    return good;
}

static bool set_signal(htrail__settings *settings, const char *value)
{
    settings->signal_number = htrail__signal_number(value);
    return settings->signal_number > 0;
}

static bool set_max_pause(htrail__settings *settings, const char *value)
{
    uint64_t ms;
    bool good = parse(value, times_in_ms, UINT64_C(86400) * 1000, &ms);
    settings->max_pause_ns = good ? ms * 1000000u : 0;
    return good;
}

static bool set_max_bytes(htrail__settings *settings, const char *value)
{
    return parse(value, bytes, UINT64_C(1) << 62, &settings->max_bytes);
}

static bool set_sample(htrail__settings *settings, const char *value)
{
    return parse(value, bytes, UINT64_C(1) << 60, &settings->sample_bytes);
}

static bool set_max_memory(htrail__settings *settings, const char *value)
{
    return parse(value, bytes, UINT64_C(1) << 62, &settings->max_memory_bytes);
}

static bool set_mode(htrail__settings *settings, const char *value)
{
    htrail_capture_mode mode;
    if (!htrail__mode_parse(value, &mode))
        return false;
    settings->mode_given = (uint32_t)mode + 1;
    return true;
}

static void set_exit(htrail__settings *settings) { settings->at_exit = true; }
static void set_memory_error(htrail__settings *settings) { settings->on_memory_error = true; }
static void set_children(htrail__settings *settings) { settings->children = true; }
static void set_hashes(htrail__settings *settings) { settings->flags |= HTRAIL_CPYTHON_HASHES; }
static void set_contents(htrail__settings *settings) { settings->flags |= HTRAIL_CPYTHON_CONTENTS; }
static void set_no_cmdline(htrail__settings *settings) { settings->flags |= HTRAIL_CPYTHON_NO_CMDLINE; }

static const struct {
    const char *name;
    bool (*value)(htrail__settings *settings, const char *value);
    void (*plain)(htrail__settings *settings);
    const char *wanted; /* "'x' is no ..." */
} table[] = {
    {"dir", set_dir, NULL, "folder"},
    {"every", set_every, NULL, "time of 100 ms or more: a number with ms, s, m, h or d behind it"},
    {"keep", set_keep, NULL, "number of snapshots from 1 to 10000"},
    {"rss", set_rss, NULL, "number of bytes (K, M, G)"},
    {"grow", set_grow, NULL, "percentage"},
    {"signal", set_signal, NULL, "signal that a program may use: USR1, USR2, RTMIN+1 or such"},
    {"sample", set_sample, NULL, "number of bytes (K, M, G)"},
    {"exit", NULL, set_exit, NULL},
    {"memory-error", NULL, set_memory_error, NULL},
    {"children", NULL, set_children, NULL},
    {"hashes", NULL, set_hashes, NULL},
    {"contents", NULL, set_contents, NULL},
    {"no-cmdline", NULL, set_no_cmdline, NULL},
    {"max-pause", set_max_pause, NULL, "time: a number with ms, s, m, h or d behind it"},
    {"max-bytes", set_max_bytes, NULL, "number of bytes (K, M, G)"},
    {"max-memory", set_max_memory, NULL, "number of bytes (K, M, G)"},
    {"mode", set_mode, NULL, "mode: fork, in-place or auto"},
};

bool htrail__settings_set(htrail__settings *settings, const char *name, const char *value, char *error, size_t error_cap)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (table[i].plain != NULL) {
            if (value != NULL)
                return fail(error, error_cap, "setting '%s' takes no value", name);
            table[i].plain(settings);
            return true;
        }
        if (value == NULL)
            return fail(error, error_cap, "setting '%s' needs a value", name);
        return table[i].value(settings, value) || fail(error, error_cap, "'%s' for '%s' is no %s", value, name, table[i].wanted);
    }
    return fail(error, error_cap, "there is no setting '%s'", name);
}

/* Up to the next comma that no backslash precedes; *at moves behind it. */
static bool next_setting(const char **at, char *out, size_t out_cap)
{
    size_t used = 0;
    for (; **at != '\0' && **at != ','; (*at)++) {
        if (**at == '\\' && ((*at)[1] == ',' || (*at)[1] == '\\'))
            (*at)++;
        if (used + 1 >= out_cap)
            return false;
        out[used++] = **at;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    *at += **at == ',';
    return true;
}

bool htrail__settings_parse(htrail__settings *settings, const char *text, char *error, size_t error_cap)
{
    char setting[HTRAIL__SETTINGS_DIR_CAP + NAME_CAP];
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, " ");
        if (!next_setting(&at, setting, sizeof setting))
            return fail(error, error_cap, "a setting is longer than %d bytes", HTRAIL__SETTINGS_DIR_CAP);
        char *value = strchr(setting, '=');
        if (value != NULL)
            *value++ = '\0';
        if ((setting[0] != '\0' || value != NULL) && !htrail__settings_set(settings, setting, value, error, error_cap))
            return false;
    }
    return true;
}

bool htrail__settings_format(const htrail__settings *settings, char *text, size_t text_cap)
{
    size_t used = 0;
    int more = snprintf(text, text_cap, "dir=");
    if (text_cap < 8)
        return false;
    used = (size_t)more;
    for (const char *at = settings->dir; *at != '\0'; at++) {
        if (used + 3 >= text_cap)
            return false;
        if (*at == ',' || *at == '\\')
            text[used++] = '\\';
        text[used++] = *at;
    }
    text[used] = '\0';
    if (settings->dir[0] == '\0')
        text[used = 0] = '\0';
    const struct {
        const char *name;
        uint64_t value;
        const char *unit;
    } numbers[] = {{"every", settings->every_ms, "ms"}, {"keep", settings->keep, ""}, {"rss", settings->rss_bytes, ""},
                   {"grow", settings->grow_percent, "%"}, {"signal", (uint64_t)settings->signal_number, ""},
                   {"max-pause", settings->max_pause_ns / 1000000u, "ms"}, {"max-bytes", settings->max_bytes, ""},
                   {"max-memory", settings->max_memory_bytes, ""}, {"sample", settings->sample_bytes, ""}};
    const struct {
        const char *name;
        bool value;
    } switches[] = {{"exit", settings->at_exit}, {"memory-error", settings->on_memory_error}, {"children", settings->children},
                    {"hashes", settings->flags & HTRAIL_CPYTHON_HASHES}, {"contents", settings->flags & HTRAIL_CPYTHON_CONTENTS},
                    {"no-cmdline", settings->flags & HTRAIL_CPYTHON_NO_CMDLINE}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && used < text_cap; i++)
        if (numbers[i].value > 0)
            used += (size_t)snprintf(text + used, text_cap - used, "%s%s=%" PRIu64 "%s", used ? "," : "", numbers[i].name, numbers[i].value, numbers[i].unit);
    if (settings->mode_given != 0 && used < text_cap)
        used += (size_t)snprintf(text + used, text_cap - used, "%smode=%s", used ? "," : "", htrail__mode_name((htrail_capture_mode)(settings->mode_given - 1)));
    for (size_t i = 0; i < sizeof switches / sizeof *switches && used < text_cap; i++)
        if (switches[i].value)
            used += (size_t)snprintf(text + used, text_cap - used, "%s%s", used ? "," : "", switches[i].name);
    return used < text_cap;
}

bool htrail__settings_has_trigger(const htrail__settings *settings)
{
    return settings->every_ms > 0 || settings->rss_bytes > 0 || settings->grow_percent > 0 || settings->signal_number > 0 ||
           settings->at_exit || settings->on_memory_error;
}
