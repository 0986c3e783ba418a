/* capture.c - the public entry: checks, memory, the walk, the metadata. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "capture/process/facts.h"
#include "capture/process/process.h"
#include "capture/python/arenas.h"
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

static void write_meta(htrail_writer *w, htrail__walk *k, uint64_t begun_ns)
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
        htrail__layout_generation(k->interp, i, &count, &threshold);
        snprintf(key, sizeof key, "gc_count_%d", i);
        htrail__facts_set_number(w, key, (uint64_t)(count > 0 ? count : 0));
        snprintf(key, sizeof key, "gc_threshold_%d", i);
        htrail__facts_set_number(w, key, (uint64_t)threshold);
    }
    htrail__facts_set_number(w, "gc_tracked", k->tracked);
    htrail__facts_set_number(w, "gc_frozen", k->frozen);
    htrail__facts_set_number(w, "walk_objects", k->objects);
    htrail__facts_set_number(w, "refcount_total", k->refcount_total);
    htrail__facts_set_number(w, "walk_memory_bytes", k->seen.mapped_bytes + sizeof *k);
    htrail__facts_set_text(w, "capture_mode", "in-place");
    htrail__facts_set_text(w, "contents_policy",
                           flags & HTRAIL_CPYTHON_CONTENTS ? "contents" : flags & HTRAIL_CPYTHON_HASHES ? "hashes" : "names");
    if (flags & HTRAIL_CPYTHON_HASHES) {
        snprintf(text, sizeof text, "%016llx", (unsigned long long)htrail__value_key_id(k->hash_key));
        htrail__facts_set_text(w, "hash_key_id", text);
    }
    htrail__arenas_write(k, k->opts->process);
    htrail__process_write(w, k->opts->process);
    htrail__facts_write(w, !(flags & HTRAIL_CPYTHON_NO_CMDLINE));
    htrail__facts_set_number(w, "pause_ns", monotonic_ns() - begun_ns);
}

static htrail_status refuse(htrail_writer *w, htrail_status status, const char *why)
{
    htrail_writer_stop(w, status, why);
    return status;
}

htrail_status htrail_capture_cpython(htrail_writer *w, const htrail_cpython_opts *given)
{
    uint64_t begun_ns = monotonic_ns();
    htrail_cpython_opts opts;
    htrail_cpython_opts_init(&opts);
    if (given)
        memcpy(&opts, given, given->struct_size < sizeof opts ? given->struct_size : sizeof opts);
    if (!w)
        return HTRAIL_E_MISUSE;
    if (Py_IsInitialized == NULL || !Py_IsInitialized())
        return refuse(w, HTRAIL_E_MISUSE, "no Python is running in this process");
    const char *unknown = htrail__selftest_version();
    if (unknown)
        return refuse(w, HTRAIL_E_UNSUPPORTED, unknown);
    PyThreadState *thread = htrail__layout_thread();
    if (!thread)
        return refuse(w, HTRAIL_E_MISUSE, "called without the global interpreter lock");
    unknown = htrail__selftest(thread->interp);
    if (unknown)
        return refuse(w, HTRAIL_E_UNSUPPORTED, unknown);
    if (htrail__layout_is_collecting(thread->interp))
        return refuse(w, HTRAIL_E_MISUSE, "called from within a garbage collection");
    if (opts.flags & HTRAIL_CPYTHON_COLLECT_FIRST) {
        PyGC_Collect();
        if (htrail__layout_is_collecting(thread->interp))
            return refuse(w, HTRAIL_E_MISUSE, "called from within a garbage collection");
        begun_ns = monotonic_ns();
    }

    htrail__walk *k = mmap(NULL, sizeof *k, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (k == MAP_FAILED)
        return refuse(w, HTRAIL_E_NOMEM, "no memory for the walk");
    htrail_status status = HTRAIL_OK;
    k->writer = w;
    k->interp = thread->interp;
    k->opts = &opts;
    k->deadline_ns = opts.max_pause_ns ? begun_ns + opts.max_pause_ns : 0;
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
    htrail__walk_lists(k);
    htrail__roots_add(k);
    htrail__walk_noted(k);
    k->interned = htrail__interned_find(k);
    htrail__roots_add_last(k);
    htrail__walk_noted(k);
    htrail__sites_add_all(k);
    htrail__walk_going_on(k);
    write_meta(w, k, begun_ns);
    status = k->status;
done:
    htrail__seen_release(&k->seen);
    munmap(k, sizeof *k);
    return status;
}

htrail_status htrail_snapshot_cpython(const char *path, const htrail_writer_opts *writer_opts, const htrail_cpython_opts *opts,
                                      htrail_snapshot_info *info, char *message, size_t message_cap)
{
    htrail_writer *w = NULL;
    htrail_process *process = NULL;
    htrail_cpython_opts with;
    if (message && message_cap)
        message[0] = '\0';
    htrail_cpython_opts_init(&with);
    if (opts)
        memcpy(&with, opts, opts->struct_size < sizeof with ? opts->struct_size : sizeof with);
    if (with.process == NULL)
        with.process = process = htrail_process_look(0);
    uint64_t begun_ns = monotonic_ns();
    htrail_status status = htrail_writer_open_path(&w, path, writer_opts, message, message_cap);
    if (status != HTRAIL_OK) {
        htrail_process_free(process);
        return status;
    }
    status = htrail_capture_cpython(w, &with);
    bool worth_finishing = status == HTRAIL_OK || status == HTRAIL_E_LIMIT;
    htrail_status finished = worth_finishing ? htrail_writer_finish(w) : status;
    if (status == HTRAIL_OK || (finished != HTRAIL_OK && finished != HTRAIL_E_LIMIT))
        status = finished;
    /* A limit that the last block met is known only now. */
    if (status == HTRAIL_OK && htrail_writer_stopped_early(w) != NULL)
        status = HTRAIL_E_LIMIT;
    if (status != HTRAIL_OK && message && message_cap)
        snprintf(message, message_cap, "%s", htrail_writer_error(w));
    if (info) {
        htrail_writer_stats stats;
        htrail_writer_stats_get(w, &stats);
        *info = (htrail_snapshot_info){stats.objects, stats.refs, stats.size_bytes, stats.bytes_written, monotonic_ns() - begun_ns};
    }
    htrail_writer_free(w);
    htrail_process_free(process);
    return status;
}
