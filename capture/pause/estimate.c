/* estimate.c - see estimate.h. */
#include "capture/pause/estimate.h"

#include "capture/pause/choose.h"
#include "capture/process/process.h"
#include "capture/process/room.h"

enum {
    OBJECT_BYTES = 85,       /* of small objects' memory, an object: 63 (strings) to 110 (modules and code) */
    OBJECT_NS = 130,         /* of a pause in place: 83 (fresh) to 270 (modules and code) */
    OBJECT_FILE_BYTES = 3,   /* 0.5 to 7 */
    WALK_BYTES = 2 << 20,    /* stack, caches and tables, see capture/python/walk.h */
    WALK_SHARE = 50          /* of the memory walked goes into marks: 1/64 and what is begun of a MiB */
};

/* Of the snapshot before, in a process that tells them one after the other. */
static struct {
    uint64_t small_bytes, anonymous_bytes, objects, file_bytes, took_ns, fork_ns;
} before;

static void memory_of(const htrail_process *process, uint64_t *anonymous, uint64_t *small)
{
    *anonymous = 0;
    (void)htrail__room_anonymous("", anonymous);
    uint64_t elsewhere = htrail__process_fact_of(process, "malloc_heap_bytes") + htrail__process_fact_of(process, "malloc_mmapped_bytes");
    *small = *anonymous > elsewhere ? *anonymous - elsewhere : 0;
}

static uint64_t scaled(uint64_t value, uint64_t now, uint64_t then) { return (uint64_t)((double)value * (double)now / (double)then); }

void htrail__estimate_make(htrail__estimate *e, const htrail_process *process, const htrail_writer_opts *writer_opts)
{
    uint64_t anonymous, small;
    memory_of(process, &anonymous, &small);
    *e = (htrail__estimate){.fork_ns = htrail__choose_fork_ns(anonymous), .copy_bytes = anonymous};
    e->memory_bytes = htrail_writer_memory_needed(writer_opts) + WALK_BYTES + anonymous / WALK_SHARE;
    e->objects = small / OBJECT_BYTES;
    if (before.objects != 0 && before.small_bytes != 0)
        e->objects = scaled(before.objects, small, before.small_bytes);
    e->file_bytes = before.objects != 0 ? scaled(before.file_bytes, e->objects, before.objects) : e->objects * OBJECT_FILE_BYTES;
    e->in_place_ns = before.objects != 0 ? scaled(before.took_ns, e->objects, before.objects) : e->objects * OBJECT_NS;
    if (before.fork_ns != 0 && before.anonymous_bytes != 0)
        e->fork_ns = scaled(before.fork_ns, anonymous, before.anonymous_bytes);
}

void htrail__estimate_learn(const htrail_process *process, uint64_t objects, uint64_t file_bytes, uint64_t took_ns, uint64_t fork_ns)
{
    memory_of(process, &before.anonymous_bytes, &before.small_bytes);
    before.objects = objects;
    before.file_bytes = file_bytes;
    before.took_ns = took_ns;
    before.fork_ns = fork_ns != 0 ? fork_ns : before.fork_ns;
}
