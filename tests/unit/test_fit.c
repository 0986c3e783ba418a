/* How wide a text is on a terminal, and what is left of it where it does not fit. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/escape.h"
#include "cli/fit.h"
#include "format/columns.h"

#define WIDTH(text) cli_width(text, sizeof(text) - 1)

Test(fit, wide_characters_take_two_columns_and_combining_ones_none)
{
    cr_expect_eq(WIDTH("Frame"), 5);
    cr_expect_eq(WIDTH("日本"), 4);
    cr_expect_eq(WIDTH("\xf0\x9f\x90\x8d"), 2); /* a snake */
    cr_expect_eq(WIDTH("e\xcc\x81t\xc3\xa9"), 3);
    cr_expect_eq(WIDTH("\xed\x95\x9c\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), 4); /* Hangul, whole and by its letters */
    cr_expect_eq(WIDTH("─→…"), 3);
    cr_expect_eq(WIDTH("\xff"), 1);
}

/* The C library has another version of Unicode; what both know is the same. */
Test(fit, the_table_agrees_with_the_c_library)
{
    size_t differ = 0, same = 0;
    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (uint32_t point = 0xa0; point < 0x30000; point++) {
        int width = wcwidth((wchar_t)point);
        if (width < 0)
            continue;
        bool is_same = (unsigned)width == htrail__columns_of(point);
        same += is_same;
        differ += !is_same;
    }
    cr_expect_gt(same, 100000);
    cr_expect_lt(differ, 300, "%zu differ", differ);
}

static char *fitted(const char *text, size_t len, size_t columns, size_t *took)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    *took = cli_print_fitted(stream, text, len, columns);
    fclose(stream);
    return out;
}

static void expect_fitted(const char *text, size_t columns, const char *wanted)
{
    size_t took;
    char *got = fitted(text, strlen(text), columns, &took);
    cr_expect_str_eq(got, wanted);
    cr_expect_eq(took, cli_width(got, strlen(got)));
    free(got);
}

Test(fit, a_wide_text_loses_its_middle)
{
    expect_fitted("abcdefghij", 10, "abcdefghij");
    expect_fitted("abcdefghij", 8, "abc..hij");
    expect_fitted("abcdefghij", 7, "ab..hij");
    expect_fitted("abcdefghij", 2, "..");
    expect_fitted("abcdefghij", 1, ".");
    expect_fitted("一二三四五", 8, "一..四五");
    expect_fitted("一二三四五", 7, "一..五"); /* no half a character: a column less */
    expect_fitted("abcdefe\xcc\x81\xcc\x81h", 5, "a..e\xcc\x81\xcc\x81h");
    expect_fitted("abcdefe\xcc\x81\xcc\x81h", 4, "a..h"); /* an accent without its letter is left out */
}

Test(fit, a_million_accents_take_no_more_than_a_moment, .timeout = 5)
{
    size_t count = 1000000, took;
    char *text = malloc(2 * count + 21);
    memcpy(text, "abcdefghij", 10);
    for (size_t i = 0; i < count; i++)
        memcpy(text + 10 + 2 * i, "\xcc\x81", 2);
    memcpy(text + 10 + 2 * count, "klmnopqrst", 11);
    char *got = fitted(text, 2 * count + 20, 10, &took);
    cr_expect_str_eq(got, "abcd..qrst");
    free(got);
    free(text);
}

static void expect_escaped(const char *text, const char *wanted)
{
    size_t len;
    char *got = cli_escaped(stdout, text, strlen(text), &len);
    cr_expect_str_eq(got, wanted);
    free(got);
}

Test(fit, what_commands_a_terminal_turns_text_or_is_not_seen_is_escaped)
{
    expect_escaped("a\033[2Jb\n\t\x7f", "a\\x1b[2Jb\\n\\t\\x7f");
    expect_escaped("\xc2\x9b" "2J", "\\x9b2J");                    /* what begins a command in one character */
    expect_escaped("\xe2\x80\xae\xe2\x81\xa7", "\\u202e\\u2067"); /* bidirectional override and isolate */
    expect_escaped("a\xc2\xad" "b\xe2\x80\x8b" "c", "a\\xadb\\u200bc");
    expect_escaped("\xf3\xa0\x81\x81", "\\U000e0041"); /* a tag: a letter that nobody sees */
    expect_escaped("\xff\xc3(", "\\xff\\xc3(");
    expect_escaped("日本 é", "日本 é");
}
