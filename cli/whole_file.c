/* cli/whole_file.c - what a command writes is there whole, or it is not there. */
#include "cli/whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/store.h"

static int write_to(const cli_arguments *arguments, const char *name, FILE *stream, cli_write_fn write, void *context)
{
    char message[HTRAIL__MESSAGE_BYTES] = "";
    errno = 0;
    htrail_status status = write(context, stream, message, sizeof message);
    if (status == HTRAIL_OK && (fflush(stream) != 0 || ferror(stream)))
        status = HTRAIL_E_IO;
    int reason = errno;
    if (status == HTRAIL_OK)
        return CLI_EXIT_OK;
    return cli_fail(arguments, "cannot write '%s': %s", name, message[0] != '\0' ? message : status == HTRAIL_E_IO && reason != 0 ? strerror(reason) : htrail_status_text(status));
}

/* Nothing can be renamed to a pipe or a device without putting a file in its place. */
static bool is_no_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

bool cli_is_operand(const cli_arguments *arguments, const char *path)
{
    struct stat about, operand;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    for (size_t i = 0; i < cli_operand_count(arguments); i++)
        if (stat(cli_operands(arguments)[i], &operand) == 0 && about.st_dev == operand.st_dev && about.st_ino == operand.st_ino)
            return true;
    return false;
}

int cli_write_whole_file(const cli_arguments *arguments, const char *path, cli_write_fn write, void *context)
{
    static const char ending[] = ".partial";
    if (strcmp(path, "-") == 0)
        return write_to(arguments, "standard output", stdout, write, context);
    if (cli_is_operand(arguments, path))
        return cli_usage(arguments, CLI_WRITTEN_OVER, path);

    char *partial = malloc(strlen(path) + sizeof ending);
    if (partial == NULL)
        return cli_fail(arguments, "out of memory");
    bool is_file = !is_no_file(path);
    memcpy(stpcpy(partial, path), is_file ? ending : "", is_file ? sizeof ending : 1);
    int result = CLI_EXIT_OK;
    FILE *stream = fopen(partial, "wb");
    if (stream == NULL) {
        result = cli_fail(arguments, "cannot write '%s': %s", path, strerror(errno));
        goto done;
    }
    result = write_to(arguments, path, stream, write, context);
    if (fclose(stream) != 0 && result == CLI_EXIT_OK)
        result = cli_fail(arguments, "cannot write '%s': %s", path, strerror(errno));
    if (result == CLI_EXIT_OK && is_file && rename(partial, path) != 0)
        result = cli_fail(arguments, "cannot write '%s': %s", path, strerror(errno));
    if (result != CLI_EXIT_OK && is_file)
        unlink(partial);
done:
    free(partial);
    return result;
}
