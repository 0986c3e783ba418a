/* analyze/leaks_growth.c - numbers of several snapshots: do they grow, and will they go on to? */
#include "analyze/leaks_build.h"

const char *htrail__leaks_steady(const uint64_t *values, unsigned count, uint64_t step_min, double regular, uint64_t *steps)
{
    uint64_t smallest = UINT64_MAX, largest = 0;
    bool is_slowing = count > 2;
    for (unsigned i = 1; i < count; i++) {
        if (values[i] <= values[i - 1])
            return "not in every interval";
        steps[i - 1] = values[i] - values[i - 1];
        smallest = steps[i - 1] < smallest ? steps[i - 1] : smallest;
        largest = steps[i - 1] > largest ? steps[i - 1] : largest;
        is_slowing &= i == 1 || steps[i - 1] < steps[i - 2];
    }
    if (smallest < step_min)
        return "too little in an interval";
    if (is_slowing && (double)steps[count - 2] < HTRAIL__LEAKS_SLOWING * (double)steps[0])
        return "slows down";
    return (double)smallest < regular * (double)largest ? "by jumps" : NULL;
}

bool htrail__leaks_together(const uint64_t *a, const uint64_t *b, unsigned steps)
{
    double least = 0, most = 0;
    for (unsigned i = 0; i < steps; i++) {
        double times = (double)a[i] / (double)(b[i] ? b[i] : 1);
        least = i == 0 || times < least ? times : least;
        most = i == 0 || times > most ? times : most;
    }
    return most <= 1.25 * least;
}
