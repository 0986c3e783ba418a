/* capture/agent/environment.c - the variables that carry the agent into a process. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/agent/environment.h"

#define PRELOAD "LD_PRELOAD"

int htrail__agent_environment_set(const htrail__agent_environment *environment, const char *preload)
{
    char *value = NULL;
    const char *before = getenv(PRELOAD);
    int result = 0;

    if (asprintf(&value, "%ld:%" PRIu32 ":%s:%s", (long)environment->pid, environment->flags, environment->versions,
                 environment->dir) < 0)
        return ENOMEM;
    if (setenv(HTRAIL__AGENT_VARIABLE, value, 1) != 0)
        result = errno;
    free(value);
    value = NULL;
    if (result == 0 && asprintf(&value, "%s%s%s", before ? before : "", before && *before ? ":" : "", preload) < 0)
        return ENOMEM;
    if (result == 0 && setenv(PRELOAD, value, 1) != 0)
        result = errno;
    free(value);
    return result;
}

/* The text up to the next colon; NULL when there is none or it does not fit. */
static const char *take_field(const char *at, char *field, size_t field_cap)
{
    const char *end = at ? strchr(at, ':') : NULL;
    if (end == NULL || (size_t)(end - at) >= field_cap)
        return NULL;
    memcpy(field, at, (size_t)(end - at));
    field[end - at] = '\0';
    return end + 1;
}

bool htrail__agent_environment_get(htrail__agent_environment *environment)
{
    return htrail__agent_environment_parse(environment, getenv(HTRAIL__AGENT_VARIABLE));
}

bool htrail__agent_environment_parse(htrail__agent_environment *environment, const char *text)
{
    char pid[24], flags[24];
    const char *at = text;
    at = take_field(at, pid, sizeof pid);
    at = take_field(at, flags, sizeof flags);
    at = take_field(at, environment->versions, sizeof environment->versions);
    if (at == NULL || strlen(at) >= sizeof environment->dir)
        return false;
    memcpy(environment->dir, at, strlen(at) + 1);
    environment->pid = (pid_t)strtol(pid, NULL, 10);
    environment->flags = (uint32_t)strtoul(flags, NULL, 10);
    return environment->pid > 0;
}

bool htrail__agent_environment_unload(const char *path)
{
    char *value = getenv(PRELOAD);
    size_t path_bytes = strlen(path);
    bool found = false;

    for (char *at = value; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, ": ");
        char *next = at + bytes + strspn(at + bytes, ": ");
        if (bytes == path_bytes && memcmp(at, path, bytes) == 0) {
            found = true;
            memmove(at, next, strlen(next) + 1);
        } else {
            at = next;
        }
    }
    if (found && *value == '\0')
        unsetenv(PRELOAD);
    else if (found)
        for (char *end = value + strlen(value); end > value && (end[-1] == ':' || end[-1] == ' ');)
            *--end = '\0';
    return found;
}

void htrail__agent_environment_forget(void) { unsetenv(HTRAIL__AGENT_VARIABLE); }

bool htrail__agent_environment_version_of(const char *path, char *version, size_t version_cap)
{
    static const char mark[] = ".cpython-";
    const char *slash = strrchr(path, '/');
    const char *tag = strstr(slash ? slash : path, mark);
    size_t digits = tag ? strspn(tag + sizeof mark - 1, "0123456789") : 0;
    if (digits < 2 || digits > 4)
        return false;
    tag += sizeof mark - 1;
    return snprintf(version, version_cap, "%c.%.*s", tag[0], (int)digits - 1, tag + 1) < (int)version_cap;
}

bool htrail__agent_environment_is_first(const htrail__agent_environment *environment, const char *version)
{
    size_t bytes = strcspn(environment->versions, ",");
    return bytes == strlen(version) && memcmp(environment->versions, version, bytes) == 0;
}

bool htrail__agent_environment_has(const htrail__agent_environment *environment, const char *version)
{
    for (const char *at = environment->versions; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        if (bytes == strlen(version) && memcmp(at, version, bytes) == 0)
            return true;
        at += bytes + (at[bytes] == ',');
    }
    return false;
}
