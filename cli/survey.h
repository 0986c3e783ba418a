/* cli/survey.h - read a snapshot file to its end and count: what info and check know of it.
 * Needs the reader alone, so that a device has it too. */
#ifndef HTRAIL_CLI_SURVEY_H
#define HTRAIL_CLI_SURVEY_H

#include <htrail/reader.h>

typedef struct cli_survey_fact {
    char *key, *value; /* of the heap: to be escaped; owned */
    size_t key_len, value_len;
} cli_survey_fact;

typedef struct cli_survey {
    htrail_status status; /* HTRAIL_END: whole. E_TRUNCATED, E_CORRUPT...: see message */
    char message[1024];   /* "" where it is whole */
    size_t subject_bytes; /* of message: what names the file */
    char stopped[256];    /* why the writer ended it early; "" if it did not */
    htrail_header header;
    uint64_t file_bytes;  /* read */
    uint64_t objects, parts, references, types, strings, names, values, roots, size_bytes;
    cli_survey_fact *facts; /* metadata; a key that came again has its last value */
    size_t fact_count;
} cli_survey;

/* The message where the name of the file stands beside it: without naming it again. */
const char *cli_survey_reason(const cli_survey *survey);

/* Shows progress on standard error. Release afterwards. */
void cli_survey_file(cli_survey *survey, const char *file);
void cli_survey_release(cli_survey *survey);

#endif
