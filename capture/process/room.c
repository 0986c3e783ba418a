/* room.c - see room.h. */
#include "capture/process/room.h"

#include <stdio.h>
#include <string.h>

#include "capture/process/proc_text.h"
#include "capture/process/self.h"

enum { PATH_BYTES = 1024, TEXT_BYTES = 4096 };

static bool read_text(const char *root, const char *path, char *text)
{
    char whole[PATH_BYTES];
    return snprintf(whole, sizeof whole, "%s%s", root, path) < PATH_BYTES && htrail__proc_read(whole, text, TEXT_BYTES);
}

static bool read_number(const char *root, const char *folder, const char *file, uint64_t *value)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    return snprintf(path, sizeof path, "%s/%s", folder, file) < PATH_BYTES && read_text(root, path, text) &&
           htrail__proc_number(text, value);
}

/* "max" is no number; what version 1 says for no limit is nearly 2^63. */
static void consider(htrail__room *room, uint64_t limit, uint64_t used, uint64_t droppable, const char *file, const char *group)
{
    uint64_t free_bytes = used < limit ? limit - used : 0;
    free_bytes = free_bytes + droppable < limit ? free_bytes + droppable : limit;
    if (limit >= (uint64_t)1 << 62 || free_bytes >= room->bytes)
        return;
    room->bytes = free_bytes;
    snprintf(room->by, sizeof room->by, "%s of %.120s", file, *group ? group : "/");
}

typedef struct hierarchy {
    const char *usage, *droppable;
    const char *limits[2];
} hierarchy;

static const hierarchy version_1 = {"memory.usage_in_bytes", "total_inactive_file ", {"memory.limit_in_bytes", NULL}};
static const hierarchy version_2 = {"memory.current", "inactive_file ", {"memory.max", "memory.high"}};

/* A group and every one above it. In a container the path may be one of the host's: levels that
 * are not there are passed over, and the mount itself comes last. */
static void consider_groups(htrail__room *room, const char *root, const char *mount, const char *group, const hierarchy *kind)
{
    char level[PATH_BYTES], folder[PATH_BYTES], path[PATH_BYTES], text[TEXT_BYTES];
    snprintf(level, sizeof level, "%s", strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        uint64_t used, limit, droppable = 0;
        bool fits = snprintf(folder, sizeof folder, "%s%s", mount, level) < PATH_BYTES;
        if (fits && read_number(root, folder, kind->usage, &used)) {
            if (snprintf(path, sizeof path, "%s/memory.stat", folder) < PATH_BYTES && read_text(root, path, text))
                (void)htrail__proc_number_of(text, kind->droppable, &droppable);
            for (int i = 0; i < 2 && kind->limits[i] != NULL; i++)
                if (read_number(root, folder, kind->limits[i], &limit))
                    consider(room, limit, used, droppable, kind->limits[i], level);
        }
        char *slash = strrchr(level, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup: "0::/path" is version 2, "N:...,memory,...:/path" version 1. */
static void consider_line(htrail__room *room, const char *root, char *line)
{
    char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
    if (group == NULL)
        return;
    *group++ = '\0';
    names++;
    if (*names == '\0') {
        consider_groups(room, root, "/sys/fs/cgroup", group, &version_2);
        consider_groups(room, root, "/sys/fs/cgroup/unified", group, &version_2);
        return;
    }
    for (char *rest = NULL, *name = strtok_r(names, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest))
        if (strcmp(name, "memory") == 0)
            consider_groups(room, root, "/sys/fs/cgroup/memory", group, &version_1);
}

bool htrail__room_read(const char *root, htrail__room *room)
{
    char text[TEXT_BYTES], path[64];
    *room = (htrail__room){.bytes = UINT64_MAX};
    uint64_t kib;
    if (read_text(root, "/proc/meminfo", text) && htrail__proc_number_of(text, "MemAvailable:", &kib)) {
        room->bytes = kib * 1024;
        snprintf(room->by, sizeof room->by, "MemAvailable");
    }
    if (read_text(root, htrail__self_path(path, sizeof path, "cgroup"), text))
        for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
            consider_line(room, root, line);
    return room->bytes != UINT64_MAX;
}

bool htrail__room_anonymous(const char *root, uint64_t *bytes)
{
    char text[TEXT_BYTES], path[64];
    uint64_t kib;
    if (!read_text(root, htrail__self_path(path, sizeof path, "status"), text))
        return false;
    if (!htrail__proc_number_of(text, "RssAnon:", &kib) && !htrail__proc_number_of(text, "VmRSS:", &kib)) /* the first from Linux 4.5 */
        return false;
    *bytes = kib * 1024;
    return true;
}
