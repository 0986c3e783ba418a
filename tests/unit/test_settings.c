/* The settings of an agent: a line of text in, a struct, and the same line out; each bad one a sentence. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include <htrail/capture.h>

#include "capture/agent/settings.h"
#include "capture/agent/signal_name.h"

static const char every[] = "dir=/var/snap,every=10m,keep=5,rss=500M,grow=20%,signal=USR2,exit,memory-error,children,"
                            "hashes,contents,no-cmdline,max-pause=0.5,max-bytes=1G,max-memory=64M,mode=fork,sample=512K";

Test(settings, each_setting_of_a_line_is_in_the_struct)
{
    htrail__settings got = {0};
    char error[256];
    cr_assert(htrail__settings_parse(&got, every, error, sizeof error), "%s", error);
    cr_assert_str_eq(got.dir, "/var/snap");
    cr_assert_eq(got.every_ms, 600000);
    cr_assert_eq(got.keep, 5);
    cr_assert_eq(got.rss_bytes, 500u << 20);
    cr_assert_eq(got.grow_percent, 20);
    cr_assert_eq(got.signal_number, SIGUSR2);
    cr_assert(got.at_exit && got.on_memory_error && got.children);
    cr_assert_eq(got.flags, HTRAIL_CPYTHON_HASHES | HTRAIL_CPYTHON_CONTENTS | HTRAIL_CPYTHON_NO_CMDLINE);
    cr_assert_eq(got.max_pause_ns, 500000000u);
    cr_assert_eq(got.max_bytes, UINT64_C(1) << 30);
    cr_assert_eq(got.sample_bytes, 512u << 10);
    cr_assert_eq(got.max_memory_bytes, UINT64_C(64) << 20);
    cr_assert_eq(got.mode_given, 1 + HTRAIL_CAPTURE_FORK);
    cr_assert(htrail__settings_has_trigger(&got));
}

Test(settings, what_format_writes_parse_reads_back)
{
    static const char *const lines[] = {"", every, "exit", "dir=/a\\,b\\\\c d,keep=1", "dir=/a, grow=5 ,exit,,", "every=1.5", "signal=RTMIN+3"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        htrail__settings one = {0}, two = {0};
        char error[256], text[HTRAIL__SETTINGS_TEXT_CAP];
        cr_assert(htrail__settings_parse(&one, lines[i], error, sizeof error), "%s: %s", lines[i], error);
        cr_assert(htrail__settings_format(&one, text, sizeof text));
        cr_assert(htrail__settings_parse(&two, text, error, sizeof error), "%s: %s", text, error);
        cr_assert_eq(memcmp(&one, &two, sizeof one), 0, "%s against %s", lines[i], text);
    }
    htrail__settings longest = {0};
    char text[64];
    memset(longest.dir, ',', sizeof longest.dir - 1);
    cr_assert_not(htrail__settings_format(&longest, text, sizeof text));
}

Test(settings, an_escaped_comma_belongs_to_the_value)
{
    htrail__settings got = {0};
    char error[256];
    cr_assert(htrail__settings_parse(&got, "dir=/a\\,exit,keep=2", error, sizeof error));
    cr_assert_str_eq(got.dir, "/a,exit");
    cr_assert_not(got.at_exit);
    cr_assert_eq(got.keep, 2);
}

Test(settings, a_bad_one_is_named_with_what_it_should_be)
{
    static const struct {
        const char *line, *sentence;
    } rows[] = {
        {"often", "there is no setting 'often'"},
        {"exit=1", "setting 'exit' takes no value"},
        {"every", "setting 'every' needs a value"},
        {"=5", "there is no setting ''"},
        {"every=10x", "'10x' for 'every' is no time of 100 ms or more: a number with ms, s, m, h or d behind it"},
        {"every=99ms", "'99ms' for 'every' is no time of 100 ms or more: a number with ms, s, m, h or d behind it"},
        {"every=-1", NULL}, {"every=0", NULL}, {"every=nan", NULL}, {"every=inf", NULL}, {"every=0x10", NULL}, {"every=1e3", NULL}, {"every=", NULL},
        {"keep=0", NULL}, {"keep=10001", NULL}, {"keep=1K", NULL},
        {"rss=0", NULL}, {"rss=many", "'many' for 'rss' is no number of bytes (K, M, G)"}, {"rss=1T", NULL},
        {"grow=0%", NULL}, {"grow=%", NULL}, {"signal=KILL", NULL}, {"signal=SEGV", NULL}, {"signal=9", NULL}, {"signal=32", NULL}, {"dir=", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        htrail__settings got = {0};
        char error[512] = "";
        cr_assert_not(htrail__settings_parse(&got, rows[i].line, error, sizeof error), "%s", rows[i].line);
        cr_assert_neq(error[0], '\0');
        if (rows[i].sentence != NULL)
            cr_assert_str_eq(error, rows[i].sentence);
    }
}

Test(settings, signals_by_name_and_number)
{
    cr_assert_eq(htrail__signal_number("USR1"), SIGUSR1);
    cr_assert_eq(htrail__signal_number("sigusr2"), SIGUSR2);
    cr_assert_eq(htrail__signal_number("10"), 10);
    cr_assert_eq(htrail__signal_number("RTMIN"), SIGRTMIN);
    cr_assert_eq(htrail__signal_number("SIGRTMIN+2"), SIGRTMIN + 2);
    cr_assert_eq(htrail__signal_number("RTMIN+999"), 0);
    cr_assert_eq(htrail__signal_number("RTMIN-1"), 0);
    cr_assert_eq(htrail__signal_number(""), 0);
}
