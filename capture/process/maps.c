/* maps.c - see maps.h. */
#include "capture/process/maps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture/process/lines.h"

bool htrail__maps_data_of(uintptr_t address, uintptr_t *start, uintptr_t *end)
{
    htrail__lines reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    char line[512];
    bool found = false;
    uintptr_t run_start = 0, run_end = 0;
    if (reader.fd < 0)
        return false;
    /* Neighbouring writable mappings are one run; the heap begins another. */
    while (htrail__lines_next(&reader, line, sizeof line)) {
        uintptr_t from, to;
        const char *p = htrail__lines_hex(line, &from);
        if (*p != '-')
            continue;
        p = htrail__lines_hex(p + 1, &to);
        bool writable = p[0] == ' ' && p[1] == 'r' && p[2] == 'w' && strstr(p, "[heap]") == NULL;
        if (writable && from == run_end && run_end != 0) {
            run_end = to;
        } else {
            if (run_start <= address && address < run_end)
                break;
            run_start = writable ? from : 0;
            run_end = writable ? to : 0;
        }
    }
    if (run_start <= address && address < run_end) {
        *start = run_start;
        *end = run_end;
        found = true;
    }
    close(reader.fd);
    return found;
}

/* "from-to rwxp offset device inode": the inode, 0 where there is no file. */
static bool is_private(const char *permissions)
{
    const char *field = permissions;
    if (field[0] != ' ' || field[1] != 'r' || field[2] != 'w' || field[4] != 'p')
        return false;
    for (int i = 0; i < 3 && field != NULL; i++)
        field = strchr(field + 1, ' ');
    return field != NULL && field[0] == ' ' && field[1] == '0' && (field[2] == ' ' || field[2] == '\0' || field[2] == '\n');
}

size_t htrail__maps_private(htrail__maps_range *ranges, size_t most)
{
    htrail__lines reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    char line[512];
    size_t count = 0;
    if (reader.fd < 0)
        return 0;
    while (htrail__lines_next(&reader, line, sizeof line)) {
        uintptr_t from, to;
        const char *p = htrail__lines_hex(line, &from);
        if (*p != '-')
            continue;
        p = htrail__lines_hex(p + 1, &to);
        if (!is_private(p))
            continue;
        if (count > 0 && (count == most || ranges[count - 1].end == from))
            ranges[count - 1].end = to;
        else
            ranges[count++] = (htrail__maps_range){from, to};
    }
    close(reader.fd);
    return count;
}

bool htrail__maps_within(const htrail__maps_range *ranges, size_t count, uintptr_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (address >= ranges[middle].end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && address >= ranges[low].start;
}
