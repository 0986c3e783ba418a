/* cli/command.h - what a subcommand is: one file cli/<name>.c, ending in one const
 * cli_command, listed in cli/commands.c. main parses the options by the command's
 * table and calls run; only cli/ prints or exits. */
#ifndef HTRAIL_CLI_COMMAND_H
#define HTRAIL_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FOUND = 1, /* a difference or defect that the caller asked to be told of */
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_FAILED = 3
};

typedef struct cli_option {
    const char *name;     /* long name, without dashes; NULL ends a table */
    char letter;          /* short name, 0 for none */
    const char *argument; /* "FILE": takes an argument, named so in --help; NULL: a switch */
    const char *help;     /* one line */
} cli_option;

typedef struct cli_arguments cli_arguments;

typedef struct cli_command {
    const char *name;
    const char *usage;   /* after "heaptrail NAME": "[-o DB] FILE" */
    const char *summary; /* one line */
    const char *help;    /* what --help says between summary and options; may be NULL */
    const cli_option *options; /* may be NULL */
    int operands_min, operands_max; /* -1: no limit */
    bool stop_at_operand; /* options end at the first operand: what follows is another program's */
    int (*run)(const cli_arguments *arguments); /* returns a cli_exit or, for run, what exec left */
} cli_command;

extern const cli_command *const cli_commands[]; /* in the order of the help; ends in NULL */
extern const char *const cli_left_out[];        /* names that another build knows; ends in NULL */

/* The last value given for an option, NULL where it was not given; "" for a switch. */
const char *cli_option_value(const cli_arguments *arguments, const char *name);
bool cli_option_given(const cli_arguments *arguments, const char *name);
/* All values of an option that may be repeated: index from 0; NULL past the last. */
const char *cli_option_repeated(const cli_arguments *arguments, const char *name, size_t index);

size_t cli_operand_count(const cli_arguments *arguments);
/* Ends in a NULL as argv does. */
char *const *cli_operands(const cli_arguments *arguments);

/* "heaptrail NAME: SENTENCE" on standard error. Returns the exit code for it. */
int cli_fail(const cli_arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for wrong use, with a hint to --help; returns CLI_EXIT_USAGE. */
int cli_usage(const cli_arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what does not end the command. */
void cli_warn(const cli_arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *cli_command_name(const cli_arguments *arguments);

/* A whole number from text, with an optional K, M, G (powers of two) or plain; false if it is none. */
bool cli_parse_number(const char *text, unsigned long long *out);

#endif
