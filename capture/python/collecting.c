/* collecting.c - see collecting.h. PyGC_Collect begins with a look at the variable and, where it
 * is 0, sets it to 1: both instructions name its address, and where they do not agree
 * the answer is no. Objects that a collection under way has set apart are then not in the
 * lists; what is in them is whole all the same. */
#include "capture/python/collecting.h"

#include "capture/python/cpython.h"

#if PY_VERSION_HEX < 0x03070000

#include <string.h>

#ifdef __x86_64__
enum { CODE_BYTES = 96 }; /* of PyGC_Collect that are looked through */

static const int *relative_to(const uint8_t *next, const uint8_t *displacement)
{
    int32_t offset;
    memcpy(&offset, displacement, sizeof offset);
    return (const int *)(const void *)(next + offset);
}

static const int *find(void)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)PyGC_Collect;
    const int *read = NULL;
    for (int i = 0; i + 10 <= CODE_BYTES; i++) {
        if (!read && code[i] == 0x8b && (code[i + 1] & 0xc7) == 0x05) /* mov collecting(%rip), reg */
            read = relative_to(code + i + 6, code + i + 2);
        else if (!read && code[i] == 0x83 && code[i + 1] == 0x3d && code[i + 6] == 0) /* cmpl $0, collecting(%rip) */
            read = relative_to(code + i + 7, code + i + 2);
        else if (read && memcmp(code + i, "\xc7\x05", 2) == 0 && memcmp(code + i + 6, "\1\0\0\0", 4) == 0) /* movl $1, collecting(%rip) */
            return relative_to(code + i + 10, code + i + 2) == read ? read : NULL;
    }
    return NULL;
}
#else
static const int *find(void)
{
    return NULL;
}
#endif

bool htrail__collecting(void)
{
    static const int *variable;
    if (!variable)
        variable = find();
    return variable && *variable == 1;
}

#endif
