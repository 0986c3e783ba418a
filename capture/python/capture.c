/* capture.c - one walk into a writer: checks, memory, the walk, the metadata. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "capture/pause/copy.h"
#include "capture/process/facts.h"
#include "capture/process/process.h"
#include "capture/python/arenas.h"
#include "capture/python/ready.h"
#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/roots.h"
#include "capture/python/selftest.h"
#include "capture/python/sites.h"
#include "capture/python/value.h"
#include "capture/python/walk.h"

#pragma weak Py_IsInitialized /* so that it may be compared with NULL */

void htrail_cpython_opts_init(htrail_cpython_opts *opts)
{
    *opts = (htrail_cpython_opts){.struct_size = sizeof *opts, .contents_bytes = 256};
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void write_meta(htrail_writer *w, htrail__walk *k, const htrail__cost *cost)
{
    const uint32_t flags = k->opts->flags;
    char text[128], key[32];
    htrail__facts_set_text(w, "writer_version", HTRAIL_VERSION);
    const char *version = Py_GetVersion();
    snprintf(text, sizeof text, "cpython %.*s", (int)strcspn(version, " "), version);
    htrail__facts_set_text(w, "runtime", text);
    snprintf(text, sizeof text, "cpython-%d%d", PY_MAJOR_VERSION, PY_MINOR_VERSION);
    htrail__facts_set_text(w, "runtime_abi", text);
    for (int i = 0; i < NUM_GENERATIONS; i++) {
        int count, threshold;
        uint64_t collections, pending;
        htrail__layout_generation(k->interp, i, &count, &threshold);
        snprintf(key, sizeof key, "gc_count_%d", i);
        htrail__facts_set_number(w, key, (uint64_t)(count > 0 ? count : 0));
        snprintf(key, sizeof key, "gc_threshold_%d", i);
        htrail__facts_set_number(w, key, (uint64_t)threshold);
        snprintf(key, sizeof key, "gc_listed_%d", i);
        htrail__facts_set_number(w, key, k->listed[NUM_GENERATIONS - 1 - i]);
        if (htrail__layout_collections(k->interp, i, &collections, &pending)) {
            snprintf(key, sizeof key, "gc_collections_%d", i);
            htrail__facts_set_number(w, key, collections);
            htrail__facts_set_number(w, "gc_pending", pending);
        }
    }
    htrail__facts_set_number(w, "gc_tracked", k->tracked);
    htrail__facts_set_number(w, "gc_frozen", HTRAIL__LAYOUT_LISTS > (int)NUM_GENERATIONS ? k->listed[HTRAIL__LAYOUT_LISTS - 1] : 0);
    htrail__facts_set_number(w, "walk_objects", k->objects);
    htrail__facts_set_number(w, "refcount_total", k->refcount_total);
    htrail__facts_set_number(w, "walk_memory_bytes", k->seen.mapped_bytes + sizeof *k);
    htrail__facts_set_text(w, "contents_policy",
                           flags & HTRAIL_CPYTHON_CONTENTS ? "contents" : flags & HTRAIL_CPYTHON_HASHES ? "hashes" : "names");
    if (flags & HTRAIL_CPYTHON_HASHES) {
        snprintf(text, sizeof text, "%016llx", (unsigned long long)htrail__value_key_id(k->hash_key));
        htrail__facts_set_text(w, "hash_key_id", text);
    }
    htrail__arenas_write(k, k->opts->process);
    htrail__process_write(w, k->opts->process);
    htrail__facts_write(w, !(flags & HTRAIL_CPYTHON_NO_CMDLINE));
    htrail__cost_write(w, cost);
}

static htrail_status refuse(htrail_writer *w, htrail_status status, const char *why)
{
    htrail_writer_stop(w, status, why);
    return status;
}

static htrail_cpython_opts opts_of(const htrail_cpython_opts *given)
{
    htrail_cpython_opts opts;
    htrail_cpython_opts_init(&opts);
    if (given)
        memcpy(&opts, given, given->struct_size < sizeof opts ? given->struct_size : sizeof opts);
    return opts;
}

bool htrail__cpython_has_lock(void)
{
    return Py_IsInitialized != NULL && Py_IsInitialized() && htrail__selftest_version() == NULL && htrail__layout_thread() != NULL;
}

htrail_status htrail__cpython_ready(const htrail_cpython_opts *opts, const char **why)
{
    uint64_t key[2];
    if (Py_IsInitialized == NULL || !Py_IsInitialized())
        return *why = "no Python is running in this process", HTRAIL_E_MISUSE;
    if ((*why = htrail__selftest_version()) != NULL)
        return HTRAIL_E_UNSUPPORTED;
    PyThreadState *thread = htrail__layout_thread();
    if (!thread)
        return *why = "called without the global interpreter lock", HTRAIL_E_MISUSE;
    if ((*why = htrail__selftest(thread->interp)) != NULL)
        return HTRAIL_E_UNSUPPORTED;
    if (htrail__layout_is_collecting(thread->interp))
        return *why = "called from within a garbage collection", HTRAIL_E_MISUSE;
    if (opts->flags & HTRAIL_CPYTHON_COLLECT_FIRST) {
        PyGC_Collect();
        if (htrail__layout_is_collecting(thread->interp))
            return *why = "called from within a garbage collection", HTRAIL_E_MISUSE;
    }
    if (opts->flags & HTRAIL_CPYTHON_HASHES && !htrail__value_key(key))
        return *why = "the kernel gives no random bytes for the key of the hashes", HTRAIL_E_IO;
    return HTRAIL_OK;
}

htrail_status htrail_capture_cpython(htrail_writer *w, const htrail_cpython_opts *given)
{
    uint64_t begun_ns = monotonic_ns(), walk_ns = 0;
    htrail_cpython_opts opts = opts_of(given);
    htrail_writer_stats stats;
    const char *why;
    if (!w)
        return HTRAIL_E_MISUSE;
    htrail_status status = htrail__cpython_ready(&opts, &why);
    if (status != HTRAIL_OK)
        return refuse(w, status, why);
    if (opts.flags & HTRAIL_CPYTHON_COLLECT_FIRST)
        begun_ns = monotonic_ns();
    htrail_writer_stats_get(w, &stats);

    htrail__walk *k = mmap(NULL, sizeof *k, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (k == MAP_FAILED)
        return refuse(w, HTRAIL_E_NOMEM, "no memory for the walk");
    k->writer = w;
    k->interp = htrail__layout_thread()->interp;
    k->opts = &opts;
    k->deadline_ns = opts.max_pause_ns ? begun_ns + opts.max_pause_ns : 0;
    k->fixed_bytes = stats.memory_bytes + sizeof *k;
    k->subtype_traverse = htrail__selftest_subtype_traverse(k->interp);
    if (!htrail__seen_init(&k->seen)) {
        status = refuse(w, HTRAIL_E_NOMEM, "no memory for the walk's marks");
        goto done;
    }
    if (!k->subtype_traverse) {
        status = refuse(w, HTRAIL_E_UNSUPPORTED, "importlib has no class to learn from how instances are laid out");
        goto done;
    }
    if (opts.flags & HTRAIL_CPYTHON_HASHES && !htrail__value_key(k->hash_key)) {
        status = refuse(w, HTRAIL_E_IO, "the kernel gives no random bytes for the key of the hashes");
        goto done;
    }
    htrail__name_find(k->interp->sysdict, "__name__", &k->name_key);
    uint64_t walked_from_ns = monotonic_ns();
    htrail__walk_lists(k);
    htrail__roots_add(k);
    htrail__walk_noted(k);
    k->interned = htrail__interned_find(k);
    htrail__roots_add_last(k);
    htrail__walk_noted(k);
    htrail__sites_add_all(k);
    htrail__globals_add(k);
    htrail__walk_going_on(k);
    walk_ns = monotonic_ns() - walked_from_ns;
    write_meta(w, k, &(htrail__cost){begun_ns, walk_ns, k->fixed_bytes + k->seen.mapped_bytes});
    status = k->status;
done:
    htrail__seen_release(&k->seen);
    munmap(k, sizeof *k);
    return status;
}
