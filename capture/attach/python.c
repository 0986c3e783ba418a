/* capture/attach/python.c - the text that Py_GetVersion has made, "3.8.18 (default, ...) [GCC ...]":
 * the interpreter asks for it as it starts (sys.version), and it stays in a variable of its own. */
#include <stdio.h>
#include <string.h>

#include "capture/attach/python.h"

enum { PIECE_BYTES = 1 << 16, TEXT_MAX = 256 };

static size_t digits(const char *at)
{
    size_t count = strspn(at, "0123456789");
    return count > 0 && count <= 2 ? count : 0;
}

/* "3.8.18" and then " (", with ") [" and the compiler's name behind it; how long "3.8" is. */
static size_t match(const char *text)
{
    size_t major = digits(text), minor = major && text[major] == '.' ? digits(text + major + 1) : 0;
    size_t used = major + 1 + minor;
    if (minor == 0 || text[used] != '.' || digits(text + used + 1) == 0)
        return 0;
    size_t whole = strcspn(text, " ");
    const char *compiler = strstr(text, ") ");
    if (strncmp(text + whole, " (", 2) != 0 || compiler == NULL)
        return 0;
    compiler += 2 + strspn(compiler + 2, " \n");
    return compiler[0] == '[' && strncmp(compiler, "[PyPy", 5) != 0 ? used : 0;
}

static bool search(const htrail__objects *objects, const htrail__segment *segment, char *version, size_t version_cap)
{
    static char piece[PIECE_BYTES + TEXT_MAX + 1];
    for (uint64_t at = segment->start; at < segment->end; at += PIECE_BYTES) {
        uint64_t left = segment->end - at;
        size_t bytes = left < sizeof piece - 1 ? (size_t)left : sizeof piece - 1;
        if (!htrail__memory_read(objects->memory, at, piece, bytes))
            continue;
        piece[bytes] = '\0';
        for (size_t i = 0; i < bytes && i < PIECE_BYTES; i++) {
            size_t used = (piece[i] == '2' || piece[i] == '3') && (i == 0 || piece[i - 1] == '\0') ? match(piece + i) : 0;
            if (used != 0)
                return snprintf(version, version_cap, "%.*s", (int)used, piece + i) < (int)version_cap;
        }
    }
    return false;
}

bool htrail__python_version(const htrail__objects *objects, char *version, size_t version_cap)
{
    htrail__segment segments[HTRAIL__SEGMENTS_CAP];
    htrail__symbol python;

    version[0] = '\0';
    if (!htrail__objects_symbol(objects, "Py_GetVersion", &python))
        return false;
    size_t count = htrail__object_segments(objects, python.object, segments);
    for (size_t i = 0; i < count && version[0] == '\0'; i++)
        if (segments[i].writable)
            (void)search(objects, &segments[i], version, version_cap);
    return true;
}
