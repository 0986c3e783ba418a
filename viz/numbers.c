/* viz/numbers.c - numbers as people read them. */
#include "viz/numbers.h"

#include <inttypes.h>
#include <stdio.h>

void htrail__numbers_add(htrail__text *out, uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            htrail__text_add(out, ",", 1);
        htrail__text_add(out, digits + i, 1);
    }
}

void htrail__numbers_add_bytes(htrail__text *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double amount = (double)bytes;
    while (amount >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
        amount /= 1024;
        unit++;
    }
    if (unit == 0)
        htrail__text_format(out, "%" PRIu64, bytes);
    else
        htrail__text_add_tenths(out, amount);
    htrail__text_format(out, " %s", units[unit]);
}
