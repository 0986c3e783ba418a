/* cli/survey.h - read a snapshot file to its end and count: what info and check know of it.
 * Needs the reader alone, so that a device has it too. */
#ifndef HTRAIL_CLI_SURVEY_H
#define HTRAIL_CLI_SURVEY_H

#include <htrail/reader.h>

#include "cli/facts.h"

/* Of threads: names of facts, in docs/schema.md. */
enum { CLI_THREADS_ALL, CLI_THREADS_RUNNING, CLI_THREADS_SLEEPING, CLI_THREADS_WAITING, CLI_THREADS_STOPPED, CLI_THREADS_OTHER,
       CLI_THREADS_PYTHON, CLI_THREADS_DAEMON, CLI_THREADS_COUNTS };
enum { CLI_CATEGORIES = HTRAIL_MAPPING_CAPTURE + 1 };

typedef struct cli_survey {
    htrail_status status; /* HTRAIL_END: whole. E_TRUNCATED, E_CORRUPT...: see message */
    char message[1024];   /* "" where it is whole */
    size_t subject_bytes; /* of message: what names the file */
    char stopped[256];    /* why the writer ended it early; "" if it did not */
    htrail_header header;
    uint64_t file_bytes;  /* read */
    uint64_t objects, parts, references, types, strings, names, values, roots, size_bytes;
    uint64_t threads[CLI_THREADS_COUNTS];
    uint64_t mappings, resident_bytes[CLI_CATEGORIES], dirty_bytes[CLI_CATEGORIES];
    cli_facts facts; /* metadata; a key that came again has its last value */
} cli_survey;

/* The message where the name of the file stands beside it: without naming it again. */
const char *cli_survey_reason(const cli_survey *survey);

/* Shows progress on standard error. Release afterwards. */
void cli_survey_file(cli_survey *survey, const char *file);
void cli_survey_release(cli_survey *survey);

#endif
