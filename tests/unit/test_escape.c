/* What a heap may hold as a name, and what becomes of it on its way into a picture. */
#include <criterion/criterion.h>
#include <string.h>

#include "viz/escape.h"

typedef void (*escaping)(htrail__text *out, const char *data, size_t len);

static void expect(escaping escape, const char *data, size_t len, const char *wanted)
{
    htrail__text out;
    htrail__text_init(&out, 1 << 20);
    escape(&out, data, len);
    cr_expect_str_eq(htrail__text_string(&out), wanted);
    cr_expect_not(out.failed);
    htrail__text_release(&out);
}

static void ellipsis(htrail__text *out, const char *data, size_t len)
{
    htrail__escape_ellipsis(out, data, len, 9);
}

#define EXPECT(escape, data, wanted) expect(escape, data, sizeof(data) - 1, wanted)

Test(escape, markup_becomes_entities)
{
    EXPECT(htrail__escape_xml, "<script>alert('&\"')</script>", "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;");
    EXPECT(htrail__escape_xml, "]]>", "]]&gt;");
    EXPECT(htrail__escape_xml, "&#0;", "&amp;#0;");
}

Test(escape, characters_that_xml_forbids_become_visible)
{
    EXPECT(htrail__escape_xml, "a\0b\x01\x1b[31m\x7f", "a\\x00b\\x01\\x1b[31m\\x7f");
    EXPECT(htrail__escape_xml, "a\nb\tc\r", "a\\nb\\tc\\r");
    EXPECT(htrail__escape_xml, "\xef\xbf\xbe\xef\xbf\xbf", "\\ufffe\\uffff");
    EXPECT(htrail__escape_xml, "\xf0\x9f\xbf\xbf", "\\U0001ffff");
}

Test(escape, characters_that_reorder_or_hide_a_line_become_visible)
{
    EXPECT(htrail__escape_clean, "a\xe2\x80\xae" "b\xe2\x81\xa6" "c\xe2\x80\x8b" "d", "a\\u202eb\\u2066c\\u200bd");
    EXPECT(htrail__escape_clean, "\xc2\x85\xc2\xa0\xef\xbb\xbf", "\\x85\xc2\xa0\\ufeff");
}

Test(escape, bytes_that_are_no_utf8_become_replacement_characters)
{
    EXPECT(htrail__escape_clean, "\xff", "\xef\xbf\xbd");
    EXPECT(htrail__escape_clean, "a\xc3", "a\xef\xbf\xbd");
    EXPECT(htrail__escape_clean, "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd");         /* overlong */
    EXPECT(htrail__escape_clean, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
    EXPECT(htrail__escape_clean, "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

Test(escape, the_escapes_of_dot_mean_nothing)
{
    EXPECT(htrail__escape_dot, "\\N \\G \\l", "\\\\N \\\\G \\\\l");
    EXPECT(htrail__escape_dot, "end\\", "end\\\\");
    EXPECT(htrail__escape_dot, "a\nb", "a\\\\nb");
}

Test(escape, long_texts_lose_their_middle)
{
    EXPECT(ellipsis, "123456789", "123456789");
    EXPECT(ellipsis, "1234567890", "1234\xe2\x80\xa6" "7890");
    EXPECT(ellipsis, "", "");
}

Test(escape, a_wide_character_counts_twice_and_is_never_cut)
{
    EXPECT(ellipsis, "\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80", "\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80");
    EXPECT(ellipsis, "\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80", "\xe4\xb8\x80\xe4\xb8\x80\xe2\x80\xa6\xe4\xb8\x80\xe4\xb8\x80");
}

Test(escape, every_byte_and_pair_gives_xml_that_is_utf8_without_markup)
{
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char data[2] = {(char)(pair >> 8), (char)pair};
        htrail__text out, again;
        htrail__text_init(&out, 1 << 10);
        htrail__text_init(&again, 1 << 10);
        htrail__escape_xml(&out, data, 2);
        cr_assert_null(strpbrk(htrail__text_string(&out), "<>\"'\n\t\r"));
        htrail__escape_clean(&again, out.data, out.len);
        cr_assert_str_eq(htrail__text_string(&again), htrail__text_string(&out), "clean text stays as it is");
        htrail__text_release(&out);
        htrail__text_release(&again);
    }
}

Test(escape, a_text_past_its_limit_says_so)
{
    htrail__text out;
    htrail__text_init(&out, 8);
    htrail__escape_xml(&out, "<<<", 3);
    cr_expect(out.failed);
    cr_expect_leq(out.len, 8);
    htrail__text_release(&out);
}
