/* capture/sample/sampler.c - see the header. The kept blocks are in one array, chained from
 * as many heads as the filter has bits: a bit is set where its chain is not empty. */
#include "capture/sample/sampler.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { LOCK_TRIES = 1 << 16, HEADS = HTRAIL__SAMPLER_FILTER_BITS };

struct htrail__sampler_hot htrail__sampler_hot = {.gap_bytes = INT64_MAX};

static struct {
    bool is_locked, is_on, has_fork_handler;
    uint64_t interval_bytes, random;
    unsigned depth;
    htrail__sites sites;
    htrail__growing samples, heads; /* heads: number of a sample + 1, 0 none */
    uint32_t sample_count, first_free; /* first_free: number + 1 */
    uint64_t kept_count;
} sampler;

static htrail__sample *samples(void) { return sampler.samples.data; }
static uint32_t *heads(void) { return sampler.heads.data; }

static bool try_lock(unsigned tries)
{
    while (__atomic_test_and_set(&sampler.is_locked, __ATOMIC_ACQUIRE)) {
        if (tries-- == 0)
            return false;
        sched_yield();
    }
    return true;
}

static void lock(void)
{
    while (!try_lock(LOCK_TRIES))
        ;
}

static void unlock(void) { __atomic_clear(&sampler.is_locked, __ATOMIC_RELEASE); }

