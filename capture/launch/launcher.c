/* capture/launch/launcher.c - the one object that `heaptrail run` preloads: small, so that it
 * costs a process next to nothing. It looks which Python it is in and loads the agent for
 * that version, which lies beside it as pythonX.Y/heaptrail*.so; everywhere else it tidies
 * the environment and does nothing.
 *
 * It leaves to the agent what needs one, and to the next process what this one cannot do: a
 * shell that becomes an interpreter keeps both variables. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/agent/environment.h"
#include "capture/agent/settings.h"
#include "capture/launch/launcher.h"

enum { PATH_CAP = 4096, VERSION_CAP = 16 };

/* Not NULL while the agent's constructor runs: that is how it knows who loads it. */
__attribute__((visibility("default"))) const char *htrail_launcher_settings;

static void sentence(const char *what, const char *detail)
{
    fprintf(stderr, "heaptrail: %s%s, and the program runs without an agent\n", what, detail);
}

/* "3.11" of "3.11.2 (main, ...". */
static void version_of(const char *text, char *version)
{
    size_t used = 0;
    for (int dots = 0; text[used] != '\0' && used + 1 < VERSION_CAP; used++) {
        if (text[used] == '.' ? ++dots == 2 : text[used] < '0' || text[used] > '9')
            break;
        version[used] = text[used];
    }
    version[used] = '\0';
}

/* heaptrail.cpython-311-x86_64-linux-gnu.so, or heaptrail.so: as that Python names its modules. */
static bool find_agent(const char *launcher, const char *version, char *path)
{
    const char *slash = strrchr(launcher, '/');
    bool found = false;
    int bytes = snprintf(path, PATH_CAP, "%.*s/python%s", slash ? (int)(slash - launcher) : 1, slash ? launcher : ".", version);
    DIR *folder = bytes < PATH_CAP ? opendir(path) : NULL;
    if (folder == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        size_t length = strlen(entry->d_name);
        found = strncmp(entry->d_name, "heaptrail.", 10) == 0 && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0 &&
                snprintf(path + bytes, (size_t)(PATH_CAP - bytes), "/%s", entry->d_name) < PATH_CAP - bytes;
    }
    closedir(folder);
    return found;
}

static void launch(const char *launcher, const char *python_version, const char *settings)
{
    static char path[PATH_CAP];
    char version[VERSION_CAP];
    version_of(python_version, version);
    if (!find_agent(launcher, version, path)) {
        sentence("this build has no agent for Python ", version);
        return;
    }
    htrail_launcher_settings = settings;
    void *agent = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    htrail_launcher_settings = NULL;
    if (agent == NULL)
        sentence("cannot load the agent: ", dlerror());
}

__attribute__((constructor)) static void start(void)
{
    static char settings[HTRAIL__SETTINGS_TEXT_CAP];
    htrail__agent_environment environment;
    const char *(*python_version)(void) = NULL;
    Dl_info self;

    bool asked = htrail__agent_environment_get(&environment) && (environment.pid == 0 || environment.pid == getpid());
    /* C has no cast from a data pointer to a function pointer; POSIX promises that it works. */
    *(void **)&python_version = dlsym(RTLD_DEFAULT, "Py_GetVersion");
    /* Our process, but no Python yet: a shell that becomes the interpreter later. */
    if (asked && python_version == NULL)
        return;
    if (dladdr(settings, &self) == 0 || self.dli_fname == NULL)
        return;
    bool fits = asked && snprintf(settings, sizeof settings, "%s", environment.settings) < (int)sizeof settings;
    bool children = asked && environment.pid == 0;
    if (!children) { /* else what this process starts is to find both variables too */
        htrail__agent_environment_unload(self.dli_fname);
        htrail__agent_environment_forget();
    }
    if (fits)
        launch(self.dli_fname, python_version(), settings);
}
