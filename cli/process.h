/* cli/process.h - which process a snapshot is of, and whether several are of one. */
#ifndef HTRAIL_CLI_PROCESS_H
#define HTRAIL_CLI_PROCESS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"

typedef struct cli_process {
    char pid[32], boot[64], host[128];
    char text[256]; /* "cpython 3.11.2, pid 4711 on edge7" */
    int64_t start_ns, created_ns;
} cli_process;

/* Both return CLI_EXIT_OK, or what went wrong, said. */
int cli_process_read(const cli_arguments *arguments, sqlite3 *db, cli_process *out);
/* Refuses databases that are not of one process, the oldest first, and names the files (the operands). is_across: only says
 * that the processes differ. hint: "; --across compares them all the same", or "". */
int cli_process_check(const cli_arguments *arguments, sqlite3 *const *dbs, size_t count, bool is_across, const char *hint);

bool cli_process_is_same(const cli_process *a, const cli_process *b);

#endif
