/* capture/agent/signal_trigger.c - sigaction, chained to what was there. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "capture/agent/signal_trigger.h"
#include "capture/agent/trigger.h"

static struct sigaction before;
static int number_set;

static void on_signal(int number, siginfo_t *info, void *context)
{
    int error = errno;
    htrail__trigger_post(HTRAIL__TRIGGER_SIGNAL);
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    errno = error;
}

const char *htrail__signal_trigger_set(int number)
{
    struct sigaction action = {.sa_sigaction = on_signal}, now;
    if (sigaction(number, NULL, &now) != 0)
        return "the kernel does not know it";
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
        return NULL;
    before = now;
    /* What the program waits for goes on waiting; flags and mask of a handler before us are its own. */
    action.sa_flags = SA_SIGINFO | SA_RESTART | (before.sa_flags & (SA_ONSTACK | SA_NODEFER));
    action.sa_mask = before.sa_mask;
    if (sigaction(number, &action, NULL) != 0)
        return "the kernel lets nobody handle it";
    number_set = number;
    return NULL;
}

bool htrail__signal_trigger_holds(void)
{
    struct sigaction now;
    return sigaction(number_set, NULL, &now) != 0 || ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal);
}
