/* cli/whole_file.h - what a command writes is there whole, or it is not there. */
#ifndef HTRAIL_CLI_WHOLE_FILE_H
#define HTRAIL_CLI_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <htrail/status.h>

#include "cli/command.h"

/* Writes it all to stream; message is for a cause that the status does not tell, "" where it does. */
typedef htrail_status (*cli_write_fn)(void *context, FILE *stream, char *message, size_t message_bytes);

/* The very file that the command is to read, also by another name: writing there would lose it. CLI_WRITTEN_OVER is the
 * sentence that says so. */
bool cli_is_operand(const cli_arguments *arguments, const char *path);
#define CLI_WRITTEN_OVER "'%s' is what is read, and is not written over"

/* Has write fill path: through path.partial, which becomes path at the end; what is no file (a pipe, a
 * device) is written as it stands, and "-" is standard output. Where anything fails nothing is left
 * behind, what stood at path still stands there, and one sentence has been printed.
 * Returns a cli_exit. */
int cli_write_whole_file(const cli_arguments *arguments, const char *path, cli_write_fn write, void *context);

#endif
