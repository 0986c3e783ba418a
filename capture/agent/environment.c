/* capture/agent/environment.c - the variables that carry the agent into a process. */
#include <errno.h>
#include <limits.h>
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

    if (asprintf(&value, "%ld:%s", (long)environment->pid, environment->settings) < 0)
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

bool htrail__agent_environment_get(htrail__agent_environment *environment)
{
    const char *at = getenv(HTRAIL__AGENT_VARIABLE);
    char *end;
    if (at == NULL || at[0] < '0' || at[0] > '9')
        return false;
    errno = 0;
    long pid = strtol(at, &end, 10);
    if (errno != 0 || *end != ':' || pid > INT_MAX)
        return false;
    *environment = (htrail__agent_environment){(pid_t)pid, end + 1};
    return true;
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
