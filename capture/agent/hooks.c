/* capture/agent/hooks.c - when to arm them. */
#include <stdatomic.h>
#include <stddef.h>

#include "capture/agent/hooks.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/trigger.h"
#include "capture/python/events.h"

static bool at_exit_wanted, memory_error_wanted;
static atomic_bool armed, asked;

static void program_ends(void) { htrail__trigger_wait(HTRAIL__TRIGGER_EXIT); }
static void memory_ran_out(void) { htrail__trigger_wait(HTRAIL__TRIGGER_MEMORY_ERROR); }

/* On the main thread, with the GIL. */
static int arm(void *unused)
{
    (void)unused;
    atomic_store(&asked, false);
    if (!atomic_load(&armed) && htrail__interpreter_state_get() == HTRAIL__INTERPRETER_RUNS)
        atomic_store(&armed, htrail__events_tell(at_exit_wanted ? program_ends : NULL, memory_error_wanted ? memory_ran_out : NULL) != 0);
    return 0;
}

void htrail__hooks_prepare(bool at_exit, bool on_memory)
{
    at_exit_wanted = at_exit;
    memory_error_wanted = on_memory;
    /* Modules that every interpreter imports when it is up and before the program's first line
     * (without -S): a program that ends at once still meets the hook. */
    if (!atomic_load(&armed) && !htrail__interpreter_on_import(htrail__interpreter_version() < 0x300 ? "posix" : "_stat", arm))
        htrail__hooks_ask();
}

bool htrail__hooks_armed(void) { return atomic_load(&armed); }

void htrail__hooks_ask(void)
{
    if (!atomic_load(&armed) && !atomic_exchange(&asked, true) && !htrail__interpreter_on_main_thread(arm, NULL))
        atomic_store(&asked, false);
}
