/* cli/main.c - parse the options of a subcommand by its table and run it. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HTRAIL_EDGE
#include "analyze/near.h"
#endif
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/flow.h"
#include "cli/terminal.h"

#ifndef HTRAIL_VERSION
#define HTRAIL_VERSION "0.1.0"
#endif

enum { OPTIONS_MAX = 32, VALUES_MAX = 256, HELP_COLUMN = 26, OWN_OPTION = 128 };

/* What every command has. */
static const cli_option own_options[] = {
    {"width", 0, "N", "keep to N columns, in a pipe too; 0: no limit; default: those of the terminal"},
    {"color", 0, "WHEN", "auto (the default: on a terminal, where neither NO_COLOR nor TERM=dumb is set), always or never"},
    {"help", 'h', NULL, "show this"},
};
enum { OWN_OPTIONS = sizeof own_options / sizeof *own_options };

typedef struct option_value {
    const char *name, *value;
} option_value;

struct cli_arguments {
    const cli_command *command;
    option_value values[VALUES_MAX];
    size_t value_count;
    char *const *operands;
    size_t operand_count;
};

const char *cli_option_repeated(const cli_arguments *arguments, const char *name, size_t index)
{
    for (size_t i = 0; i < arguments->value_count; i++)
        if (strcmp(arguments->values[i].name, name) == 0 && index-- == 0)
            return arguments->values[i].value;
    return NULL;
}

const char *cli_option_value(const cli_arguments *arguments, const char *name)
{
    for (size_t i = arguments->value_count; i-- > 0;)
        if (strcmp(arguments->values[i].name, name) == 0)
            return arguments->values[i].value;
    return NULL;
}

bool cli_option_given(const cli_arguments *arguments, const char *name)
{
    return cli_option_value(arguments, name) != NULL;
}

size_t cli_operand_count(const cli_arguments *arguments) { return arguments->operand_count; }
char *const *cli_operands(const cli_arguments *arguments) { return arguments->operands; }

static void say(const cli_arguments *arguments, const char *format, va_list values)
{
    cli_flow flow;
    char *text;
    fflush(stdout);
    /* Names of files, and what files say of themselves, do not command a terminal. */
    int begun = fprintf(stderr, "heaptrail %s: ", arguments->command->name), len = vasprintf(&text, format, values);
    cli_flow_begin(&flow, stderr, begun > 0 ? (size_t)begun : 0, 2);
    if (len >= 0) {
        cli_flow_text(&flow, text, (size_t)len);
        free(text);
    }
    cli_flow_end(&flow);
}

int cli_fail(const cli_arguments *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(arguments, format, values);
    va_end(values);
    return CLI_EXIT_FAILED;
}

int cli_usage(const cli_arguments *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(arguments, format, values);
    va_end(values);
    fprintf(stderr, "try 'heaptrail %s --help'\n", arguments->command->name);
    return CLI_EXIT_USAGE;
}

void cli_warn(const cli_arguments *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(arguments, format, values);
    va_end(values);
}

const char *cli_command_name(const cli_arguments *arguments) { return arguments->command->name; }

bool cli_parse_number(const char *text, unsigned long long *out)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    unsigned shift = 0;
    switch (*end) {
    case 'k': case 'K': shift = 10; end++; break;
    case 'm': case 'M': shift = 20; end++; break;
    case 'g': case 'G': shift = 30; end++; break;
    default: break;
    }
    if (*end != '\0' || number > (~0ULL >> shift))
        return false;
    *out = number << shift;
    return true;
}

static void print_option(const cli_option *option)
{
    char left[128];
    snprintf(left, sizeof left, "  %c%c%c --%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    cli_print_described((size_t)printf("%-*s ", HELP_COLUMN, left), option->help);
}

static void print_command_help(const cli_command *command)
{
    cli_flow flow;
    cli_flow_begin(&flow, stdout, (size_t)printf("usage: heaptrail %s ", command->name), 4);
    /* What stands in brackets is not broken. */
    for (const char *word = command->usage; *word != '\0'; word += *word == ' ') {
        size_t len = strcspn(word, word[0] == '[' ? "]" : " ");
        len += strcspn(word + len, " ");
        cli_flow_word(&flow, word, len);
        word += len;
    }
    cli_flow_end(&flow);
    printf("\n%s\n", command->summary);
    if (command->help != NULL) {
        printf("\n");
        cli_flow_lines(command->help);
    }
    printf("\noptions:\n");
    for (const cli_option *option = command->options; option != NULL && option->name != NULL; option++)
        print_option(option);
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        print_option(&own_options[i]);
}

static void print_help(FILE *stream)
{
    fprintf(stream, "usage: heaptrail COMMAND [OPTIONS] ...\n\n"
                    "Heap snapshots: every object of a running process, and who holds it.\n\ncommands:\n");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++)
        fprintf(stream, "  %-8s %s\n", (*command)->name, (*command)->summary);
    fprintf(stream, "\n'heaptrail COMMAND --help' shows the options of a command.\n"
                    "exit codes: 0 fine, 1 a difference or defect that was asked for, 2 usage, 3 failed\n");
}

static const cli_command *command_named(const char *name)
{
    for (const cli_command *const *command = cli_commands; *command != NULL; command++)
        if (strcmp((*command)->name, name) == 0)
            return *command;
    return NULL;
}

static bool is_left_out(const char *name)
{
    for (const char *const *left_out = cli_left_out; *left_out != NULL; left_out++)
        if (strcmp(*left_out, name) == 0)
            return true;
    return false;
}

