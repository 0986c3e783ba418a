/* analyze/leaks_read.c - the snapshots, each read in a thread of its own. */
#include "analyze/leaks_build.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READERS_MAX = 4 };

typedef struct reader {
    pthread_t thread;
    htrail__paths paths;
    sqlite3 *db;
    htrail_status status;
    char message[512];
} reader;

static void *read_one(void *arg)
{
    reader *r = arg;
    r->status = htrail__paths_read(&r->paths, r->db, r->message, sizeof r->message);
    return NULL;
}

htrail_status htrail__leaks_read(htrail__leaks *leaks, sqlite3 *const *dbs, uint64_t objects_max, htrail__leaks_progress progress, void *arg, char *message,
                                 size_t message_cap)
{
    reader *readers = calloc(READERS_MAX, sizeof *readers);
    htrail_status status = readers == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned at_once = processors < 1 ? 1 : processors > READERS_MAX ? READERS_MAX : (unsigned)processors;
    for (unsigned first = 0; first < leaks->snapshot_count && status == HTRAIL_OK; first += at_once) {
        unsigned count = leaks->snapshot_count - first < at_once ? leaks->snapshot_count - first : at_once;
        bool started[READERS_MAX] = {false};
        for (unsigned i = 0; i < count; i++) {
            readers[i] = (reader){.db = dbs[first + i]};
            readers[i].status = htrail__paths_init(&readers[i].paths, 1, objects_max);
            if (readers[i].status == HTRAIL_OK && !(started[i] = pthread_create(&readers[i].thread, NULL, read_one, &readers[i]) == 0))
                read_one(&readers[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            if (started[i])
                pthread_join(readers[i].thread, NULL);
            if (status == HTRAIL_OK && readers[i].status != HTRAIL_OK) {
                status = readers[i].status;
                if (readers[i].message[0] != '\0')
                    snprintf(message, message_cap, "%s", readers[i].message);
            }
            if (status == HTRAIL_OK)
                status = htrail__paths_append(&leaks->paths, &readers[i].paths);
            else
                htrail__paths_release(&readers[i].paths);
            if (progress != NULL)
                progress(arg, first + i + 1, leaks->snapshot_count);
        }
    }
    free(readers);
    return status;
}
