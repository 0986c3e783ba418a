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
