/* cli/import.c - heaptrail import: a heap dump of another tool as a snapshot. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/escape.h"
#include "cli/flow.h"
#include "cli/number.h"
#include "cli/whole_file.h"
#include "import/import.h"

static char *default_output(const char *file)
{
    static const char ending[] = ".htrail";
    char *path = malloc(strlen(file) + sizeof ending);
    if (path != NULL)
        memcpy(stpcpy(path, file), ending, sizeof ending);
    return path;
}

static bool is_known_format(const char *name)
{
    for (size_t i = 0; htrail__import_formats[i] != NULL; i += 2)
        if (strcmp(htrail__import_formats[i], name) == 0)
            return true;
    return false;
}

static int list_formats(void)
{
    for (size_t i = 0; htrail__import_formats[i] != NULL; i += 2)
        cli_print_described((size_t)printf("%-10s ", htrail__import_formats[i]), htrail__import_formats[i + 1]);
    return CLI_EXIT_OK;
}

static int run(const cli_arguments *arguments)
{
    const char *asked = cli_option_value(arguments, "output"), *format = cli_option_value(arguments, "format");
    htrail__import_opts opts = {.format = format, .with_contents = cli_option_given(arguments, "contents")};
    htrail__import_result result;
    char message[1024] = "", objects[32], bytes[32];

    if (cli_option_given(arguments, "formats"))
        return list_formats();
    if (cli_operand_count(arguments) != 1)
        return cli_usage(arguments, "which FILE?");
    if (format != NULL && !is_known_format(format))
        return cli_usage(arguments, "there is no format '%s': heaptrail import --formats lists them", format);
    if (asked != NULL && strcmp(asked, "-") == 0)
        return cli_usage(arguments, "a snapshot is not written to standard output: say -o FILE");
    const char *file = cli_operands(arguments)[0];
    char *output = asked != NULL ? strdup(asked) : default_output(file);
    if (output == NULL)
        return cli_fail(arguments, "out of memory");
    int code = CLI_EXIT_OK;
    if (cli_is_operand(arguments, output)) {
        code = cli_usage(arguments, CLI_WRITTEN_OVER, output);
        goto done;
    }
    if (htrail__import(file, output, &opts, &result, message, sizeof message) != HTRAIL_OK) {
        code = cli_fail(arguments, "%s", message);
        goto done;
    }
    if (result.cut[0] != '\0')
        cli_warn(arguments, "'%s' is imported as far as it goes: %s", file, result.cut);
    cli_format_number(objects, sizeof objects, (int64_t)result.objects);
    cli_format_bytes(bytes, sizeof bytes, (int64_t)result.size_bytes);
    cli_print_escaped(stdout, output, strlen(output));
    printf(": %s objects of %s, of a file of format %s\n", objects, bytes, result.format);
done:
    free(output);
    return code;
}

static const cli_option options[] = {
    {"output", 'o', "FILE", "the snapshot to write; default FILE.htrail"},
    {"format", 0, "NAME", "what FILE is; default: as it begins"},
    {"contents", 0, NULL, "keep the values of strings, where the format has them"},
    {"formats", 0, NULL, "list the formats and end"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_import = {
    .name = "import",
    .usage = "[-o SNAPSHOT] FILE",
    .summary = "make a snapshot of a heap dump of another tool",
    .help = "A gzip of it is read as well. A file that is cut is imported as far as it goes, where its format allows that, and the\n"
            "snapshot says so; one that is damaged is refused. What becomes of what, and what is lost: docs/import.md.",
    .options = options,
    .operands_min = 0,
    .operands_max = 1,
    .run = run,
};
