/* cli/check.c - heaptrail check: is a snapshot whole? Every checksum and total is checked. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/survey.h"
#ifndef HTRAIL_EDGE
#include "cli/query.h"
#endif

typedef struct verdict {
    const char *word;
    int exit;
} verdict;

static verdict judge(const cli_survey *survey)
{
    switch (survey->status) {
    case HTRAIL_END: return (verdict){survey->stopped[0] == '\0' ? "whole" : "ended early", CLI_EXIT_OK};
    case HTRAIL_E_TRUNCATED: return (verdict){"cut", CLI_EXIT_FOUND};
    case HTRAIL_E_CORRUPT: return (verdict){"damaged", CLI_EXIT_FOUND};
    case HTRAIL_E_NOT_SNAPSHOT: return (verdict){"no snapshot", CLI_EXIT_FOUND};
    default: return (verdict){"unreadable", CLI_EXIT_FAILED};
    }
}

static void text_cell(cli_rows *rows, const char *text) { cli_rows_text(rows, text, strlen(text)); }

static void add_row(cli_rows *rows, const char *file, const char *word, int64_t objects, int64_t references, const char *message)
{
    text_cell(rows, file);
    text_cell(rows, word);
    cli_rows_number(rows, objects);
    cli_rows_number(rows, references);
    text_cell(rows, message);
}

#ifndef HTRAIL_EDGE
/* What the load saw of the file. References that lead nowhere are no rows, and are in the file all the same. */
static const char database_sql[] =
    "SELECT ?1 AS file, CASE WHEN fact.complete = '0' THEN 'cut' WHEN fact.stopped IS NOT NULL THEN 'ended early' ELSE 'whole' END AS state, "
    "objects, \"references\", coalesce(fact.cut, fact.stopped, '') AS message FROM (SELECT "
    "(SELECT value FROM snapshot WHERE key = 'complete') AS complete, (SELECT value FROM snapshot WHERE key = 'cut') AS cut, "
    "(SELECT value FROM snapshot WHERE key = 'stopped_early') AS stopped, "
    "(SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'objects') AS objects, "
    "(SELECT sum(CAST(value AS INTEGER)) FROM snapshot WHERE key IN ('references', 'references_dangling')) AS \"references\") fact";

static int add_facts(const cli_arguments *arguments, cli_rows *rows, sqlite3 *db, const char *file)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, database_sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
    cli_show_sql(arguments, statement, 0);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *state = (const char *)sqlite3_column_text(statement, 1), *message = (const char *)sqlite3_column_text(statement, 4);
        add_row(rows, file, state, sqlite3_column_int64(statement, 2), sqlite3_column_int64(statement, 3), message);
        result = strcmp(state, "cut") == 0 ? CLI_EXIT_FOUND : CLI_EXIT_OK;
    }
    sqlite3_finalize(statement);
    return result;
}

static int check_database(const cli_arguments *arguments, cli_rows *rows, const char *file)
{
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    char message[HTRAIL__MESSAGE_BYTES] = "";
    int result = CLI_EXIT_FOUND;

    if (htrail__store_open(&store, file, NULL, message, sizeof message) != HTRAIL_OK) {
        add_row(rows, file, "damaged", 0, 0, message);
        return CLI_EXIT_FOUND;
    }
    sqlite3 *db = htrail__store_db(store);
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        snprintf(message, sizeof message, "cannot read '%s': %s", file, sqlite3_errmsg(db));
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        snprintf(message, sizeof message, "cannot read '%s': %s", file, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    if (message[0] != '\0')
        add_row(rows, file, "damaged", 0, 0, message);
    else
        result = add_facts(arguments, rows, db, file);
    htrail__store_free(store);
    return result;
}
#endif

static int check_file(const cli_arguments *arguments, cli_rows *rows, const char *file)
{
    cli_survey survey;
#ifndef HTRAIL_EDGE
    if (htrail__store_is_database(file) || cli_option_given(arguments, "show-sql"))
        return check_database(arguments, rows, file);
#else
    (void)arguments;
#endif
    cli_survey_file(&survey, file);
    verdict found = judge(&survey);
    add_row(rows, file, found.word, (int64_t)survey.objects, (int64_t)survey.references,
            survey.stopped[0] != '\0' ? survey.stopped : cli_survey_reason(&survey));
    cli_survey_release(&survey);
    return found.exit;
}

/* "1 of 3 snapshots is not whole" */
static void say_whole(size_t whole, size_t count)
{
    printf("%s", cli_styled(stdout, whole == count ? CLI_STYLE_GREEN : CLI_STYLE_RED));
    if (whole == count)
        printf("all %zu snapshots can be read to their end", count);
    else
        printf("%zu of %zu snapshots %s not whole", count - whole, count, count - whole == 1 ? "is" : "are");
    printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
}

static int run(const cli_arguments *arguments)
{
    int result = CLI_EXIT_OK;

    if (cli_option_given(arguments, "show-sql") && cli_operand_count(arguments) > 1)
        return cli_usage(arguments, "with --show-sql one FILE at a time");
    size_t whole = 0;
    cli_rows *rows = cli_rows_open("check", cli_option_given(arguments, "json"));
    cli_rows_column(rows, "file", CLI_COLUMN_TEXT);
    cli_rows_column(rows, "state", CLI_COLUMN_TEXT);
    cli_rows_column(rows, "objects", CLI_COLUMN_NUMBER);
    cli_rows_column(rows, "references", CLI_COLUMN_NUMBER);
    cli_rows_column(rows, "message", CLI_COLUMN_TEXT);
    cli_rows_column_sentence(rows);
    for (size_t i = 0; i < cli_operand_count(arguments); i++) {
        int found = check_file(arguments, rows, cli_operands(arguments)[i]);
        whole += found == CLI_EXIT_OK;
        if (found > result)
            result = found;
    }
    if (cli_is_terminal(stdout) && !cli_option_given(arguments, "json") && cli_operand_count(arguments) > 1)
        say_whole(whole, cli_operand_count(arguments));
    cli_rows_close(rows);
    return result;
}

static const cli_option options[] = {
    {"json", 0, NULL, "print one JSON object instead of a table"},
#ifndef HTRAIL_EDGE
    CLI_OPTION_SHOW_SQL_LOADED,
#endif
    {NULL, 0, NULL, NULL},
};

const cli_command cli_check = {
    .name = "check",
    .usage = "FILE...",
    .summary = "tell whether snapshots are whole",
    .help = "The state of a file: whole; ended early (by the writer, at a limit: the file is whole, the heap in it is\n"
            "not); cut (the end is missing, what came before is good); damaged; no snapshot; unreadable.\n"
            "Exit code: 0 all are whole, 1 one is cut or damaged, 3 one cannot be read.",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
