/* import/job.h - what the readers of all formats write through: texts once each, types by number, objects with any number
 * of references; and the one sentence when something is wrong.
 *
 * Errors: sticky. job_fail keeps the first sentence and returns false; every call here returns false from then on, so that a reader hands
 * the false up. A file that merely ends is HTRAIL_E_TRUNCATED (job_cut): the reader's caller decides whether what was read counts. */
#ifndef HTRAIL_IMPORT_JOB_H
#define HTRAIL_IMPORT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/writer.h>

#include "import/map.h"
#include "import/source.h"

enum { HTRAIL__JOB_MESSAGE_BYTES = 512 };

typedef struct htrail__job {
    htrail__source *source;
    htrail_writer *writer;
    bool with_contents;
    htrail_status status;
    char message[HTRAIL__JOB_MESSAGE_BYTES];

    htrail__map labels;       /* hash of a text to its string id; texts that collide get ids of their own */
    struct htrail__job_text { uint32_t offset, len, string_id, next; } *label_texts;
    size_t label_count, label_cap;
    char *label_bytes;
    size_t label_used, label_room;

    htrail_object object;     /* being put together; refs below */
    htrail_ref refs[HTRAIL_REFS_MAX];
    bool is_added;            /* its first part is written */
} htrail__job;

void htrail__job_init(htrail__job *job, htrail__source *source, htrail_writer *writer);
void htrail__job_release(htrail__job *job);

/* "SENTENCE at offset N". Returns false. */
bool htrail__job_fail(htrail__job *job, uint64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool htrail__job_no_memory(htrail__job *job);
/* The file ends within what began at offset. Returns false. */
bool htrail__job_cut(htrail__job *job, uint64_t offset, const char *what);
/* Keeps a failure of the writer; true where there is none. */
bool htrail__job_wrote(htrail__job *job, htrail_status status);

/* The label of a text. 0 where it is empty, or on failure. */
htrail_label htrail__job_label(htrail__job *job, const char *text, size_t len);
bool htrail__job_meta(htrail__job *job, const char *key, const char *value);
bool htrail__job_meta_number(htrail__job *job, const char *key, uint64_t value);
/* The type under the name that a program knows it by, "java.lang.String": parted at the last dot. */
bool htrail__job_type(htrail__job *job, htrail_id id, htrail_id base, const char *name, size_t len, uint32_t flags);
bool htrail__job_name(htrail__job *job, htrail_id object, const char *name, size_t len, const char *module, size_t module_len);
bool htrail__job_root(htrail__job *job, htrail_id object, uint32_t kind, const char *name, uint64_t thread_id, uint32_t depth);

/* An object: begin, its references, end. */
void htrail__job_begin(htrail__job *job, htrail_id id, htrail_id type, uint64_t size_bytes, uint32_t flags);
bool htrail__job_flush(htrail__job *job);
static inline bool htrail__job_ref(htrail__job *job, htrail_id target, uint32_t kind, htrail_label label)
{
    if (job->object.ref_count == HTRAIL_REFS_MAX && !htrail__job_flush(job))
        return false;
    job->refs[job->object.ref_count++] = (htrail_ref){.target = target, .kind = kind, .label = label};
    return true;
}
bool htrail__job_end(htrail__job *job);

/* A dynamic array: room for one more item than used. false: out of memory. */
bool htrail__job_reserve(htrail__job *job, void *data_pointer, size_t *cap, size_t used, size_t more, size_t item_bytes);

/* The readers. Each returns false on failure (job->status); cut: job->status is HTRAIL_E_TRUNCATED and what was written counts. */
bool htrail__import_hprof(htrail__job *job);
bool htrail__import_v8(htrail__job *job);
bool htrail__import_pyheap(htrail__job *job);
bool htrail__import_meliae(htrail__job *job);
bool htrail__import_dump_heap(htrail__job *job);

#endif
