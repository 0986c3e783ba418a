/* The variables that carry the agent: what run writes is what the agent reads and takes away. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "capture/agent/environment.h"

static void set(const char *before, const char *preload)
{
    htrail__agent_environment wish = {.pid = 4711, .settings = "dir=/tmp/a b:c,hashes"};
    if (before == NULL)
        unsetenv("LD_PRELOAD");
    else
        setenv("LD_PRELOAD", before, 1);
    cr_assert_eq(htrail__agent_environment_set(&wish, preload), 0);
}

Test(environment, what_run_sets_is_what_the_agent_gets_a_folder_with_colons_too)
{
    htrail__agent_environment got = {0};
    set(NULL, "/a.so");
    cr_assert(htrail__agent_environment_get(&got));
    cr_assert_eq(got.pid, 4711);
    cr_assert_str_eq(got.settings, "dir=/tmp/a b:c,hashes");
    htrail__agent_environment_forget();
    cr_assert_null(getenv(HTRAIL__AGENT_VARIABLE));
    cr_assert_not(htrail__agent_environment_get(&got));
}

Test(environment, a_variable_that_is_not_ours_is_refused)
{
    static const char *const bad[] = {"", "1", "x:dir=/tmp", "-4:dir=/tmp", ":", "1x:", "111111111111111111111111111111:dir=/tmp", "4294967296:"};
    htrail__agent_environment got;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv(HTRAIL__AGENT_VARIABLE, bad[i], 1);
        cr_assert_not(htrail__agent_environment_get(&got), "%s", bad[i]);
    }
    setenv(HTRAIL__AGENT_VARIABLE, "0:", 1);
    cr_assert(htrail__agent_environment_get(&got));
    cr_assert_eq(got.pid, 0);
}

Test(environment, the_agent_comes_behind_other_preloads_and_leaves_them_as_they_were)
{
    static const struct {
        const char *before, *during, *after;
    } rows[] = {
        {NULL, "/x/a.so", NULL},
        {"", "/x/a.so", NULL},
        {"/j.so", "/j.so:/x/a.so", "/j.so"},
        {"/j.so /k.so", "/j.so /k.so:/x/a.so", "/j.so /k.so"},
        {"/x/a.so.bak:/x/a", "/x/a.so.bak:/x/a:/x/a.so", "/x/a.so.bak:/x/a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set(rows[i].before, "/x/a.so");
        cr_assert_str_eq(getenv("LD_PRELOAD"), rows[i].during);
        cr_assert_not(htrail__agent_environment_unload("/other.so"));
        cr_assert_str_eq(getenv("LD_PRELOAD"), rows[i].during);
        cr_assert(htrail__agent_environment_unload("/x/a.so"));
        if (rows[i].after == NULL)
            cr_assert_null(getenv("LD_PRELOAD"));
        else
            cr_assert_str_eq(getenv("LD_PRELOAD"), rows[i].after);
        cr_assert_not(htrail__agent_environment_unload("/x/a.so"));
    }
}

Test(environment, a_shim_may_put_something_behind_or_before_the_agent)
{
    setenv("LD_PRELOAD", "/x/a.so:/j.so", 1);
    cr_assert(htrail__agent_environment_unload("/x/a.so"));
    cr_assert_str_eq(getenv("LD_PRELOAD"), "/j.so");
    setenv("LD_PRELOAD", "/j.so:/x/a.so:/x/b.so", 1);
    cr_assert(htrail__agent_environment_unload("/x/a.so"));
    cr_assert_str_eq(getenv("LD_PRELOAD"), "/j.so:/x/b.so");
}
