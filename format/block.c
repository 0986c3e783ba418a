/* format/block.c - see block.h. */
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_initStaticCCtx: a context in memory of ours */
#include "format/block.h"

#include <stdlib.h>
#include <zstd.h>

struct htrail__packer {
    ZSTD_CCtx *context;
    int level;
};

struct htrail__unpacker {
    ZSTD_DCtx *context;
};

enum { CONTEXT_AT = 64 }; /* the context's place behind the packer, aligned for it */

size_t htrail__packer_bytes(int level) { return CONTEXT_AT + ZSTD_estimateCCtxSize(level); }

htrail__packer *htrail__packer_init(void *memory, size_t memory_bytes, int level)
{
    htrail__packer *packer = memory;
    int level_max = &htrail__pack_level_max != NULL ? htrail__pack_level_max : ZSTD_maxCLevel();
    if (memory_bytes < CONTEXT_AT || level < 1 || level > level_max)
        return NULL;
    packer->level = level;
    packer->context = ZSTD_initStaticCCtx((uint8_t *)memory + CONTEXT_AT, memory_bytes - CONTEXT_AT);
    return packer->context != NULL ? packer : NULL;
}

size_t htrail__pack_bound(size_t len) { return ZSTD_compressBound(len); }

size_t htrail__pack(htrail__packer *packer, uint8_t *out, size_t out_cap, const uint8_t *data, size_t len)
{
    size_t made = ZSTD_compressCCtx(packer->context, out, out_cap, data, len, packer->level);
    return ZSTD_isError(made) || made >= len ? 0 : made;
}

htrail__unpacker *htrail__unpacker_new(unsigned window_log_max)
{
    htrail__unpacker *unpacker = malloc(sizeof *unpacker);
    if (unpacker == NULL)
        return NULL;
    unpacker->context = ZSTD_createDCtx();
    if (unpacker->context == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(unpacker->context, ZSTD_d_windowLogMax, (int)window_log_max))) {
        htrail__unpacker_free(unpacker);
        return NULL;
    }
    return unpacker;
}

void htrail__unpacker_free(htrail__unpacker *unpacker)
{
    if (unpacker == NULL)
        return;
    ZSTD_freeDCtx(unpacker->context);
    free(unpacker);
}

const char *htrail__unpack(htrail__unpacker *unpacker, uint8_t *out, size_t raw_len, const uint8_t *data, size_t len)
{
    size_t made = ZSTD_decompressDCtx(unpacker->context, out, raw_len, data, len);
    if (ZSTD_isError(made))
        return ZSTD_getErrorName(made);
    if (made != raw_len)
        return "decompressed data is shorter than announced";
    return NULL;
}
