/* cli/run.c - `heaptrail run`: become a program, with the agent in it. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/environment.h"
#include "cli/command.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, PRELOAD_CAP = 16384 };

/* Beside the command in the build folder; under the prefix it was installed to. */
static const char *const agent_places[] = {
    "/python*/heaptrail*.so",
    "/../lib/heaptrail/python*/heaptrail*.so",
    "/../lib/*/heaptrail/python*/heaptrail*.so",
    "/../lib/python*/site-packages/heaptrail*.so",
    "/../lib/python*/dist-packages/heaptrail*.so",
};

static const cli_option options[] = {
    {"output", 'o', "DIR", "folder for the snapshots (default: this one); made if it is not there"},
    {"hashes", 0, NULL, "put a keyed hash of every string into the snapshots"},
    {"contents", 0, NULL, "put the text of strings into the snapshots"},
    {"no-cmdline", 0, NULL, "keep the command line out of the snapshots"},
    {NULL, 0, NULL, NULL},
};

/* A list for the loader is split at blanks and colons. */
static int add_agents(const cli_arguments *arguments, const char *folder, const char *place, char *preload,
                      htrail__agent_environment *environment)
{
    char pattern[PATH_MAX + 64], path[PATH_MAX], version[16];
    glob_t found = {0};
    int result = CLI_EXIT_OK;

    snprintf(pattern, sizeof pattern, "%s%s", folder, place);
    if (glob(pattern, 0, NULL, &found) != 0)
        goto done;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (realpath(found.gl_pathv[i], path) == NULL || !htrail__agent_environment_version_of(path, version, sizeof version) ||
            htrail__agent_environment_has(environment, version))
            continue;
        if (strpbrk(path, " :\t\n") != NULL) {
            result = cli_fail(arguments, "cannot preload '%s': the loader takes no path with a blank or a colon; move "
                                         "heaptrail to another folder", path);
            goto done;
        }
        size_t used = strlen(preload), known = strlen(environment->versions);
        snprintf(preload + used, PRELOAD_CAP - used, "%s%s", used ? ":" : "", path);
        snprintf(environment->versions + known, sizeof environment->versions - known, "%s%s", known ? "," : "", version);
    }
done:
    globfree(&found);
    return result;
}

static int find_agents(const cli_arguments *arguments, char *preload, htrail__agent_environment *environment)
{
    char folder[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (bytes < 0)
        return cli_fail(arguments, "cannot read '/proc/self/exe': %s", strerror(errno));
    folder[bytes] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof agent_places / sizeof *agent_places; i++) {
        int result = add_agents(arguments, folder, agent_places[i], preload, environment);
        if (result != CLI_EXIT_OK)
            return result;
    }
    if (*preload == '\0')
        return cli_fail(arguments, "no agent is built or installed beside '%s/heaptrail' (python3.11/heaptrail.*.so): "
                                   "run 'make' or 'make install'", folder);
    return CLI_EXIT_OK;
}

static int find_folder(const cli_arguments *arguments, char *folder)
{
    const char *wanted = cli_option_value(arguments, "output");
    struct stat facts;
    if (wanted == NULL)
        wanted = ".";
    if (mkdir(wanted, 0777) != 0 && errno != EEXIST)
        return cli_fail(arguments, "cannot make folder '%s': %s", wanted, strerror(errno));
    if (realpath(wanted, folder) == NULL || stat(folder, &facts) != 0)
        return cli_fail(arguments, "cannot use folder '%s': %s", wanted, strerror(errno));
    if (!S_ISDIR(facts.st_mode))
        return cli_fail(arguments, "cannot write snapshots to '%s': not a folder", wanted);
    /* Asked for by name: say now what would otherwise be said by the first snapshot. */
    if (cli_option_given(arguments, "output") && access(folder, W_OK | X_OK) != 0)
        return cli_fail(arguments, "cannot write snapshots to '%s': %s", wanted, strerror(errno));
    return CLI_EXIT_OK;
}

static int run(const cli_arguments *arguments)
{
    static char preload[PRELOAD_CAP];
    static htrail__agent_environment environment;
    char *const *command = cli_operands(arguments);
    int result = find_folder(arguments, environment.dir);

    if (result == CLI_EXIT_OK)
        result = find_agents(arguments, preload, &environment);
    if (result != CLI_EXIT_OK)
        return result;
    environment.pid = getpid();
    environment.flags = (cli_option_given(arguments, "hashes") ? HTRAIL_CPYTHON_HASHES : 0u) |
                        (cli_option_given(arguments, "contents") ? HTRAIL_CPYTHON_CONTENTS : 0u) |
                        (cli_option_given(arguments, "no-cmdline") ? HTRAIL_CPYTHON_NO_CMDLINE : 0u);
    int error = htrail__agent_environment_set(&environment, preload);
    if (error != 0)
        return cli_fail(arguments, "cannot set the environment of '%s': %s", command[0], strerror(error));
    execvp(command[0], command);
    error = errno;
    (void)cli_fail(arguments, "cannot run '%s': %s", command[0],
                   error == ENOENT && strchr(command[0], '/') == NULL ? "no such command in PATH" : strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

const cli_command cli_run = {
    .name = "run",
    .usage = "[OPTIONS] -- COMMAND [ARGUMENT...]",
    .summary = "run a Python program that 'heaptrail snap' can ask for snapshots",
    .help = "heaptrail becomes COMMAND: process id, input, output and exit status are the program's own.\n"
            "Its children are left alone. 'heaptrail snap PID' takes a snapshot; `import heaptrail` works\n"
            "in the program without installation. Where COMMAND cannot be run, the exit status is 127\n"
            "(not found) or 126, as in a shell.",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .stop_at_operand = true,
    .run = run,
};
