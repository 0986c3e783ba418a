/* import/import.c - see the header: which reader a file is for, and the snapshot around what it writes. */
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/job.h"

enum { PROBE_BYTES = 4096 };

typedef struct format {
    const char *name, *text;
    bool (*matches)(const uint8_t *data, size_t len);
    bool (*read)(htrail__job *job);
} format;

static bool begins_with(const uint8_t *data, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

static bool is_hprof(const uint8_t *data, size_t len) { return begins_with(data, len, "JAVA PROFILE 1.0"); }

static bool is_v8(const uint8_t *data, size_t len)
{
    size_t at = 1;
    while (at < len && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t'))
        at++;
    return begins_with(data, len, "{") && begins_with(data + at, len - at, "\"snapshot\"");
}

static bool is_pyheap(const uint8_t *data, size_t len) { return len >= 8 && memcmp(data, "\0\0\0\0\x07\x54\xd6\x01", 8) == 0; }
static bool is_meliae(const uint8_t *data, size_t len) { return begins_with(data, len, "{\"address\":"); }
static bool is_dump_heap(const uint8_t *data, size_t len) { return begins_with(data, len, "\x83\xa1t\xa4type"); }

#define FORMATS(X) \
    X("hprof", "a heap dump of a Java VM (jcmd PID GC.heap_dump, jmap -dump:format=b)", is_hprof, htrail__import_hprof) \
    X("v8", "a .heapsnapshot of V8 (node: v8.writeHeapSnapshot(), Chrome: memory panel)", is_v8, htrail__import_v8) \
    X("pyheap", "a file of PyHeap (CPython)", is_pyheap, htrail__import_pyheap) \
    X("meliae", "a file of meliae (CPython): a JSON object a line", is_meliae, htrail__import_meliae) \
    X("dump-heap", "a file of dump-heap (CPython)", is_dump_heap, htrail__import_dump_heap)

static const format formats[] = {
#define X(name, text, matches, read) {name, text, matches, read},
    FORMATS(X)
#undef X
};
const char *const htrail__import_formats[] = {
#define X(name, text, matches, read) name, text,
    FORMATS(X)
#undef X
    NULL,
};

static const format *format_for(htrail__source *source, const char *wanted)
{
    size_t len = 0;
    const uint8_t *data = htrail__source_look(source, PROBE_BYTES, &len);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (wanted != NULL ? strcmp(wanted, formats[i].name) == 0 : data != NULL && formats[i].matches(data, len))
            return &formats[i];
    return NULL;
}

/* What was read counts, where it is anything: the snapshot says how far it goes. */
static bool finish(htrail__job *job, htrail__import_result *result)
{
    htrail_writer_stats stats;
    htrail_writer_stats_get(job->writer, &stats);
    if (job->status == HTRAIL_E_TRUNCATED && stats.objects > 0) {
        snprintf(result->cut, sizeof result->cut, "%s", job->message);
        htrail_writer_stop(job->writer, HTRAIL_E_LIMIT, result->cut);
        job->status = HTRAIL_OK;
    }
    if (job->status != HTRAIL_OK)
        return false;
    if (!htrail__job_wrote(job, htrail_writer_finish(job->writer)))
        return false;
    htrail_writer_stats_get(job->writer, &stats);
    result->objects = stats.objects;
    result->references = stats.refs;
    result->roots = stats.roots;
    result->size_bytes = stats.size_bytes;
    return true;
}

static htrail_status read_with(const format *found, htrail__source *source, htrail_writer *writer, const char *path, const htrail__import_opts *opts,
                               htrail__import_result *result, char *message, size_t message_cap)
{
    htrail__job *job = malloc(sizeof *job);
    htrail_status status = HTRAIL_E_NOMEM;

    if (job == NULL) {
        snprintf(message, message_cap, "cannot import '%s': out of memory", path);
        return status;
    }
    htrail__job_init(job, source, writer);
    job->with_contents = opts->with_contents;
    if (htrail__source_rewind(source))
        found->read(job);
    else
        htrail__job_cut(job, 0, "its beginning");
    htrail__job_meta(job, "imported_format", found->name);
    htrail__job_meta(job, "imported_from", path);
    htrail__job_meta(job, "contents_policy", job->with_contents ? "names, values of strings" : "names, no values");
    finish(job, result);
    if ((status = job->status) != HTRAIL_OK)
        snprintf(message, message_cap, "cannot import '%s': %s", path, job->message);
    htrail__job_release(job);
    free(job);
    return status;
}

static const format *open_source(htrail__source **source, const char *path, const htrail__import_opts *opts, htrail__import_result *result,
                                 htrail_status *status, char *message, size_t message_cap)
{
    char why[HTRAIL__SOURCE_MESSAGE_BYTES];
    const format *found = NULL;

    *result = (htrail__import_result){0};
    if ((*status = htrail__source_open(source, path, why, sizeof why)) != HTRAIL_OK) {
        snprintf(message, message_cap, "cannot import '%s': %s", path, why);
        return NULL;
    }
    if ((found = format_for(*source, opts->format)) == NULL) {
        *status = HTRAIL_E_UNSUPPORTED;
        snprintf(message, message_cap, "cannot import '%s': it begins like none of the known formats", path);
        return NULL;
    }
    result->format = found->name;
    return found;
}

htrail_status htrail__import_to(htrail_writer *writer, const char *path, const htrail__import_opts *opts, htrail__import_result *result,
                                char *message, size_t message_cap)
{
    htrail__source *source = NULL;
    htrail_status status;
    const format *found = open_source(&source, path, opts, result, &status, message, message_cap);
    if (found != NULL)
        status = read_with(found, source, writer, path, opts, result, message, message_cap);
    htrail__source_free(source);
    return status;
}

htrail_status htrail__import(const char *path, const char *output, const htrail__import_opts *opts, htrail__import_result *result,
                             char *message, size_t message_cap)
{
    htrail__source *source = NULL;
    htrail_writer *writer = NULL;
    htrail_status status;
    /* The file is looked at first: nothing is begun for one that is no heap dump. */
    const format *found = open_source(&source, path, opts, result, &status, message, message_cap);
    if (found != NULL && (status = htrail_writer_open_path(&writer, output, NULL, message, message_cap)) == HTRAIL_OK)
        status = read_with(found, source, writer, path, opts, result, message, message_cap);
    htrail_writer_free(writer);
    htrail__source_free(source);
    return status;
}