/* splitmix64: of a period long enough, and any seed is a good one. */
static uint64_t next_random(void)
{
    uint64_t x = sampler.random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Bytes before the next point: exponential, so that it does not matter how much came since the last. */
static int64_t next_gap(void)
{
    double u = ((double)(next_random() >> 11) + 1) * 0x1p-53; /* (0, 1] */
    double gap = -log(u) * (double)sampler.interval_bytes;
    return gap < 0x1p62 ? (int64_t)gap : INT64_C(1) << 62;
}

static uint32_t place_of(uintptr_t address) { return address >> 4 & (HEADS - 1); }

static void set_filter(uint32_t place, bool on)
{
    uint64_t *word = &htrail__sampler_hot.filter[place >> 6], bit = UINT64_C(1) << (place & 63);
    __atomic_store_n(word, on ? *word | bit : *word & ~bit, __ATOMIC_RELAXED);
}

/* Locked or alone. */
static void drop_all(void)
{
    __atomic_store_n(&htrail__sampler_hot.gap_bytes, INT64_MAX, __ATOMIC_RELAXED);
    for (size_t i = 0; i < HEADS / 64; i++)
        __atomic_store_n(&htrail__sampler_hot.filter[i], 0, __ATOMIC_RELAXED);
    htrail__sites_release(&sampler.sites);
    htrail__growing_release(&sampler.samples);
    htrail__growing_release(&sampler.heads);
    sampler.sample_count = sampler.first_free = 0;
    sampler.kept_count = 0;
    sampler.is_on = false;
}

/* The thread that changed the tables is not in the child: there they are not to be trusted. */
static void after_fork_in_child(void)
{
    if (__atomic_load_n(&sampler.is_locked, __ATOMIC_RELAXED)) {
        __atomic_store_n(&htrail__sampler_hot.gap_bytes, INT64_MAX, __ATOMIC_RELAXED);
        for (size_t i = 0; i < HEADS / 64; i++)
            htrail__sampler_hot.filter[i] = 0;
        sampler.is_on = false;
        sampler.heads = sampler.samples = (htrail__growing){NULL, 0};
        sampler.sites = (htrail__sites){0};
        sampler.sample_count = sampler.first_free = 0;
        unlock();
    } else if (sampler.is_on) {
        sampler.random ^= (uint64_t)time(NULL) << 20 ^ next_random(); /* not the parent's next draws */
    }
}

bool htrail__sampler_start(uint64_t interval_bytes, uint64_t seed, unsigned depth)
{
    lock();
    drop_all();
    sampler.interval_bytes = interval_bytes ? interval_bytes : 1;
    sampler.depth = depth == 0 ? 1 : depth < HTRAIL__SAMPLER_DEPTH_MAX ? depth : HTRAIL__SAMPLER_DEPTH_MAX;
    sampler.random = seed;
    if (seed == 0 && getrandom(&sampler.random, sizeof sampler.random, GRND_NONBLOCK) != (ssize_t)sizeof sampler.random)
        sampler.random = (uint64_t)time(NULL) * 1000003u;
    sampler.is_on = htrail__growing_reserve(&sampler.heads, HEADS * sizeof(uint32_t));
    if (sampler.is_on) {
        /* A child that another thread's fork makes carries the tables over as they are. */
        if (!sampler.has_fork_handler)
            sampler.has_fork_handler = pthread_atfork(NULL, NULL, after_fork_in_child) == 0;
        __atomic_store_n(&htrail__sampler_hot.gap_bytes, next_gap(), __ATOMIC_RELAXED);
    }
    bool is_on = sampler.is_on;
    unlock();
    return is_on;
}

void htrail__sampler_stop(void)
{
    lock();
    drop_all();
    unlock();
}

void htrail__sampler_clear(void)
{
    lock();
    if (sampler.is_on) {
        memset(heads(), 0, HEADS * sizeof(uint32_t));
        for (size_t i = 0; i < HEADS / 64; i++)
            __atomic_store_n(&htrail__sampler_hot.filter[i], 0, __ATOMIC_RELAXED);
        sampler.sample_count = sampler.first_free = 0;
        sampler.kept_count = 0;
    }
    unlock();
}

bool htrail__sampler_is_on(void) { return sampler.is_on; }
uint64_t htrail__sampler_interval(void) { return sampler.interval_bytes; }
uint64_t htrail__sampler_count(void) { return sampler.kept_count; }

size_t htrail__sampler_mapped_bytes(void)
{
    return sampler.samples.mapped_bytes + sampler.heads.mapped_bytes + htrail__sites_mapped_bytes(&sampler.sites);
}

htrail__sites *htrail__sampler_due(unsigned *depth)
{
    lock();
    if (!sampler.is_on) {
        __atomic_store_n(&htrail__sampler_hot.gap_bytes, INT64_MAX, __ATOMIC_RELAXED);
        unlock();
        return NULL;
    }
    __atomic_store_n(&htrail__sampler_hot.gap_bytes, next_gap(), __ATOMIC_RELAXED);
    *depth = sampler.depth;
    return &sampler.sites;
}

/* Locked. False: no memory. */
static bool add_sample(uintptr_t address, uint64_t size_bytes, uint32_t site)
{
    uint32_t number, place = place_of(address);
    if (sampler.first_free != 0) {
        number = sampler.first_free - 1;
        sampler.first_free = samples()[number].next;
    } else {
        if (!htrail__growing_reserve(&sampler.samples, ((size_t)sampler.sample_count + 1) * sizeof(htrail__sample)))
            return false;
        number = sampler.sample_count++;
    }
    samples()[number] = (htrail__sample){address, size_bytes, site, heads()[place]};
    heads()[place] = number + 1;
    set_filter(place, true);
    sampler.kept_count++;
    return true;
}

void htrail__sampler_keep(const void *block, size_t size_bytes, const htrail__sampler_frame *frames, unsigned count)
{
    uint32_t site = HTRAIL_NO_SITE;
    bool fine = true;
    if (block != NULL) {
        if (count == 0)
            site = htrail__sites_add(&sampler.sites, HTRAIL_NO_SITE, htrail__sites_add_text(&sampler.sites, (htrail_str){"<unknown>", 9}), 0, 0);
        for (unsigned i = count; i-- > 0 && fine;) {
            site = htrail__sites_add(&sampler.sites, site, frames[i].file, frames[i].function, frames[i].line);
            fine = site != HTRAIL_NO_SITE;
        }
        if (fine && site != HTRAIL_NO_SITE)
            (void)add_sample((uintptr_t)block, size_bytes, site);
    }
    unlock();
}

htrail__sample htrail__sampler_forget(const void *block)
{
    htrail__sample found = {.site = HTRAIL_NO_SITE};
    uint32_t place = place_of((uintptr_t)block);
    lock();
    uint32_t *link = sampler.is_on ? &heads()[place] : NULL;
    while (link != NULL && *link != 0) {
        htrail__sample *sample = &samples()[*link - 1];
        if (sample->address == (uintptr_t)block) {
            uint32_t number = *link;
            found = *sample;
            *link = sample->next;
            *sample = (htrail__sample){.site = HTRAIL_NO_SITE, .next = sampler.first_free};
            sampler.first_free = number;
            sampler.kept_count--;
            if (heads()[place] == 0)
                set_filter(place, false);
            break;
        }
        link = &sample->next;
    }
    unlock();
    return found;
}

void htrail__sampler_restore(const htrail__sample *sample)
{
    lock();
    if (sampler.is_on)
        (void)add_sample(sample->address, sample->size_bytes, sample->site);
    unlock();
}

/* How many blocks of its size a kept block stands for, in 1/65536. */
static uint64_t weight_of(uint64_t size_bytes)
{
    double weight = -1 / expm1(-(double)size_bytes / (double)sampler.interval_bytes) * HTRAIL_WEIGHT_ONE;
    return weight < 0x1p62 ? (uint64_t)(weight + 0.5) : UINT64_C(1) << 62;
}

htrail_status htrail__sampler_write(htrail_writer *w)
{
    htrail_status status = HTRAIL_OK;
    if (!try_lock(LOCK_TRIES))
        return HTRAIL_E_MISUSE;
    htrail__sites_want_none(&sampler.sites);
    for (uint32_t i = 0; i < sampler.sample_count; i++)
        htrail__sites_want(&sampler.sites, samples()[i].site);
    status = htrail__sites_write(&sampler.sites, w);
    for (uint32_t i = 0; i < sampler.sample_count && status == HTRAIL_OK; i++) {
        const htrail__sample *sample = &samples()[i];
        if (sample->site == HTRAIL_NO_SITE)
            continue;
        htrail_site_of row = {.address = sample->address,
                              .size_bytes = sample->size_bytes,
                              .site = htrail__sites_node(&sampler.sites, sample->site)->number,
                              .weight = weight_of(sample->size_bytes)};
        status = htrail_writer_add_site_of(w, &row);
    }
    unlock();
    return status;
}
