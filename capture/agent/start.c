/* capture/agent/start.c - what happens when the loader brings this object into a process: the
 * launcher of `heaptrail run`, before main; `import heaptrail` where HEAPTRAIL=... is set,
 * which heaptrail.pth does at the start of every interpreter; `heaptrail snap`, which has a
 * program without the agent load it and calls heaptrail_agent_attach. Any other import
 * starts no agent. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"
#include "capture/python/sample.h"
#include "capture/agent/settings.h"
#include "capture/launch/launcher.h"

#define VARIABLE "HEAPTRAIL"

enum { NAME_CAP = 65, COMMAND_LINE_CAP = 8192, ERROR_CAP = HTRAIL__SETTINGS_DIR_CAP + 256 };

/* One of them is in this object: it is of one version of Python. */
extern void *PyInit_heaptrail(void) __attribute__((weak));
extern void *initheaptrail(void) __attribute__((weak));

/* For `heaptrail snap` of a process that was started without the agent (capture/attach): listen
 * in this process, whose interpreter runs already. settings as settings.h has them. Called
 * from a thread of its own, without the GIL. NULL, or why not. */
__attribute__((visibility("default"))) const char *heaptrail_agent_attach(const char *settings);

/* The process that listens: a child of a fork has the object, and no thread. */
static pid_t listening_pid;

/* A name for files: the last part of a path, without .py, no character that a shell would mind. */
static void file_name_from(const char *text, char *name, size_t name_cap)
{
    const char *slash = strrchr(text, '/');
    size_t used = 0;
    for (const char *at = slash && slash[1] ? slash + 1 : text; *at != '\0' && used + 1 < name_cap; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                     *at == '_' || *at == '.' || (*at == '-' && used > 0);
        name[used++] = plain ? *at : '_';
    }
    name[used] = '\0';
    if (used > 3 && strcmp(name + used - 3, ".py") == 0)
        name[used - 3] = '\0';
}

/* What is run: the script, the module after -m, else the interpreter itself. */
static void program_name(char *name, size_t name_cap)
{
    static char line[COMMAND_LINE_CAP];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, line, sizeof line - 2);
    const char *what = line;

    if (fd >= 0)
        close(fd);
    bytes = bytes < 0 ? 0 : bytes;
    line[bytes] = line[bytes + 1] = '\0';
    for (const char *at = line + strlen(line) + 1; at < line + bytes; at += strlen(at) + 1) {
        const char *next = at + strlen(at) + 1;
        if (at[0] != '-') {
            what = at;
            break;
        }
        if (at[1] == 'W' || at[1] == 'X' || strcmp(at, "--check-hash-based-pycs") == 0) {
            if (at[2] == '\0' || at[1] == '-')
                at = next;
            continue;
        }
        /* Letters may stand together: -Bm pkg.mod, and -mpkg.mod. */
        const char *letter = at[1] == '-' ? NULL : strpbrk(at + 1, "cm");
        if (letter != NULL && *letter == 'm')
            what = letter[1] ? letter + 1 : next;
        if (at[1] == '\0' || letter != NULL)
            break;
    }
    file_name_from(*what ? what : "python", name, name_cap);
}

static void sentence(const char *what, const char *detail)
{
    fprintf(stderr, "heaptrail: %s%s, and the program runs without an agent\n", what, detail);
}

/* 0 or an errno value. */
static int start_agent(const htrail__settings *settings)
{
    static char prefix[HTRAIL__SETTINGS_DIR_CAP + NAME_CAP + 32];
    char name[NAME_CAP];

    program_name(name, sizeof name);
    snprintf(prefix, sizeof prefix, "%s/%s", strcmp(settings->dir, "/") == 0 ? "" : settings->dir, name);
    int error = htrail__serve_start(prefix, settings);
    if (error == 0)
        listening_pid = getpid();
    return error;
}

static void start_or_say(const htrail__settings *settings)
{
    /* Before main, or from an import: nobody else allocates. 2.7 has no hooks for it. */
    if (settings->sample_bytes > 0 && !htrail__sample_start(settings->sample_bytes, 0, HTRAIL__SAMPLE_DEPTH))
        fprintf(stderr, "heaptrail: this Python lets nobody see its allocations, and the program runs without sampling\n");
    int error = start_agent(settings);
    if (error != 0)
        sentence("cannot listen for snapshots: ", strerror(error));
}

/* Absolute, and made if it is not there. */
static bool find_folder(htrail__settings *settings, char *error, size_t error_cap)
{
    char folder[PATH_MAX];
    struct stat facts;
    const char *wanted = settings->dir[0] ? settings->dir : ".";
    const char *reason = NULL;

    if (mkdir(wanted, 0777) != 0 && errno != EEXIST)
        reason = strerror(errno);
    else if (realpath(wanted, folder) == NULL || stat(folder, &facts) != 0)
        reason = strerror(errno);
    else if (!S_ISDIR(facts.st_mode))
        reason = "not a folder";
    else if (settings->dir[0] && access(folder, W_OK | X_OK) != 0)
        reason = strerror(errno);
    if (reason != NULL)
        snprintf(error, error_cap, "cannot write snapshots to '%s': %s", wanted, reason);
    else
        snprintf(settings->dir, sizeof settings->dir, "%s", folder);
    return reason == NULL;
}

static void start_by_launcher(const char *text)
{
    static htrail__settings settings;
    static char error[ERROR_CAP];
    if (!htrail__settings_parse(&settings, text, error, sizeof error)) {
        sentence("", error);
        return;
    }
    htrail__interpreter_add_module("heaptrail", PyInit_heaptrail != NULL ? PyInit_heaptrail : initheaptrail);
    start_or_say(&settings);
}

static void start_by_variable(const char *text)
{
    static htrail__settings settings;
    static char error[ERROR_CAP];
    if (!htrail__settings_parse(&settings, text, error, sizeof error) || !find_folder(&settings, error, sizeof error)) {
        sentence(VARIABLE ": ", error);
        return;
    }
    start_or_say(&settings);
}

const char *heaptrail_agent_attach(const char *text)
{
    static htrail__settings settings;
    static char error[ERROR_CAP];

    if (listening_pid == getpid())
        return NULL;
    if (!htrail__settings_parse(&settings, text, error, sizeof error))
        return error;
    if (!htrail__interpreter_find())
        return "its Python is loaded so that no other library sees it";
    if (htrail__interpreter_state_get() == HTRAIL__INTERPRETER_ENDS)
        return "the interpreter is shutting down";
    htrail__interpreter_forget();
    int failed = start_agent(&settings);
    return failed != 0 ? strerrordesc_np(failed) : NULL;
}

__attribute__((constructor)) static void start(void)
{
    const char *const *launched = dlsym(RTLD_DEFAULT, HTRAIL__LAUNCHER_SETTINGS);
    const char *variable = getenv(VARIABLE);

    if (!htrail__interpreter_find())
        return;
    if (launched != NULL && *launched != NULL)
        start_by_launcher(*launched);
    else if (variable != NULL && variable[0] != '\0' && variable[0] != '/' /* somebody's path of the command */ &&
             htrail__interpreter_state_get() == HTRAIL__INTERPRETER_RUNS)
        start_by_variable(variable);
}
