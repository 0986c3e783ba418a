/* Which characters of a heap's text are shown as they are. */
#include <criterion/criterion.h>
#include <string.h>

#include "format/visible.h"

static void expect(const char *data, size_t len, size_t used, const char *wanted)
{
    char out[HTRAIL__VISIBLE_BYTES];
    cr_expect_eq(htrail__visible_next(out, data, len), used, "%s", wanted);
    cr_expect_str_eq(out, wanted);
}

Test(visible, letters_of_any_script_are_themselves)
{
    expect("ab", 2, 1, "a");
    expect("\xc3\xa4", 2, 2, "\xc3\xa4");
    expect("\xe4\xb8\x80x", 4, 3, "\xe4\xb8\x80");
    expect("\xf0\x9f\x98\x80", 4, 4, "\xf0\x9f\x98\x80");
}

Test(visible, controls_and_what_turns_or_hides_is_escaped)
{
    expect("\n", 1, 1, "\\n");
    expect("\t", 1, 1, "\\t");
    expect("\r", 1, 1, "\\r");
    expect("\x1b[2J", 4, 1, "\\x1b");
    expect("\0", 1, 1, "\\x00");
    expect("\xc2\x9b", 2, 2, "\\x9b");
    expect("\xe2\x80\xae", 3, 3, "\\u202e");
    expect("\xef\xbf\xbe", 3, 3, "\\ufffe");
    expect("\xf3\xa0\x80\xa0", 4, 4, "\\U000e0020");
}

Test(visible, a_byte_that_is_no_utf8_is_escaped_alone)
{
    expect("\xff" "a", 2, 1, "\\xff");
    expect("\xc3", 1, 1, "\\xc3");
    expect("\xed\xa0\x80", 3, 1, "\\xed");
}
