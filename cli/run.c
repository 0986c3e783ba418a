/* cli/run.c - `heaptrail run`: become a program, with the agent in it. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/agent/environment.h"
#include "capture/agent/settings.h"
#include "cli/command.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* Beside the command in the build folder; under the prefix it was installed to. The agents
 * for the versions of Python lie beside the launcher. */
static const char *const launcher_places[] = {
    "/heaptrail-agent.so",
    "/../lib/heaptrail/heaptrail-agent.so",
    "/../lib/*/heaptrail/heaptrail-agent.so",
};

static const cli_option options[] = {
    {"output", 'o', "DIR", "folder for the snapshots (default: this one); made if it is not there"},
    {"hashes", 0, NULL, "put a keyed hash of every string, and of numbers in tuples, into the snapshots"},
    {"contents", 0, NULL, "put the text of strings into the snapshots"},
    {"no-cmdline", 0, NULL, "keep the command line out of the snapshots"},
    {"every", 0, "T", "a snapshot every T (10m, 30s, 2h)"},
    {"rss", 0, "BYTES", "a snapshot when resident memory passes BYTES (K, M, G)"},
    {"grow", 0, "N%", "a snapshot when it has grown by N % since the last such"},
    {"signal", 0, "NAME", "a snapshot when signal NAME (USR2, ...) comes"},
    {"at-exit", 0, NULL, "a snapshot when the program ends"},
    {"on-memory-error", 0, NULL, "a snapshot when a MemoryError is raised"},
    {"keep", 0, "K", "of the snapshots that these take keep the last K"},
    {"max-pause", 0, "T", "end each of them early when the program has stood still for T (50ms, 2s)"},
    {"max-bytes", 0, "BYTES", "end each of them early before the file grows past BYTES"},
    {"max-memory", 0, "BYTES", "end each of them early when it takes more than BYTES of memory"},
    {"mode", 0, "MODE", "how they are taken: fork, in-place or auto (see 'heaptrail snap --help')"},
    {"sample", 0, "BYTES", "remember where about one allocation in BYTES was asked for (512K): top --by site"},
    {"children", 0, NULL, "programs that the program starts, and its forks, have an agent of their own"},
    {NULL, 0, NULL, NULL},
};

static const struct {
    const char *option, *setting;
    bool plain;
} setting_options[] = {
    {"every", "every", false}, {"rss", "rss", false}, {"grow", "grow", false}, {"signal", "signal", false},
    {"at-exit", "exit", true}, {"on-memory-error", "memory-error", true}, {"keep", "keep", false},
    {"hashes", "hashes", true}, {"contents", "contents", true}, {"no-cmdline", "no-cmdline", true},
    {"max-pause", "max-pause", false}, {"max-bytes", "max-bytes", false}, {"max-memory", "max-memory", false},
    {"mode", "mode", false}, {"children", "children", true}, {"sample", "sample", false},
};

static bool has_agents(const char *launcher)
{
    char pattern[PATH_MAX + 64];
    glob_t found = {0};
    snprintf(pattern, sizeof pattern, "%.*s/python*/heaptrail*.so", (int)(strrchr(launcher, '/') - launcher), launcher);
    bool any = glob(pattern, 0, NULL, &found) == 0;
    globfree(&found);
    return any;
}

/* A list for the loader is split at blanks and colons. */
static int find_launcher(const cli_arguments *arguments, char *launcher)
{
    char folder[PATH_MAX], pattern[PATH_MAX + 64];
    bool any = false;
    ssize_t bytes = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (bytes < 0)
        return cli_fail(arguments, "cannot read '/proc/self/exe': %s", strerror(errno));
    folder[bytes] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof launcher_places / sizeof *launcher_places && !any; i++) {
        glob_t found = {0};
        snprintf(pattern, sizeof pattern, "%s%s", folder, launcher_places[i]);
        any = glob(pattern, 0, NULL, &found) == 0 && realpath(found.gl_pathv[0], launcher) != NULL && has_agents(launcher);
        globfree(&found);
    }
    if (!any)
        return cli_fail(arguments, "no agent is built or installed beside '%s/heaptrail' (heaptrail-agent.so, python3.11/heaptrail.*.so): "
                                   "run 'make' or 'make install'", folder);
    if (strpbrk(launcher, " :\t\n") != NULL)
        return cli_fail(arguments, "cannot preload '%s': the loader takes no path with a blank or a colon; move "
                                   "heaptrail to another folder", launcher);
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

/* The options that are settings of the agent, under the names that HEAPTRAIL=... has for them. */
static int find_settings(const cli_arguments *arguments, htrail__settings *settings)
{
    char error[1024];
    for (size_t i = 0; i < sizeof setting_options / sizeof *setting_options; i++) {
        const char *value = cli_option_value(arguments, setting_options[i].option);
        if (value == NULL)
            continue;
        if (!htrail__settings_set(settings, setting_options[i].setting, setting_options[i].plain ? NULL : value, error, sizeof error))
            return cli_usage(arguments, "%s", error);
    }
    return CLI_EXIT_OK;
}

static int run(const cli_arguments *arguments)
{
    static char launcher[PATH_MAX], folder[PATH_MAX], text[HTRAIL__SETTINGS_TEXT_CAP];
    static htrail__settings settings;
    char *const *command = cli_operands(arguments);
    int result = find_settings(arguments, &settings);

    if (result == CLI_EXIT_OK)
        result = find_folder(arguments, folder);
    if (result == CLI_EXIT_OK)
        result = find_launcher(arguments, launcher);
    if (result != CLI_EXIT_OK)
        return result;
    snprintf(settings.dir, sizeof settings.dir, "%s", folder);
    int error = htrail__settings_format(&settings, text, sizeof text) ? 0 : ENAMETOOLONG;
    htrail__agent_environment environment = {settings.children ? 0 : getpid(), text};
    if (error == 0)
        error = htrail__agent_environment_set(&environment, launcher);
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
