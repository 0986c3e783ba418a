/* cli/export.c - heaptrail export: a snapshot in the format of another tool. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/query.h"
#include "cli/whole_file.h"
#include "export/export.h"

static const htrail__export_format *format_named(const char *name)
{
    for (const htrail__export_format *format = htrail__export_formats; format->name != NULL; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}

static const htrail__export_format *format_by_ending(const char *path)
{
    for (const htrail__export_format *format = htrail__export_formats; format->name != NULL; format++) {
        size_t len = strlen(path), ending = strlen(format->ending);
        if (len > ending && strcmp(path + len - ending, format->ending) == 0)
            return format;
    }
    return NULL;
}

static int list_formats(void)
{
    for (const htrail__export_format *format = htrail__export_formats; format->name != NULL; format++)
        cli_print_described((size_t)printf("%-13s %-14s ", format->name, format->ending), format->text);
    return CLI_EXIT_OK;
}

typedef struct wanted {
    const htrail__export_format *format;
    sqlite3 *db;
} wanted;

static htrail_status write_it(void *context, FILE *stream, char *message, size_t message_bytes)
{
    const wanted *w = context;
    return htrail__export(w->format, w->db, stream, message, message_bytes);
}

static int run(const cli_arguments *arguments)
{
    const char *name = cli_option_value(arguments, "format"), *path = cli_option_value(arguments, "output");
    const htrail__export_format *format = NULL;
    htrail__store *store = NULL;

    if (cli_option_given(arguments, "formats"))
        return list_formats();
    if (cli_operand_count(arguments) != 1)
        return cli_usage(arguments, "which FILE?");
    if (path == NULL)
        path = "-";
    if (name != NULL && (format = format_named(name)) == NULL)
        return cli_usage(arguments, "there is no format '%s': heaptrail export --formats lists them", name);
    if (format == NULL && (strcmp(path, "-") == 0 || (format = format_by_ending(path)) == NULL))
        return cli_usage(arguments, "in which format? say --format NAME, or -o with one of the endings that heaptrail export --formats lists");
    if (strcmp(path, "-") == 0 && format->is_binary && isatty(STDOUT_FILENO))
        return cli_usage(arguments, "a terminal does not show this format: say -o FILE");
    int result = cli_open_heap(arguments, cli_operands(arguments)[0], &store);
    if (result != CLI_EXIT_OK)
        return result;
    result = cli_write_whole_file(arguments, path, write_it, &(wanted){.format = format, .db = htrail__store_db(store)});
    htrail__store_free(store);
    if (result == CLI_EXIT_OK && strcmp(path, "-") != 0 && cli_is_terminal(stdout)) {
        cli_print_escaped(stdout, path, strlen(path));
        printf(": a file of format %s\n", format->name);
    }
    return result;
}

static const cli_option options[] = {
    {"format", 0, "NAME", "pprof, folded, heapsnapshot, graphml or csv; default: as the ending of -o says"},
    {"output", 'o', "FILE", "where to; default standard output"},
    {"formats", 0, NULL, "list the formats with their endings and end"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_export = {
    .name = "export",
    .usage = "[--format NAME] [-o OUT] FILE",
    .summary = "write a snapshot in the format of another tool",
    .help = "What is in each format, and which tool shows it: docs/export.md.",
    .options = options,
    .operands_min = 0,
    .operands_max = 1,
    .run = run,
};
