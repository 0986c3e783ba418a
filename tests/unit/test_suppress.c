/* What is known and accepted: patterns of a file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/suppress.h"

Test(suppress, a_pattern_is_for_the_whole_text)
{
    cr_expect(htrail__wildcard_matches("keep.leak", "keep.leak"));
    cr_expect_not(htrail__wildcard_matches("keep.lea", "keep.leak"));
    cr_expect_not(htrail__wildcard_matches("keep.leaks", "keep.leak"));
    cr_expect(htrail__wildcard_matches("", ""));
    cr_expect_not(htrail__wildcard_matches("", "a"));
}

Test(suppress, a_star_is_any_text_and_a_question_mark_one_character)
{
    cr_expect(htrail__wildcard_matches("*", ""));
    cr_expect(htrail__wildcard_matches("*.leak", "app.keep.leak"));
    cr_expect(htrail__wildcard_matches("a*b*c", "a-b-b-c"));
    cr_expect_not(htrail__wildcard_matches("a*b*c", "a-c-b"));
    cr_expect(htrail__wildcard_matches("?eep", "keep"));
    cr_expect_not(htrail__wildcard_matches("?keep", "keep"));
    cr_expect(htrail__wildcard_matches("users[...].history", "users[...].history"), "brackets stand for themselves");
}

Test(suppress, a_hostile_pattern_takes_no_time)
{
    char pattern[2001] = "", text[4001] = "";
    for (int i = 0; i < 1000; i++)
        memcpy(pattern + 2 * i, "*a", 3);
    memset(text, 'a', 4000);
    text[4000] = '\0';
    text[3999] = 'b';
    cr_expect_not(htrail__wildcard_matches(pattern, text));
}

Test(suppress, a_file_has_a_pattern_a_line)
{
    char path[] = "/tmp/suppress-XXXXXX", message[256];
    const char *places[] = {"keep.leak", "", NULL};
    const char *record[] = {"app.Record", "", NULL}, *dict[] = {"dict", "", NULL}, *none[] = {"", NULL}, *carried[] = {"function", "shop.Request", NULL};
    htrail__suppressions all;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    dprintf(fd, "# known\n\n\tkeep.* \r\ntype:app.*\nkind:threads\ntype:Request");
    close(fd);
    cr_assert_eq(htrail__suppressions_read(&all, path, message, sizeof message), HTRAIL_OK);
    unlink(path);
    cr_assert_eq(all.count, 4);
    cr_expect_str_eq(all.items[0].pattern, "keep.*");
    cr_expect_eq(all.items[0].line, 3);
    cr_expect_eq(htrail__suppressions_match(&all, places, record, "container"), &all.items[0]);
    places[0] = "other";
    cr_expect_eq(htrail__suppressions_match(&all, places, record, "container"), &all.items[1]);
    cr_expect_null(htrail__suppressions_match(&all, places, dict, "container"));
    cr_expect(all.items[1].used);
    cr_expect_not(all.items[2].used);
    cr_expect_eq(htrail__suppressions_match(&all, places, none, "threads"), &all.items[2]);
    cr_expect_eq(htrail__suppressions_match(&all, places, carried, "container"), &all.items[3], "the last part of what the objects carry");
    htrail__suppressions_release(&all);
}

Test(suppress, a_file_that_cannot_be_read_is_named)
{
    char message[256];
    htrail__suppressions all;
    cr_expect_eq(htrail__suppressions_read(&all, "/nowhere/known", message, sizeof message), HTRAIL_E_IO);
    cr_expect_str_eq(message, "cannot read '/nowhere/known': No such file or directory");
    htrail__suppressions_release(&all);
}

Test(suppress, too_many_patterns_are_called_that)
{
    char path[] = "/tmp/suppress-XXXXXX", message[256] = "";
    htrail__suppressions all;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    FILE *stream = fdopen(fd, "w");
    for (int i = 0; i < 100001; i++)
        fputs("a\n", stream);
    fclose(stream);
    cr_expect_eq(htrail__suppressions_read(&all, path, message, sizeof message), HTRAIL_E_LIMIT);
    cr_expect_not_null(strstr(message, "it has more than 100000 patterns"), "%s", message);
    htrail__suppressions_release(&all);
    unlink(path);
}