/* Which one: of the words of the usage that are in no brackets. */
static int missing(const cli_arguments *arguments, size_t given)
{
    const char *word = arguments->command->usage;
    size_t len = 0;
    for (; *word != '\0'; word += len + strspn(word + len, " ")) {
        len = word[0] == '[' ? strcspn(word, "]") : strcspn(word, " ");
        len += strcspn(word + len, " ");
        if (word[0] != '[' && given-- == 0)
            break;
    }
    return *word == '\0' ? cli_usage(arguments, "an argument is missing: %s", arguments->command->usage)
                         : cli_usage(arguments, "an argument is missing, %.*s: %s", (int)len, word, arguments->command->usage);
}

/* Returns -1 to go on, otherwise the exit code. */
static int parse(cli_arguments *arguments, int argc, char **argv)
{
    const cli_command *command = arguments->command;
    struct option longs[OPTIONS_MAX + OWN_OPTIONS + 1] = {{0}};
    char shorts[2 * OPTIONS_MAX + 8];
    size_t count = 0, used = 0;

    if (command->stop_at_operand)
        shorts[used++] = '+';
    shorts[used++] = ':';
    shorts[used++] = 'h';
    for (const cli_option *option = command->options; option != NULL && option->name != NULL && count < OPTIONS_MAX; option++) {
        longs[count].name = option->name;
        longs[count].has_arg = option->argument ? required_argument : no_argument;
        longs[count].val = 256 + (int)count;
        if (option->letter) {
            shorts[used++] = option->letter;
            if (option->argument)
                shorts[used++] = ':';
        }
        count++;
    }
    shorts[used] = '\0';
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        longs[count++] = (struct option){.name = own_options[i].name, .has_arg = own_options[i].argument != NULL ? required_argument : no_argument,
                                         .val = own_options[i].letter ? own_options[i].letter : OWN_OPTION + (int)i};

    optind = 1;
    opterr = 0;
    for (int at; (at = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const cli_option *option = NULL;
        if (at == 'h') {
            print_command_help(command);
            return CLI_EXIT_OK;
        }
        if (at == ':')
            return cli_usage(arguments, "option '%s' needs an argument", argv[optind - 1]);
        if (at == '?')
            return cli_usage(arguments, "unknown option '%s'", argv[optind - 1]);
        if (at >= OWN_OPTION && at < OWN_OPTION + OWN_OPTIONS) {
            const cli_option *own = &own_options[at - OWN_OPTION];
            if (strcmp(own->name, "width") == 0 && !cli_terminal_set_width(optarg))
                return cli_usage(arguments, "'%s' is no width: it is 0 for no limit, or 20 columns to 10000", optarg);
            if (strcmp(own->name, "color") == 0 && !cli_terminal_set_color(optarg))
                return cli_usage(arguments, "'%s' is not when to color: it is auto, always or never", optarg);
            continue;
        }
        if (at >= 256)
            option = &command->options[at - 256];
        else
            for (option = command->options; option->letter != at; option++)
                ;
        if (arguments->value_count == VALUES_MAX)
            return cli_usage(arguments, "more than %d options", VALUES_MAX);
        arguments->values[arguments->value_count++] = (option_value){option->name, optarg ? optarg : ""};
    }
    arguments->operands = argv + optind;
    arguments->operand_count = (size_t)(argc - optind);
    if (argc - optind < command->operands_min)
        return missing(arguments, (size_t)(argc - optind));
    if (command->operands_max >= 0 && argc - optind > command->operands_max)
        return cli_usage(arguments, "too many arguments, from '%s' on: %s", argv[optind + command->operands_max],
                         command->usage);
    return -1;
}

/* Commands that are called nearly so. A build for devices has few: they are seen in the help. */
static void say_near(const char *wanted)
{
#ifdef HTRAIL_EDGE
    (void)wanted;
#else
    htrail__near near = {.wanted = wanted};
    char message[HTRAIL__NEAR_BYTES_MAX * 4] = "";
    for (const cli_command *const *command = cli_commands; *command != NULL; command++)
        htrail__near_look(&near, (*command)->name);
    htrail__near_append(&near, message, sizeof message);
    fputs(message, stderr);
#endif
}

int main(int argc, char **argv)
{
    static cli_arguments arguments;
    if (argc < 2) {
        print_help(stderr);
        return CLI_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return CLI_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("heaptrail %s\n", HTRAIL_VERSION);
        return CLI_EXIT_OK;
    }
    arguments.command = command_named(argv[1]);
    if (arguments.command == NULL && is_left_out(argv[1])) {
        fprintf(stderr, "heaptrail: '%s' is not in this build for devices: copy the snapshot to a machine with the whole heaptrail\n", argv[1]);
        return CLI_EXIT_USAGE;
    }
    if (arguments.command == NULL) {
        fputs("heaptrail: unknown command '", stderr);
        cli_print_escaped(stderr, argv[1], strlen(argv[1]));
        putc('\'', stderr);
        say_near(argv[1]);
        fputs("\ntry 'heaptrail --help'\n", stderr);
        return CLI_EXIT_USAGE;
    }
    int result = parse(&arguments, argc - 1, argv + 1);
    if (result < 0)
        result = arguments.command->run(&arguments);
    /* A full disk under standard output shows only here. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (result != CLI_EXIT_FAILED) /* else the command has said so */
            fprintf(stderr, "heaptrail %s: cannot write to standard output: %s\n", arguments.command->name, strerror(errno));
        return result == CLI_EXIT_OK ? CLI_EXIT_FAILED : result;
    }
    return result;
}
