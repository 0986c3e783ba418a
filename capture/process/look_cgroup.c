/* look_cgroup.c - the memory control group that the process is in: its use, and the least limit of it
 * and of those above it. In a container the path may be one of the host's: levels that are not
 * there are passed over, and the mount itself comes last. */
#include "capture/process/process.h"

#include <stdio.h>
#include <string.h>

#include "capture/process/proc_text.h"

enum { PATH_BYTES = 1024 };

typedef struct hierarchy {
    int version;
    const char *mount, *use, *limit;
} hierarchy;

static const hierarchy hierarchies[] = {
    {2, "/sys/fs/cgroup", "memory.current", "memory.max"},
    {2, "/sys/fs/cgroup/unified", "memory.current", "memory.max"},
    {1, "/sys/fs/cgroup/memory", "memory.usage_in_bytes", "memory.limit_in_bytes"},
};

static bool number(const char *mount, const char *level, const char *file, uint64_t *value)
{
    char path[PATH_BYTES], text[64];
    return snprintf(path, sizeof path, "%s%s/%s", mount, level, file) < PATH_BYTES && htrail__proc_read(path, text, sizeof text) &&
           htrail__proc_number(text, value);
}

/* False: there is no memory group. What version 1 says for no limit is nearly 2^63. */
static bool look(htrail_process *p, const hierarchy *kind, const char *group)
{
    char level[PATH_BYTES];
    uint64_t use = 0, limit = UINT64_MAX, value;
    bool found = false;
    snprintf(level, sizeof level, "%s", strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        if (number(kind->mount, level, kind->limit, &value) && value < limit && value < (uint64_t)1 << 62)
            limit = value;
        if (!found && number(kind->mount, level, kind->use, &use)) {
            found = true;
            snprintf(p->cgroup, sizeof p->cgroup, "%.255s", *level ? level : "/");
        }
        char *slash = strrchr(level, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
    }
    if (!found)
        return false;
    htrail__process_add_fact(p, "cgroup_version", (uint64_t)kind->version);
    htrail__process_add_fact(p, "cgroup_memory_bytes", use);
    if (limit != UINT64_MAX)
        htrail__process_add_fact(p, "cgroup_memory_limit_bytes", limit);
    return true;
}

static bool is_memory(const char *names)
{
    for (const char *at = names; (at = strstr(at, "memory")) != NULL; at++)
        if ((at == names || at[-1] == ',') && (at[6] == '\0' || at[6] == ','))
            return true;
    return false;
}

/* Lines "0::/path" are of version 2, "N:names:/path" of version 1. */
void htrail__process_look_cgroup(htrail_process *p)
{
    char text[4096];
    bool found = false;
    if (!htrail__proc_read("/proc/self/cgroup", text, sizeof text))
        return;
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line != NULL && !found; line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (group == NULL)
            continue;
        *names++ = '\0';
        *group++ = '\0';
        int version = strcmp(line, "0") == 0 && *names == '\0' ? 2 : is_memory(names) ? 1 : 0;
        for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies && !found; i++)
            found = hierarchies[i].version == version && look(p, &hierarchies[i], group);
    }
}
