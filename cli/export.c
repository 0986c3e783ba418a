/* cli/export.c - heaptrail export: a snapshot in the format of another tool. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/query.h"
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
        printf("%-13s %-14s %s\n", format->name, format->ending, format->text);
    return CLI_EXIT_OK;
}

/* The file appears when it is whole. */
static int write_file(const cli_arguments *arguments, const htrail__export_format *format, sqlite3 *db, const char *path)
{
    static const char ending[] = ".partial";
    char message[HTRAIL__MESSAGE_BYTES] = "", *partial = malloc(strlen(path) + sizeof ending);
    FILE *out = NULL;
    int result = CLI_EXIT_OK;

    if (partial == NULL)
        return cli_fail(arguments, "out of memory");
    memcpy(stpcpy(partial, path), ending, sizeof ending);
    if ((out = fopen(partial, "wb")) == NULL) {
        result = cli_fail(arguments, "cannot write '%s': %s", path, strerror(errno));
        goto done;
    }
    if (htrail__export(format, db, out, message, sizeof message) != HTRAIL_OK)
        result = cli_fail(arguments, "cannot write '%s': %s", path, message);
    errno = 0;
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (result == CLI_EXIT_OK && (failed || rename(partial, path) != 0))
        result = cli_fail(arguments, "cannot write '%s': %s", path, strerror(errno != 0 ? errno : EIO));
    if (result != CLI_EXIT_OK)
        unlink(partial);
done:
    free(partial);
    return result;
}

static int run(const cli_arguments *arguments)
{
    const char *name = cli_option_value(arguments, "format"), *path = cli_option_value(arguments, "output");
    const htrail__export_format *format = NULL;
    htrail__store *store = NULL;
    char message[HTRAIL__MESSAGE_BYTES] = "";

    if (cli_option_given(arguments, "formats"))
        return list_formats();
    if (cli_operand_count(arguments) != 1)
        return cli_usage(arguments, "which FILE?");
    if (path != NULL && strcmp(path, "-") == 0)
        path = NULL;
    if (name != NULL && (format = format_named(name)) == NULL)
        return cli_usage(arguments, "there is no format '%s': heaptrail export --formats lists them", name);
    if (format == NULL && (path == NULL || (format = format_by_ending(path)) == NULL))
        return cli_usage(arguments, "in which format? say --format NAME, or -o with one of the endings that heaptrail export --formats lists");
    if (path == NULL && format->is_binary && isatty(STDOUT_FILENO))
        return cli_usage(arguments, "a terminal does not show this format: say -o FILE");
    int result = cli_open_heap(arguments, cli_operands(arguments)[0], &store);
    if (result != CLI_EXIT_OK)
        return result;
    if (path != NULL)
        result = write_file(arguments, format, htrail__store_db(store), path);
    else if (htrail__export(format, htrail__store_db(store), stdout, message, sizeof message) != HTRAIL_OK)
        result = cli_fail(arguments, "cannot export '%s': %s", cli_operands(arguments)[0], message);
    htrail__store_free(store);
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
