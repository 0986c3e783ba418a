/* Sites are each there once, however many; samples are found again, and as many as chance says. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "capture/sample/sampler.h"

Test(sites, many_sites_and_texts_are_each_there_once)
{
    enum { FILES = 3000, LINES = 20 };
    htrail__sites sites = {0};
    uint32_t first[FILES];
    char name[64];
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t file = 0; file < FILES; file++) {
            int len = snprintf(name, sizeof name, "/srv/%u.py", file);
            uint32_t text = htrail__sites_add_text(&sites, (htrail_str){name, (size_t)len}), site = HTRAIL_NO_SITE;
            cr_assert_neq(text, 0);
            for (uint32_t line = 0; line < LINES; line++) {
                site = htrail__sites_add(&sites, site, text, 0, line);
                cr_assert_eq(htrail__sites_node(&sites, site)->line, line);
            }
            cr_assert(round == 0 || first[file] == site);
            first[file] = site;
            htrail_str found = htrail__sites_text(&sites, htrail__sites_node(&sites, site)->file);
            cr_assert(found.len == (size_t)len && memcmp(found.data, name, found.len) == 0);
        }
    cr_assert_eq(sites.node_count, FILES * LINES);
    cr_assert_eq(sites.text_count, FILES);
    cr_assert_eq(htrail__sites_add_text(&sites, (htrail_str){"", 0}), 0);
    htrail__sites_release(&sites);
    cr_assert_eq(htrail__sites_mapped_bytes(&sites), 0);
}

static void allocate(uintptr_t block, size_t size_bytes)
{
    unsigned depth;
    if (!htrail__sampler_is_due(size_bytes))
        return;
    htrail__sites *sites = htrail__sampler_due(&depth);
    cr_assert_not_null(sites);
    htrail__sampler_frame frame = {htrail__sites_add_text(sites, (htrail_str){"a.py", 4}), 0, 7};
    htrail__sampler_keep((void *)block, size_bytes, &frame, 1);
}

/* The share of blocks of a size that is kept, within four standard errors of what it should be. */
Test(sampler, blocks_are_kept_with_the_chance_of_their_size)
{
    enum { BLOCKS = 200000 };
    static const size_t sizes[] = {1, 16, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert(htrail__sampler_start(1000, 42 + i, 1));
        for (uintptr_t block = 1; block <= BLOCKS; block++)
            allocate(block << 4, sizes[i]);
        double chance = 1 - exp(-(double)sizes[i] / 1000), expected = chance * BLOCKS;
        cr_assert_float_eq((double)htrail__sampler_count(), expected, 4 * sqrt(expected * (1 - chance)) + 1, "%zu bytes", sizes[i]);
    }
    htrail__sampler_stop();
}

Test(sampler, what_is_freed_is_forgotten_and_nothing_else)
{
    enum { BLOCKS = 50000 };
    cr_assert(htrail__sampler_start(1, 5, 1)); /* all of them */
    for (uintptr_t block = 1; block <= BLOCKS; block++)
        allocate(block << 4, 64);
    cr_assert_eq(htrail__sampler_count(), BLOCKS);
    for (uintptr_t block = 2; block <= BLOCKS; block += 2) {
        cr_assert(htrail__sampler_may_have((void *)(block << 4)));
        cr_assert_eq(htrail__sampler_forget((void *)(block << 4)).size_bytes, 64);
        cr_assert_eq(htrail__sampler_forget((void *)(block << 4)).site, HTRAIL_NO_SITE);
    }
    cr_assert_eq(htrail__sampler_count(), BLOCKS / 2);
    for (uintptr_t block = 1; block <= BLOCKS; block += 2) {
        htrail__sample moved = htrail__sampler_forget((void *)(block << 4));
        cr_assert_eq(moved.address, block << 4);
        if (block % 3 == 0)
            htrail__sampler_restore(&moved);
    }
    cr_assert_eq(htrail__sampler_count(), (BLOCKS + 3) / 6);
    htrail__sampler_clear();
    cr_assert_eq(htrail__sampler_count(), 0);
    for (uintptr_t block = 1; block <= BLOCKS; block++)
        cr_assert_not(htrail__sampler_may_have((void *)(block << 4)));
    cr_assert(htrail__sampler_is_on());
    htrail__sampler_stop();
    cr_assert_not(htrail__sampler_is_on());
    cr_assert_eq(htrail__sampler_mapped_bytes(), 0);
    cr_assert_not(htrail__sampler_is_due(1 << 30));
}
