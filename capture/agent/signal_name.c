/* capture/agent/signal_name.c - the few signals that may be a trigger. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/agent/signal_name.h"

static const struct {
    const char *name;
    int number;
} names[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP}, {"QUIT", SIGQUIT}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
             {"INT", SIGINT}, {"WINCH", SIGWINCH}, {"URG", SIGURG}, {"IO", SIGIO}, {"PWR", SIGPWR}, {"XCPU", SIGXCPU},
             {"PROF", SIGPROF}, {"VTALRM", SIGVTALRM}};

static int whole_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number >= 0 && number < 1000 ? (int)number : -1;
}

int htrail__signal_number(const char *text)
{
    int number = whole_number(text), offset;
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    if (strncasecmp(name, "RTMIN", 5) == 0) {
        offset = name[5] == '\0' ? 0 : name[5] == '+' ? whole_number(name + 6) : -1;
        number = offset < 0 ? -1 : SIGRTMIN + offset;
    }
    if (number >= SIGRTMIN && number < SIGRTMAX)
        return number;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (number == names[i].number || strcasecmp(name, names[i].name) == 0)
            return names[i].number;
    return 0;
}
