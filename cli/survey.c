/* cli/survey.c - see the header. */
#include "cli/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/progress.h"

enum { STEP_RECORDS = 1 << 14 };

/* Rows of the kernel have a state; those that have a number and are the runtime's are its threads. */
static void count_thread(cli_survey *survey, const htrail_thread *thread)
{
    if (thread->tid != 0 && thread->state != 0) {
        survey->threads[CLI_THREADS_ALL]++;
        switch (thread->state) {
        case 'R': survey->threads[CLI_THREADS_RUNNING]++; break;
        case 'S': survey->threads[CLI_THREADS_SLEEPING]++; break;
        case 'D': survey->threads[CLI_THREADS_WAITING]++; break;
        case 'T':
        case 't': survey->threads[CLI_THREADS_STOPPED]++; break;
        default: survey->threads[CLI_THREADS_OTHER]++; break;
        }
    }
    if (thread->tid != 0 && (thread->flags & HTRAIL_THREAD_RUNTIME))
        survey->threads[CLI_THREADS_PYTHON]++;
    if (thread->flags & HTRAIL_THREAD_DAEMON)
        survey->threads[CLI_THREADS_DAEMON]++;
}

static void count_mapping(cli_survey *survey, const htrail_mapping *mapping)
{
    uint32_t category = mapping->category < CLI_CATEGORIES ? mapping->category : HTRAIL_MAPPING_OTHER;
    survey->mappings++;
    survey->resident_bytes[category] += mapping->rss_bytes;
    survey->dirty_bytes[category] += mapping->private_dirty_bytes;
}

static void count(cli_survey *survey, const htrail_record *record)
{
    switch (record->kind) {
    case HTRAIL_RECORD_OBJECT:
        survey->references += record->u.object.ref_count;
        if (record->u.object.flags & HTRAIL_OBJECT_CONTINUED) {
            survey->parts++;
        } else {
            survey->objects++;
            survey->size_bytes += record->u.object.size_bytes;
        }
        break;
    case HTRAIL_RECORD_META: cli_facts_set(&survey->facts, record->u.meta.key.data, record->u.meta.key.len, record->u.meta.value.data, record->u.meta.value.len); break;
    case HTRAIL_RECORD_TYPE: survey->types++; break;
    case HTRAIL_RECORD_STRING: survey->strings++; break;
    case HTRAIL_RECORD_NAME: survey->names++; break;
    case HTRAIL_RECORD_VALUE: survey->values++; break;
    case HTRAIL_RECORD_ROOT: survey->roots++; break;
    case HTRAIL_RECORD_THREAD: count_thread(survey, &record->u.thread); break;
    case HTRAIL_RECORD_MAPPING: count_mapping(survey, &record->u.mapping); break;
    case HTRAIL_RECORD_FRAME:
    case HTRAIL_RECORD_SITE:
    case HTRAIL_RECORD_SITE_OF: break;
    }
}

/* "cannot read 'a.htrail': it is damaged ...", "'a.htrail' is cut ...": how long the first part is. */
static size_t subject_of(const char *message, const char *file)
{
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
    char subject[512];
    size_t len = (size_t)snprintf(subject, sizeof subject, "cannot read '%.400s': ", name);
    if (strncmp(message, subject, len) == 0)
        return len;
    len = (size_t)snprintf(subject, sizeof subject, "'%.400s' is ", name);
    return strncmp(message, subject, len) == 0 ? len : 0;
}

const char *cli_survey_reason(const cli_survey *survey) { return survey->message + survey->subject_bytes; }

void cli_survey_file(cli_survey *survey, const char *file)
{
    htrail_reader *reader = NULL;
    htrail_record record;
    struct stat about;
    char what[1024];
    cli_progress progress;
    uint64_t all = strcmp(file, "-") != 0 && stat(file, &about) == 0 ? (uint64_t)about.st_size : 0;

    *survey = (cli_survey){0};
    snprintf(what, sizeof what, "reading '%s'", file);
    cli_progress_init(&progress, what);
    survey->status = htrail_reader_open_path(&reader, file, NULL, survey->message, sizeof survey->message);
    if (survey->status == HTRAIL_OK) {
        survey->header = *htrail_reader_header(reader);
        for (uint64_t done = 1; (survey->status = htrail_reader_next(reader, &record)) == HTRAIL_OK; done++) {
            count(survey, &record);
            if (done % STEP_RECORDS == 0)
                cli_progress_step(&progress, htrail_reader_offset(reader), all);
        }
        survey->file_bytes = htrail_reader_offset(reader);
        snprintf(survey->message, sizeof survey->message, "%s", htrail_reader_error(reader));
        if (survey->status == HTRAIL_END && htrail_reader_stopped_early(reader) != NULL)
            snprintf(survey->stopped, sizeof survey->stopped, "%s", htrail_reader_stopped_early(reader));
    }
    survey->subject_bytes = subject_of(survey->message, file);
    cli_progress_end(&progress);
    htrail_reader_free(reader);
}

void cli_survey_release(cli_survey *survey)
{
    cli_facts_release(&survey->facts);
    *survey = (cli_survey){0};
}
