/* Texts once each, and safe. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "analyze/texts.h"

static void expect_kept_as(const char *data, size_t len, const char *wanted)
{
    htrail__texts texts;
    uint32_t number, again;
    cr_assert_eq(htrail__texts_init(&texts, 1 << 20), HTRAIL_OK);
    cr_assert_eq(htrail__texts_add(&texts, (htrail_str){data, len}, &number), HTRAIL_OK);
    htrail_str got = htrail__texts_get(&texts, number);
    cr_expect(got.len == strlen(wanted) && memcmp(got.data, wanted, got.len) == 0, "%.*s, not %s", (int)got.len, got.data, wanted);
    cr_assert_eq(htrail__texts_add(&texts, (htrail_str){wanted, strlen(wanted)}, &again), HTRAIL_OK);
    cr_expect_eq(number, again);
    htrail__texts_release(&texts);
}

Test(texts, a_text_keeps_its_number)
{
    htrail__texts texts;
    uint32_t number;
    char name[32];
    cr_assert_eq(htrail__texts_init(&texts, 1 << 24), HTRAIL_OK);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 50000; i++) {
            int len = snprintf(name, sizeof name, "name%u", i);
            cr_assert_eq(htrail__texts_add(&texts, (htrail_str){name, (size_t)len}, &number), HTRAIL_OK);
            cr_assert_eq(number, i + 1);
        }
    cr_assert_eq(texts.count, 50001);
    cr_assert_eq(htrail__texts_find(&texts, (htrail_str){"name77", 6}, &number), HTRAIL_OK);
    cr_assert_eq(number, 78);
    cr_assert_eq(htrail__texts_find(&texts, (htrail_str){"no such", 7}, &number), HTRAIL_E_NOT_FOUND);
    htrail__texts_release(&texts);
}

Test(texts, what_is_no_utf8_is_kept_as_its_bytes_in_hexadecimal)
{
    expect_kept_as("plain", 5, "plain");
    expect_kept_as("\303\244\342\202\254\360\237\230\200", 9, "\303\244\342\202\254\360\237\230\200");
    expect_kept_as("a\0b", 3, "a\\x00b");
    expect_kept_as("\377", 1, "\\xff");
    expect_kept_as("\303", 1, "\\xc3");
    expect_kept_as("\300\200", 2, "\\xc0\\x80");              /* overlong */
    expect_kept_as("\355\240\200", 3, "\\xed\\xa0\\x80");     /* a surrogate */
    expect_kept_as("\364\220\200\200", 4, "\\xf4\\x90\\x80\\x80"); /* past the last */
    expect_kept_as(NULL, 0, "");
}

Test(texts, growth_ends_at_its_bound)
{
    htrail__texts texts;
    uint32_t number;
    cr_assert_eq(htrail__texts_init(&texts, 10), HTRAIL_OK);
    cr_assert_eq(htrail__texts_add(&texts, (htrail_str){"12345678", 8}, &number), HTRAIL_OK);
    cr_assert_eq(htrail__texts_add(&texts, (htrail_str){"abc", 3}, &number), HTRAIL_E_LIMIT);
    cr_assert_eq(htrail__texts_add(&texts, (htrail_str){"ab", 2}, &number), HTRAIL_OK);
    htrail__texts_release(&texts);
}
