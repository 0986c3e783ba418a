/* The variables that carry the agent: what run writes is what the agent reads and takes away. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "capture/agent/environment.h"

static void set(const char *before, const char *preload)
{
    htrail__agent_environment wish = {.pid = 4711, .flags = 6, .versions = "3.11,3.12", .dir = "/tmp/a b:c"};
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
    cr_assert_eq(got.flags, 6);
    cr_assert_str_eq(got.versions, "3.11,3.12");
    cr_assert_str_eq(got.dir, "/tmp/a b:c");
    htrail__agent_environment_forget();
    cr_assert_null(getenv(HTRAIL__AGENT_VARIABLE));
    cr_assert_not(htrail__agent_environment_get(&got));
}

Test(environment, a_variable_that_is_not_ours_is_refused)
{
    static const char *const bad[] = {"", "1", "1:2", "1:2:3.11", "x:0:3.11:/tmp", "-4:0:3.11:/tmp",
                                      "111111111111111111111111111111:0:3.11:/tmp"};
    htrail__agent_environment got;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv(HTRAIL__AGENT_VARIABLE, bad[i], 1);
        cr_assert_not(htrail__agent_environment_get(&got), "%s", bad[i]);
    }
    static char longest[HTRAIL__AGENT_DIR_CAP + 64];
    memcpy(longest, "1:0:3.11:", 9);
    memset(longest + 9, 'd', HTRAIL__AGENT_DIR_CAP);
    longest[9 + HTRAIL__AGENT_DIR_CAP] = '\0';
    setenv(HTRAIL__AGENT_VARIABLE, longest, 1);
    cr_assert_not(htrail__agent_environment_get(&got));
    longest[9 + HTRAIL__AGENT_DIR_CAP - 1] = '\0';
    setenv(HTRAIL__AGENT_VARIABLE, longest, 1);
    cr_assert(htrail__agent_environment_get(&got));
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

Test(environment, the_version_of_an_agent_is_in_its_name)
{
    static const struct {
        const char *path, *version;
    } rows[] = {
        {"/b/heaptrail.cpython-311-x86_64-linux-gnu.so", "3.11"},
        {"heaptrail.cpython-39-x86_64-linux-gnu.so", "3.9"},
        {"/b.cpython-312/heaptrail.cpython-36m-arm.so", "3.6"},
        {"/b/heaptrail.so", NULL},
        {"/b.cpython-311/heaptrail.so", NULL},
        {"/b/heaptrail.cpython-3.so", NULL},
        {"/b/heaptrail.cpython-.so", NULL},
    };
    char version[16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = htrail__agent_environment_version_of(rows[i].path, version, sizeof version);
        cr_assert_eq(found, rows[i].version != NULL, "%s", rows[i].path);
        if (found)
            cr_assert_str_eq(version, rows[i].version);
    }
}

Test(environment, a_version_is_found_whole_in_the_list)
{
    htrail__agent_environment list = {.versions = "3.11,3.12"};
    cr_assert(htrail__agent_environment_has(&list, "3.11"));
    cr_assert(htrail__agent_environment_has(&list, "3.12"));
    cr_assert_not(htrail__agent_environment_has(&list, "3.1"));
    cr_assert_not(htrail__agent_environment_has(&list, "3.13"));
    cr_assert(htrail__agent_environment_is_first(&list, "3.11"));
    cr_assert_not(htrail__agent_environment_is_first(&list, "3.12"));
    cr_assert_not(htrail__agent_environment_is_first(&list, "3.1"));
}
