/* import/job.c - see the header. */
#include "import/job.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void htrail__job_init(htrail__job *job, htrail__source *source, htrail_writer *writer)
{
    memset(job, 0, offsetof(htrail__job, refs));
    job->source = source;
    job->writer = writer;
    htrail__map_init(&job->labels);
}

void htrail__job_release(htrail__job *job)
{
    htrail__map_release(&job->labels);
    free(job->label_texts);
    free(job->label_bytes);
}

static bool keep(htrail__job *job, htrail_status status)
{
    if (job->status == HTRAIL_OK)
        job->status = status;
    return false;
}

bool htrail__job_fail(htrail__job *job, uint64_t offset, const char *format, ...)
{
    va_list values;
    if (job->status != HTRAIL_OK)
        return false;
    va_start(values, format);
    int used = vsnprintf(job->message, sizeof job->message, format, values);
    va_end(values);
    if (used >= 0 && (size_t)used < sizeof job->message)
        snprintf(job->message + used, sizeof job->message - (size_t)used, ", at offset %" PRIu64, offset);
    return keep(job, HTRAIL_E_CORRUPT);
}

bool htrail__job_no_memory(htrail__job *job)
{
    if (job->status == HTRAIL_OK)
        snprintf(job->message, sizeof job->message, "out of memory");
    return keep(job, HTRAIL_E_NOMEM);
}

bool htrail__job_cut(htrail__job *job, uint64_t offset, const char *what)
{
    const char *error = htrail__source_error(job->source);
    if (job->status != HTRAIL_OK)
        return false;
    if (error[0] != '\0')
        snprintf(job->message, sizeof job->message, "the file cannot be read past offset %" PRIu64 ": %s", htrail__source_offset(job->source), error);
    else
        snprintf(job->message, sizeof job->message, "the file ends within %s, at offset %" PRIu64, what, offset);
    return keep(job, HTRAIL_E_TRUNCATED);
}

bool htrail__job_wrote(htrail__job *job, htrail_status status)
{
    if (status == HTRAIL_OK && job->status == HTRAIL_OK)
        return true;
    if (job->status == HTRAIL_OK)
        snprintf(job->message, sizeof job->message, "%s", htrail_writer_error(job->writer));
    return keep(job, status != HTRAIL_OK ? status : job->status);
}

bool htrail__job_reserve(htrail__job *job, void *data_pointer, size_t *cap, size_t used, size_t more, size_t item_bytes)
{
    void **data = data_pointer;
    if (used + more <= *cap)
        return true;
    size_t wanted = *cap < 64 ? 64 : *cap * 2;
    if (wanted < used + more)
        wanted = used + more;
    void *grown = wanted > SIZE_MAX / 2 / item_bytes ? NULL : realloc(*data, wanted * item_bytes);
    if (grown == NULL)
        return htrail__job_no_memory(job);
    *data = grown;
    *cap = wanted;
    return true;
}

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    return hash;
}

htrail_label htrail__job_label(htrail__job *job, const char *text, size_t len)
{
    enum { LABEL_BYTES_MAX = 1024 };
    uint32_t string_id;

    if (len == 0 || job->status != HTRAIL_OK)
        return 0;
    if (len > LABEL_BYTES_MAX)
        len = LABEL_BYTES_MAX;
    uint32_t *place = htrail__map_put(&job->labels, hash_of(text, len));
    if (place == NULL)
        return htrail__job_no_memory(job), 0;
    for (uint32_t at = *place; at != HTRAIL__MAP_NONE; at = job->label_texts[at].next)
        if (job->label_texts[at].len == len && memcmp(job->label_bytes + job->label_texts[at].offset, text, len) == 0)
            return HTRAIL_LABEL_STRING(job->label_texts[at].string_id);
    if (job->label_used + len > UINT32_MAX) {
        htrail__job_fail(job, htrail__source_offset(job->source), "the names of fields exceed 4 GiB");
        return 0;
    }
    if (!htrail__job_reserve(job, &job->label_texts, &job->label_cap, job->label_count, 1, sizeof *job->label_texts) ||
        !htrail__job_reserve(job, &job->label_bytes, &job->label_room, job->label_used, len, 1) ||
        !htrail__job_wrote(job, htrail_writer_add_string(job->writer, (htrail_str){text, len}, &string_id)))
        return 0;
    memcpy(job->label_bytes + job->label_used, text, len);
    job->label_texts[job->label_count] = (struct htrail__job_text){(uint32_t)job->label_used, (uint32_t)len, string_id, *place};
    *place = (uint32_t)job->label_count++;
    job->label_used += len;
    return HTRAIL_LABEL_STRING(string_id);
}

bool htrail__job_meta(htrail__job *job, const char *key, const char *value)
{
    return htrail__job_wrote(job, htrail_writer_set_meta(job->writer, (htrail_str){key, strlen(key)}, (htrail_str){value, strlen(value)}));
}

bool htrail__job_meta_number(htrail__job *job, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return htrail__job_meta(job, key, text);
}

bool htrail__job_type(htrail__job *job, htrail_id id, htrail_id base, const char *name, size_t len, uint32_t flags)
{
    const char *dot = len > 0 ? memrchr(name, '.', len) : NULL;
    htrail_type type = {.id = id, .base = base, .name = {name, len}, .flags = flags};
    if (dot != NULL && dot > name && dot + 1 < name + len) {
        type.module = (htrail_str){name, (size_t)(dot - name)};
        type.name = (htrail_str){dot + 1, (size_t)(name + len - dot - 1)};
    }
    return htrail__job_wrote(job, htrail_writer_add_type(job->writer, &type));
}

bool htrail__job_name(htrail__job *job, htrail_id object, const char *name, size_t len, const char *module, size_t module_len)
{
    return htrail__job_wrote(job, htrail_writer_add_name(job->writer, &(htrail_name){object, {name, len}, {module, module_len}}));
}

bool htrail__job_root(htrail__job *job, htrail_id object, uint32_t kind, const char *name, uint64_t thread_id, uint32_t depth)
{
    htrail_root root = {.object = object, .name = {name, strlen(name)}, .thread_id = thread_id, .kind = kind, .depth = depth};
    return htrail__job_wrote(job, htrail_writer_add_root(job->writer, &root));
}

void htrail__job_begin(htrail__job *job, htrail_id id, htrail_id type, uint64_t size_bytes, uint32_t flags)
{
    job->object = (htrail_object){.id = id, .type = type, .size_bytes = size_bytes, .flags = flags, .refs = job->refs};
    job->is_added = false;
}

bool htrail__job_flush(htrail__job *job)
{
    if (job->is_added)
        job->object.flags = HTRAIL_OBJECT_CONTINUED;
    job->is_added = true;
    bool done = htrail__job_wrote(job, htrail_writer_add_object(job->writer, &job->object));
    job->object.ref_count = 0;
    return done;
}

bool htrail__job_end(htrail__job *job)
{
    return job->is_added && job->object.ref_count == 0 ? job->status == HTRAIL_OK : htrail__job_flush(job);
}
