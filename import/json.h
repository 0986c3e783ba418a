/* import/json.h - JSON as a stream of events, by yajl: nothing is built, nothing recursive, and no token longer than a bound.
 *
 * Events return false to stop (after job_fail). One that is NULL is passed over. */
#ifndef HTRAIL_IMPORT_JSON_H
#define HTRAIL_IMPORT_JSON_H

#include "import/job.h"

typedef struct htrail__json_events {
    bool (*number)(void *arg, int64_t value); /* fractions come as what is before the point */
    bool (*string)(void *arg, const char *text, size_t len);
    bool (*key)(void *arg, const char *text, size_t len);
    bool (*other)(void *arg);                 /* null, true, false */
    bool (*open)(void *arg, bool is_array);
    bool (*close)(void *arg, bool is_array);
} htrail__json_events;

enum htrail__json_flags {
    HTRAIL__JSON_MANY = 1 << 0 /* values one after the other, a line each */
};

/* From where the source stands to its end. false: damaged (HTRAIL_E_CORRUPT) or cut within a value (HTRAIL_E_TRUNCATED). */
bool htrail__json_read(htrail__job *job, const htrail__json_events *events, void *arg, uint32_t flags);

#endif
