/* cli/load.c - heaptrail load: a snapshot into a database that a plain sqlite3 shell reads. */
#include <stdlib.h>
#include <string.h>

#include "analyze/resident.h"
#include "cli/escape.h"
#include "cli/gist.h"
#include "cli/progress.h"
#include "cli/query.h"

static int load_to(const cli_arguments *arguments, const char *file, const char *db_path, uint64_t memory_max_bytes)
{
    char message[HTRAIL__MESSAGE_BYTES] = "", what[HTRAIL__MESSAGE_BYTES];
    cli_progress progress;
    htrail__store_opts opts = {.progress = cli_progress_step, .progress_arg = &progress, .memory_max_bytes = memory_max_bytes, .needs_objects = true};

    if (memory_max_bytes == 0 && htrail__store_memory_limit(&opts.memory_max_bytes, message, sizeof message) != HTRAIL_OK)
        return cli_usage(arguments, "%s", message);
    snprintf(what, sizeof what, "loading '%s'", file);
    cli_progress_init(&progress, what);
    htrail_status status = htrail__store_load(file, db_path, &opts, message, sizeof message);
    cli_progress_end(&progress);
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_fail(arguments, "%s", message);
}

/* "1,491,583 objects of 214.9 MiB" */
static int print_heap(const cli_arguments *arguments, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    char objects[32], bytes[32];
    int result = cli_prepare(arguments, db, "SELECT max(value) FILTER (WHERE key = 'objects'), max(value) FILTER (WHERE key = 'size_bytes') FROM snapshot", &statement);
    if (result == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW)
        printf("%s objects of %s\n", cli_gist_number(objects, sqlite3_column_int64(statement, 0), false), cli_gist_bytes(bytes, sqlite3_column_int64(statement, 1), false));
    sqlite3_finalize(statement);
    return result;
}

static int run(const cli_arguments *arguments)
{
    const char *file = cli_operands(arguments)[0], *asked = cli_option_value(arguments, "output");
    htrail__store *store = NULL;
    char *db_path = NULL;
    unsigned long long memory_max_bytes = 0;
    int result;

    if (asked == NULL && strcmp(file, "-") == 0)
        return cli_usage(arguments, "where to? standard input has no folder of its own: say -o DB");
    if (asked != NULL && strcmp(asked, "-") == 0)
        return cli_usage(arguments, "a database cannot be written to standard output");
    if (cli_option_value(arguments, "max-memory") != NULL && !cli_parse_number(cli_option_value(arguments, "max-memory"), &memory_max_bytes))
        return cli_usage(arguments, "'%s' is no number of bytes", cli_option_value(arguments, "max-memory"));
    if (cli_option_value(arguments, "max-memory") != NULL && memory_max_bytes < HTRAIL__RESIDENT_LEAST)
        return cli_usage(arguments, "a load needs 64M at least, and --max-memory is '%s'", cli_option_value(arguments, "max-memory"));
    db_path = asked != NULL ? strdup(asked) : malloc(strlen(file) + sizeof ".db");
    if (db_path == NULL)
        return cli_fail(arguments, "out of memory");
    if (asked == NULL)
        memcpy(stpcpy(db_path, file), ".db", sizeof ".db");
    if ((result = load_to(arguments, file, db_path, memory_max_bytes)) != CLI_EXIT_OK)
        goto done;
    /* Opened once: says what is missing of a cut snapshot, and that it can be read. */
    if ((result = cli_open_heap(arguments, db_path, &store)) != CLI_EXIT_OK)
        goto done;
    cli_print_escaped(stdout, db_path, strlen(db_path));
    putchar('\n');
    if (cli_is_terminal(stdout)) /* what reads the path from a pipe gets nothing else */
        result = print_heap(arguments, htrail__store_db(store));
done:
    htrail__store_free(store);
    free(db_path);
    return result;
}

static const cli_option options[] = {
    {"output", 'o', "DB", "the database to write; default FILE.db"},
    {"max-memory", 0, "BYTES", "use no more memory than BYTES (K, M, G); the rest is files in $TMPDIR"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_load = {
    .name = "load",
    .usage = "[-o DB] [--max-memory BYTES] FILE",
    .summary = "load a snapshot into an SQLite database",
    .help = "Prints the path of the database. It has a view of objects and one of references, sums of both, roots, threads,\n"
            "mappings and allocation sites: docs/schema.md describes each. Open it with any SQLite.\n\n"
            "A large heap takes about 220 bytes of memory an object while it is loaded, for twice the time a tenth of\n"
            "it: --max-memory, or for all commands that load by the way HEAPTRAIL_MEMORY=256M. 64M is the least.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
