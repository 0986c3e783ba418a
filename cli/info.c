/* cli/info.c - heaptrail info: what a snapshot is of, and how much is in it. On a device it
 * needs no database; on a workstation it reads one as well. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/survey.h"
#ifndef HTRAIL_EDGE
#include "cli/query.h"
#endif

static void row(cli_rows *rows, const char *key, const char *value, size_t len)
{
    cli_rows_text(rows, key, strlen(key));
    cli_rows_text(rows, value, len);
}

static void number_row(cli_rows *rows, const char *key, uint64_t value)
{
    char text[32];
    row(rows, key, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

static void print_survey(const cli_arguments *arguments, const cli_survey *survey)
{
    char text[64];
    cli_rows *rows = cli_rows_open("info", cli_option_given(arguments, "json"));

    cli_rows_column(rows, "key", CLI_COLUMN_TEXT);
    cli_rows_column(rows, "value", CLI_COLUMN_TEXT);
    row(rows, "complete", survey->status == HTRAIL_END ? "1" : "0", 1);
    if (survey->message[0] != '\0')
        row(rows, "cut", cli_survey_reason(survey), strlen(cli_survey_reason(survey)));
    if (survey->stopped[0] != '\0')
        row(rows, "stopped_early", survey->stopped, strlen(survey->stopped));
    row(rows, "file_id", text, (size_t)snprintf(text, sizeof text, "%016" PRIx64, survey->header.file_id));
    number_row(rows, "file_bytes", survey->file_bytes);
    number_row(rows, "format_version", survey->header.version_major);
    number_row(rows, "format_version_minor", survey->header.version_minor);
    number_row(rows, "pointer_bytes", survey->header.pointer_bytes);
    number_row(rows, "objects", survey->objects);
    number_row(rows, "references", survey->references);
    number_row(rows, "types", survey->types);
    number_row(rows, "strings", survey->strings);
    number_row(rows, "names", survey->names);
    number_row(rows, "values", survey->values);
    number_row(rows, "roots", survey->roots);
    number_row(rows, "size_bytes", survey->size_bytes);
    row(rows, "bytes_per_object", text,
        (size_t)snprintf(text, sizeof text, "%.2f", survey->objects ? (double)survey->file_bytes / (double)survey->objects : 0.0));
    for (size_t i = 0; i < survey->fact_count; i++) {
        cli_rows_text(rows, survey->facts[i].key, survey->facts[i].key_len);
        cli_rows_text(rows, survey->facts[i].value, survey->facts[i].value_len);
    }
    cli_rows_close(rows);
}

static int run(const cli_arguments *arguments)
{
    const char *file = cli_operands(arguments)[0];
    cli_survey survey;
    int result = CLI_EXIT_OK;

#ifndef HTRAIL_EDGE
    if (htrail__store_is_database(file)) {
        htrail__store *store = NULL;
        sqlite3_stmt *statement = NULL;
        result = cli_open_store(arguments, file, &store);
        if (result == CLI_EXIT_OK)
            result = cli_prepare(arguments, htrail__store_db(store), "SELECT key, value FROM snapshot ORDER BY key", &statement);
        if (result == CLI_EXIT_OK)
            result = cli_print_query(arguments, statement, NULL, 0);
        sqlite3_finalize(statement);
        htrail__store_free(store);
        return result;
    }
#endif
    cli_survey_file(&survey, file);
    if (survey.status != HTRAIL_END && survey.status != HTRAIL_E_TRUNCATED)
        result = cli_fail(arguments, "%s", survey.message);
    else
        print_survey(arguments, &survey);
    cli_survey_release(&survey);
    return result;
}

static const cli_option options[] = {
    {"json", 0, NULL, "print one JSON object instead of a table"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_info = {
    .name = "info",
    .usage = "FILE",
    .summary = "show what a snapshot is of and how much is in it",
    .help = "complete is 0 where the end is missing; cut then says where. Counts are of records, sizes in bytes,\n"
            "times in nanoseconds. The same facts are in the table snapshot of a loaded database.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
