/* Any bytes, with their checksums mended so that they reach the decoders, give a status. */
#include "tests/unit/damage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    htrail_limits limits;
    htrail_limits_init(&limits);
    limits.max_memory = 64 << 20;
    read_all(data, len, &limits, NULL);
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, data, len);
    mend_checksums(copy, len);
    read_all(copy, len, &limits, NULL);
    free(copy);
    return 0;
}
