/* analyze/leaks_read.c - the snapshots, in as many threads as there are processors: to each a part of them that stand one after
 * another, so that the paths of one are found where those of the one before stand. */
#include "analyze/leaks_build.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { READERS_MAX = 4 };

typedef struct reader {
    pthread_t thread;
    bool in_thread;
    htrail__paths own, *paths; /* paths: of all, or own */
    sqlite3 *const *dbs;
    unsigned count;
    _Atomic unsigned *done;
    htrail_status status;
    char message[512];
} reader;

static bool read_one(reader *r, unsigned i)
{
    r->status = htrail__paths_read(r->paths, r->dbs[i], r->message, sizeof r->message);
    atomic_fetch_add(r->done, 1);
    return r->status == HTRAIL_OK;
}

static void *read_part(void *arg)
{
    reader *r = arg;
    for (unsigned i = 0; i < r->count && read_one(r, i); i++)
        ;
    return NULL;
}

/* Those that this process may use. */
static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > READERS_MAX ? READERS_MAX : (unsigned)count;
}

htrail_status htrail__leaks_read(htrail__leaks *leaks, sqlite3 *const *dbs, uint64_t objects_max, htrail__leaks_progress progress, void *arg, char *message,
                                 size_t message_cap)
{
    unsigned total = leaks->snapshot_count, reader_count = processors();
    _Atomic unsigned done = 0;
    reader_count = reader_count > total ? total : reader_count;
    reader *readers = calloc(reader_count, sizeof *readers);
    htrail_status status = HTRAIL_OK;

    if (readers == NULL)
        return HTRAIL_E_NOMEM;
    for (unsigned i = 0, first = 0; i < reader_count; first += readers[i++].count) {
        reader *r = &readers[i];
        *r = (reader){.dbs = dbs + first, .count = (total - first) / (reader_count - i), .done = &done};
        r->paths = i == 0 ? &leaks->paths : &r->own;
        if (i > 0 && (r->status = htrail__paths_init(r->paths, r->count, objects_max)) == HTRAIL_OK)
            r->in_thread = pthread_create(&r->thread, NULL, read_part, r) == 0;
    }
    for (unsigned i = 0; i < readers[0].count && read_one(&readers[0], i); i++)
        if (progress != NULL)
            progress(arg, atomic_load(&done), total);
    for (unsigned i = 0; i < reader_count; i++) {
        reader *r = &readers[i];
        if (r->in_thread)
            pthread_join(r->thread, NULL);
        else if (i > 0 && r->status == HTRAIL_OK)
            read_part(r);
        if (status == HTRAIL_OK && r->status != HTRAIL_OK) {
            status = r->status;
            if (r->message[0] != '\0')
                snprintf(message, message_cap, "%s", r->message);
        }
        if (i > 0 && status == HTRAIL_OK)
            status = htrail__paths_append(&leaks->paths, &r->own);
        else
            htrail__paths_release(&r->own);
    }
    if (progress != NULL)
        progress(arg, total, total);
    free(readers);
    return status;
}
