/* images.c - see images.h. */
#include "capture/process/images.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "capture/process/lines.h"
#include "capture/process/peek.h"

enum { PROGRAM_HEADERS_MAX = 32, PATH_CAP = 4096 };

/* first: where the beginning of the file at path is mapped. */
static bool segments(uintptr_t first, const char *path, bool (*each)(void *, const htrail__image_data *), void *arg)
{
    ElfW(Ehdr) header;
    ElfW(Phdr) programs[PROGRAM_HEADERS_MAX];
    uintptr_t base = 0;

    if (!htrail__peek(&header, first, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_phentsize != sizeof *programs || header.e_phnum > PROGRAM_HEADERS_MAX ||
        !htrail__peek(programs, first + header.e_phoff, header.e_phnum * sizeof *programs))
        return true;
    for (int i = header.e_phnum - 1; i >= 0; i--)
        if (programs[i].p_type == PT_LOAD && programs[i].p_offset == 0)
            base = first - programs[i].p_vaddr;
    for (int i = 0; i < header.e_phnum; i++) {
        if (programs[i].p_type != PT_LOAD || !(programs[i].p_flags & PF_W))
            continue;
        uintptr_t start = base + programs[i].p_vaddr;
        if (!each(arg, &(htrail__image_data){start, start + programs[i].p_memsz, base, path}))
            return false;
    }
    return true;
}

bool htrail__images_each(bool (*each)(void *arg, const htrail__image_data *data), void *arg)
{
    char line[PATH_CAP + 128];
    htrail__lines lines = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    if (lines.fd < 0)
        return false;
    /* 5581b0a00000-5581b0a65000 r--p 00000000 fe:00 1234    /usr/bin/python3.11 */
    while (htrail__lines_next(&lines, line, sizeof line)) {
        uintptr_t from, to, offset;
        const char *at = htrail__lines_hex(line, &from);
        if (*at != '-')
            continue;
        at = htrail__lines_hex(at + 1, &to);
        const char *path = strchr(line, '/');
        if (at[0] != ' ' || at[1] != 'r' || strlen(at) < 6 || path == NULL)
            continue;
        htrail__lines_hex(at + 6, &offset);
        if (offset == 0 && to - from >= sizeof(ElfW(Ehdr)) && !segments(from, path, each, arg))
            break;
    }
    close(lines.fd);
    return true;
}
