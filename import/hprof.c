/* import/hprof.c - a Java heap dump as a snapshot: the passes in their order. hprof.h has the format. */
#include "import/hprof.h"

#include <stdlib.h>

static void release(hprof *h)
{
    htrail__map *maps[] = {&h->text_of, &h->class_of, &h->class_of_serial, &h->frame_of, &h->trace_of, &h->thread_of};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        htrail__map_release(maps[i]);
    free(h->texts);
    free(h->text_bytes);
    free(h->classes);
    free(h->statics);
    free(h->fields);
    free(h->slots);
    free(h->frames);
    free(h->trace_frames);
    free(h->traces);
    free(h->threads);
    free(h->roots);
    free(h);
}

/* A dump that is cut is read as far as it goes in each pass; the sentence of the first is kept until the end. */
static bool unless_cut(htrail__job *job, bool done, bool *is_cut)
{
    if (!done && job->status == HTRAIL_E_TRUNCATED) {
        *is_cut = true;
        job->status = HTRAIL_OK;
        return true;
    }
    return done;
}

bool htrail__import_hprof(htrail__job *job)
{
    hprof *h = calloc(1, sizeof *h);
    bool is_cut = false;
    if (h == NULL)
        return htrail__job_no_memory(job);
    htrail__map *maps[] = {&h->text_of, &h->class_of, &h->class_of_serial, &h->frame_of, &h->trace_of, &h->thread_of};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        htrail__map_init(maps[i]);
    h->job = job;
    h->pointer_bytes = 8;
    h->array_header_bytes = 24;
    bool done = unless_cut(job, hprof_walk(h, hprof_catalog_record, hprof_catalog_item), &is_cut);
    htrail__job_meta(job, "runtime", h->is_android ? "Android (hprof)" : "Java (hprof)");
    size_t roots = h->root_count, threads = h->thread_count;
    done = done && hprof_write_classes(h) && unless_cut(job, hprof_walk(h, NULL, hprof_write_item), &is_cut);
    h->root_count = roots;
    h->thread_count = threads;
    done = done && unless_cut(job, hprof_write_threads(h), &is_cut);
    if (done && is_cut)
        job->status = HTRAIL_E_TRUNCATED;
    release(h);
    return done && !is_cut;
}
