/* sample.c - see sample.h. The hooks are chained in front of what was there; what was
 * allocated before, and what was never sampled, passes through: an allocation costs a
 * subtraction, a free a look at one bit.
 *
 * The raw domain is left out: what pymalloc does not serve itself it asks the raw domain
 * for, and would be counted twice; what else is there are locks and thread states. */
#include "capture/python/cpython.h"
#include "capture/python/sample.h"

#if PY_VERSION_HEX >= 0x03060000

#include "capture/python/frame_text.h"
#include "capture/process/peek.h"
#include "capture/sample/sampler.h"

static PyMemAllocatorEx below[2]; /* of PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ */
static const PyMemAllocatorDomain domains[2] = {PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};

/* Out of line, so that the hooks need no stack frame of their own. */
__attribute__((noinline)) static void draw(const void *block, size_t size_bytes)
{
    htrail__sampler_frame frames[HTRAIL__SAMPLER_DEPTH_MAX];
    unsigned depth, count = 0;
    htrail__sites *sites = htrail__sampler_due(&depth);
    if (sites == NULL)
        return;
    if (block != NULL)
        count = htrail__frames_now(sites, frames, depth);
    htrail__sampler_keep(block, size_bytes, frames, count);
}

__attribute__((noinline)) static void *malloc_due(const PyMemAllocatorEx *next, size_t size_bytes)
{
    void *block = next->malloc(next->ctx, size_bytes);
    draw(block, size_bytes);
    return block;
}

static void *hook_malloc(void *ctx, size_t size_bytes)
{
    const PyMemAllocatorEx *next = ctx;
    if (htrail__sampler_is_due(size_bytes))
        return malloc_due(next, size_bytes);
    return next->malloc(next->ctx, size_bytes);
}

static void *hook_calloc(void *ctx, size_t count, size_t item_bytes)
{
    const PyMemAllocatorEx *next = ctx;
    void *block = next->calloc(next->ctx, count, item_bytes);
    if (block != NULL && htrail__sampler_is_due(count * item_bytes)) /* it would not be there had this overflowed */
        draw(block, count * item_bytes);
    return block;
}

/* A block that moves or changes its size is freed and allocated anew. It is forgotten first: once
 * it is freed its address may be somebody else's. */
static void *hook_realloc(void *ctx, void *old, size_t size_bytes)
{
    const PyMemAllocatorEx *next = ctx;
    htrail__sample kept = {.site = HTRAIL_NO_SITE};
    if (htrail__sampler_may_have(old))
        kept = htrail__sampler_forget(old);
    void *block = next->realloc(next->ctx, old, size_bytes);
    if (block == NULL) {
        if (kept.site != HTRAIL_NO_SITE)
            htrail__sampler_restore(&kept);
        return NULL;
    }
    if (htrail__sampler_is_due(size_bytes))
        draw(block, size_bytes);
    return block;
}

__attribute__((noinline)) static void free_kept(const PyMemAllocatorEx *next, void *block)
{
    (void)htrail__sampler_forget(block);
    next->free(next->ctx, block);
}

static void hook_free(void *ctx, void *block)
{
    const PyMemAllocatorEx *next = ctx;
    if (htrail__sampler_may_have(block)) {
        free_kept(next, block);
        return;
    }
    next->free(next->ctx, block);
}

static void put_in(unsigned i)
{
    PyMemAllocatorEx ours = {&below[i], hook_malloc, hook_calloc, hook_realloc, hook_free};
    PyMem_GetAllocator(domains[i], &below[i]);
    PyMem_SetAllocator(domains[i], &ours);
}

/* Ours may be wrapped by what came later: tracemalloc, whose context is what it wraps, and the debug
 * hooks, where that is one word on. What is not known is believed to lead to us. */
static bool is_in(unsigned i)
{
    enum { WRAPS_MAX = 4 };
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domains[i], &now);
    for (unsigned wraps = 0; wraps < WRAPS_MAX; wraps++) {
        PyMemAllocatorEx wrapped[2];
        if (now.malloc == hook_malloc)
            return true;
        if (now.ctx == NULL) /* the interpreter's own: there is nothing below it */
            return false;
        for (unsigned word = 0; word < 2; word++)
            if (!htrail__peek(&wrapped[word], (uintptr_t)now.ctx + word * sizeof(void *), sizeof *wrapped))
                return true;
        now = wrapped[1].malloc == hook_malloc ? wrapped[1] : wrapped[0];
    }
    return true;
}

bool htrail__sample_is_in(void) { return is_in(0) && is_in(1); }

void htrail__sample_confirm(void)
{
    if (!htrail__sampler_is_on() || htrail__sample_is_in())
        return;
    htrail__sampler_clear(); /* what was freed meanwhile is not known */
    for (unsigned i = 0; i < 2; i++)
        if (!is_in(i))
            put_in(i);
}

bool htrail__sample_start(uint64_t interval_bytes, uint64_t seed, unsigned depth)
{
    if (interval_bytes == 0) {
        htrail__sampler_stop();
        for (unsigned i = 0; i < 2; i++) {
            PyMemAllocatorEx now;
            PyMem_GetAllocator(domains[i], &now);
            if (now.malloc == hook_malloc) /* else something stands in front and goes on calling us */
                PyMem_SetAllocator(domains[i], &below[i]);
        }
        return true;
    }
    for (unsigned i = 0; i < 2; i++)
        if (!is_in(i))
            put_in(i);
    return htrail__sampler_start(interval_bytes, seed, depth);
}

#else

bool htrail__sample_start(uint64_t interval_bytes, uint64_t seed, unsigned depth)
{
    (void)seed, (void)depth;
    return interval_bytes == 0;
}

void htrail__sample_confirm(void) {}
bool htrail__sample_is_in(void) { return true; }

#endif
