/* capture/agent/start.c - what happens when the loader brings the agent into a process:
 * decide whether it is wanted here, tidy the environment, make `import heaptrail` work,
 * start the thread. Everything runs before main, and before the interpreter's. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/agent/environment.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"

enum { NAME_CAP = 65, COMMAND_LINE_CAP = 8192 };

extern void *PyInit_heaptrail(void);

/* For `heaptrail snap` of a process that was started without the agent (capture/attach): listen
 * in this process, whose interpreter runs already. settings are those of the variable. Called
 * from a thread of its own, without the GIL. NULL, or why not. */
__attribute__((visibility("default"))) const char *heaptrail_agent_attach(const char *settings);

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

static void sentence(const char *what, const char *version, const char *detail)
{
    fprintf(stderr, "heaptrail: %s%s%s, and the program runs without an agent\n", what, version, detail);
}

/* The process that listens: a child of a fork has the variable, and no thread. */
static pid_t listening_pid;

/* 0 or an errno value. */
static int become_agent(const htrail__agent_environment *environment)
{
    static char prefix[HTRAIL__AGENT_DIR_CAP + NAME_CAP + 32];
    char name[NAME_CAP];

    htrail__interpreter_add_module("heaptrail", PyInit_heaptrail);
    program_name(name, sizeof name);
    const char *dir = strcmp(environment->dir, "/") == 0 ? "" : environment->dir;
    snprintf(prefix, sizeof prefix, "%s/%s-%ld", dir, name, (long)getpid());
    int error = htrail__serve_start(prefix, environment->flags);
    if (error == 0)
        listening_pid = getpid();
    return error;
}

const char *heaptrail_agent_attach(const char *settings)
{
    static htrail__agent_environment environment;

    if (listening_pid == getpid())
        return NULL;
    if (!htrail__agent_environment_parse(&environment, settings))
        return "the agent is of another version than heaptrail";
    if (!htrail__interpreter_find())
        return "its Python is loaded so that no other library sees it";
    if (htrail__interpreter_state_get() == HTRAIL__INTERPRETER_ENDS)
        return "the interpreter is shutting down";
    htrail__interpreter_forget();
    int error = become_agent(&environment);
    return error != 0 ? strerrordesc_np(error) : NULL;
}

__attribute__((constructor)) static void start(void)
{
    static htrail__agent_environment environment;
    char running[16], ours[16];
    Dl_info self;

    if (dladdr(&environment, &self) == 0 || self.dli_fname == NULL ||
        !htrail__agent_environment_version_of(self.dli_fname, ours, sizeof ours))
        return;
    bool asked = htrail__agent_environment_get(&environment) && environment.pid == getpid();
    bool python = htrail__interpreter_find();
    /* Our process, but no Python yet: a shell that becomes the interpreter later. */
    if (asked && !python)
        return;
    /* Not in LD_PRELOAD: an `import heaptrail` from a file, which asks for no agent. */
    if (!htrail__agent_environment_unload(self.dli_fname))
        return;
    /* A child of that process: it is left alone, and so are its own. */
    if (!asked) {
        htrail__agent_environment_forget();
        return;
    }
    htrail__interpreter_version(running, sizeof running);
    if (strcmp(running, ours) == 0) {
        int error = become_agent(&environment);
        if (error != 0)
            sentence("cannot listen for snapshots: ", strerror(error), "");
    } else if (!htrail__agent_environment_has(&environment, running) &&
             htrail__agent_environment_is_first(&environment, ours))
        sentence("this build has no agent for Python ", running, "");
    else
        return; /* another agent of the list is the one */
    htrail__agent_environment_forget();
}
