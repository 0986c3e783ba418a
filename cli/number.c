/* cli/number.c - see the header. */
#include "cli/number.h"

#include <inttypes.h>
#include <stdio.h>

void cli_format_number(char *out, size_t cap, int64_t number)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number < 0 ? -(uint64_t)number : (uint64_t)number);
    size_t used = 0;
    if (number < 0 && used + 1 < cap)
        out[used++] = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && used + 1 < cap)
            out[used++] = ',';
        if (used + 1 < cap)
            out[used++] = digits[i];
    }
    if (cap > 0)
        out[used] = '\0';
}

void cli_format_bytes(char *out, size_t cap, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = bytes < 0 ? -(double)bytes : (double)bytes;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, cap, unit == 0 ? "%s%.0f %s" : "%s%.1f %s", bytes < 0 ? "-" : "", value, units[unit]);
}
