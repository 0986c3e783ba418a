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

/* What is counted comes first and is not overruled by what the file says of itself. */
static void add_survey(cli_facts *facts, const cli_survey *survey)
{
    static const char *const threads[CLI_THREADS_COUNTS] = {"threads", "threads_running", "threads_sleeping", "threads_waiting",
                                                            "threads_stopped", "threads_other", "threads_python", "threads_daemon"};
#define X(name, number, text) [number] = text,
    static const char *const categories[CLI_CATEGORIES] = {HTRAIL_MAPPING_MAP(X)};
#undef X
    char text[64];
    const cli_facts *said = &survey->facts;

    cli_facts_set_text(facts, "complete", survey->status == HTRAIL_END ? "1" : "0");
    if (survey->message[0] != '\0')
        cli_facts_set_text(facts, "cut", cli_survey_reason(survey));
    if (survey->stopped[0] != '\0')
        cli_facts_set_text(facts, "stopped_early", survey->stopped);
    snprintf(text, sizeof text, "%016" PRIx64, survey->header.file_id);
    cli_facts_set_text(facts, "file_id", text);
    cli_facts_set_number(facts, "file_bytes", survey->file_bytes);
    cli_facts_set_number(facts, "format_version", survey->header.version_major);
    cli_facts_set_number(facts, "format_version_minor", survey->header.version_minor);
    cli_facts_set_number(facts, "pointer_bytes", survey->header.pointer_bytes);
    cli_facts_set_number(facts, "objects", survey->objects);
    cli_facts_set_number(facts, "references", survey->references);
    cli_facts_set_number(facts, "types", survey->types);
    cli_facts_set_number(facts, "strings", survey->strings);
    cli_facts_set_number(facts, "names", survey->names);
    cli_facts_set_number(facts, "values", survey->values);
    cli_facts_set_number(facts, "roots", survey->roots);
    cli_facts_set_number(facts, "size_bytes", survey->size_bytes);
    snprintf(text, sizeof text, "%.2f", survey->objects ? (double)survey->file_bytes / (double)survey->objects : 0.0);
    cli_facts_set_text(facts, "bytes_per_object", text);
    for (size_t i = 0; i < said->count; i++)
        if (cli_facts_find(facts, said->items[i].key) == NULL)
            cli_facts_set(facts, said->items[i].key, said->items[i].key_len, said->items[i].value, said->items[i].value_len);
    for (size_t i = 0; i < CLI_THREADS_COUNTS && survey->threads[CLI_THREADS_ALL] + survey->threads[CLI_THREADS_PYTHON] > 0; i++)
        cli_facts_set_number(facts, threads[i], survey->threads[i]);
    for (size_t i = 0; i < CLI_CATEGORIES && survey->mappings > 0; i++)
        cli_facts_set_category(facts, categories[i], survey->resident_bytes[i], survey->dirty_bytes[i]);
}

static void print_rows(const cli_arguments *arguments, const cli_facts *facts)
{
    cli_rows *rows = cli_rows_open("info", cli_option_given(arguments, "json"));
    cli_rows_column(rows, "key", CLI_COLUMN_TEXT);
    cli_rows_column(rows, "value", CLI_COLUMN_TEXT);
    for (size_t i = 0; i < facts->count; i++) {
        cli_rows_text(rows, facts->items[i].key, facts->items[i].key_len);
        cli_rows_text(rows, facts->items[i].value, facts->items[i].value_len);
    }
    cli_rows_close(rows);
}

#ifndef HTRAIL_EDGE
static int read_database(const cli_arguments *arguments, const char *file, cli_facts *facts)
{
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_DONE, result = cli_open_store(arguments, file, &store);
    if (result == CLI_EXIT_OK)
        result = cli_prepare(arguments, htrail__store_db(store), "SELECT key, value FROM snapshot ORDER BY key", &statement);
    if (result == CLI_EXIT_OK)
        cli_show_sql(arguments, statement, 0);
    while (result == CLI_EXIT_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 0), *value = (const char *)sqlite3_column_text(statement, 1);
        cli_facts_set(facts, key != NULL ? key : "", (size_t)sqlite3_column_bytes(statement, 0), value != NULL ? value : "",
                      (size_t)sqlite3_column_bytes(statement, 1));
    }
    if (result == CLI_EXIT_OK && step != SQLITE_DONE)
        result = cli_fail(arguments, "%s", sqlite3_errmsg(htrail__store_db(store)));
    sqlite3_finalize(statement);
    htrail__store_free(store);
    return result;
}
#endif

static int read_snapshot(const cli_arguments *arguments, const char *file, cli_facts *facts)
{
    cli_survey survey;
    int result = CLI_EXIT_OK;
    cli_survey_file(&survey, file);
    if (survey.status != HTRAIL_END && survey.status != HTRAIL_E_TRUNCATED)
        result = cli_fail(arguments, "%s", survey.message);
    else
        add_survey(facts, &survey);
    cli_survey_release(&survey);
    return result;
}

static int run(const cli_arguments *arguments)
{
    const char *file = cli_operands(arguments)[0];
    cli_facts facts = {0};
    int result;

#ifndef HTRAIL_EDGE
    if (htrail__store_is_database(file) || cli_option_given(arguments, "show-sql"))
        result = read_database(arguments, file, &facts);
    else
#endif
        result = read_snapshot(arguments, file, &facts);
    if (result == CLI_EXIT_OK) {
        if (cli_option_given(arguments, "json") || cli_option_given(arguments, "all"))
            print_rows(arguments, &facts);
        else
            cli_facts_describe(&facts);
    }
    cli_facts_release(&facts);
    return result;
}

static const cli_option options[] = {
    {"all", 'a', NULL, "every fact by its key, as the file and the table snapshot have it"},
    {"json", 0, NULL, "print one JSON object instead, with every fact"},
#ifndef HTRAIL_EDGE
    CLI_OPTION_SHOW_SQL_LOADED,
#endif
    {NULL, 0, NULL, NULL},
};

const cli_command cli_info = {
    .name = "info",
    .usage = "[--all] FILE",
    .summary = "show what a snapshot is of, how much is in it, and what it cost",
    .help = "Threads, memory and malloc are as they were just before the program waited for the snapshot. Memory by use is of\n"
            "pages that are resident. With --all counts are of records, sizes in bytes, times in nanoseconds; the same facts are in the\n"
            "table snapshot of a loaded database.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
