/* analyze/root_name.c - see the header. */
#include "analyze/root_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

size_t htrail__root_name_general(const char *name, size_t len, char *out, size_t cap)
{
    /* Numbers stand between blanks: "callback 3 of 20"; "run at server.py:65" is one name. */
    size_t used = 0;
    bool after_digits = false;
    for (size_t i = 0; i < len;) {
        size_t end = i;
        bool digits = true;
        while (end < len && name[end] != ' ')
            digits &= isdigit((unsigned char)name[end]) || name[end] == ',', end++;
        bool of = end - i == 2 && memcmp(name + i, "of", 2) == 0 && after_digits;
        if (end > i && !digits && !of) {
            if (used > 0 && used < cap)
                out[used++] = ' ';
            for (size_t at = i; at < end && used < cap; at++)
                out[used++] = name[at];
        }
        after_digits = digits && end > i;
        i = end + 1;
    }
    return used;
}
