/* Arrays that are files: as arrays in memory are, and given back while they are used. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { MIB = 1 << 20 };

static uint64_t status_kib(const char *field)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoull(line + strlen(field), NULL, 10);
    fclose(file);
    return kib;
}

/* Mappings of files of ours that have no name. */
static int files_mapped(void)
{
    char line[512];
    int count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file) != NULL)
        count += strstr(line, "/heaptrail-") != NULL && strstr(line, "(deleted)") != NULL;
    fclose(file);
    return count;
}

Test(resident, arrays_in_files_keep_their_contents_when_they_grow_shrink_and_move)
{
    uint32_t *data = NULL, known = 0;
    uint32_t *small = htrail__mapping_new(1000, sizeof *small), *early = htrail__mapping_new(MIB, sizeof *early);
    for (uint32_t i = 0; i < MIB; i++)
        early[i] = ~i;
    htrail__resident_begin(64 * MIB, 0);
    for (size_t count = 1; count < 8 * MIB; count = count * 2 + 7) {
        data = htrail__mapping_grow(data, count * sizeof *data);
        cr_assert_not_null(data);
        for (uint32_t i = 0; i < known; i++)
            cr_assert_eq(data[i], i + 1);
        for (uint32_t i = known; i < count; i++) {
            cr_assert_eq(data[i], 0);
            data[i] = i + 1;
        }
        known = (uint32_t)count;
    }
    cr_expect_eq(files_mapped(), 1);
    early = htrail__mapping_grow(early, 2 * MIB * sizeof *early);
    cr_expect_eq(files_mapped(), 2, "what grows goes into a file");
    for (uint32_t i = 0; i < MIB; i++)
        cr_assert_eq(early[i], ~i);
    cr_expect_eq(early[MIB + 7], 0);
    data = htrail__mapping_grow(data, 1000 * sizeof *data);
    cr_assert_eq(data[999], 1000);
    htrail__mapping_free(data);
    htrail__mapping_free(early);
    htrail__mapping_free(small);
    cr_expect_eq(files_mapped(), 0);
    htrail__resident_end();
    data = htrail__mapping_new(4 * MIB, sizeof *data);
    cr_expect_eq(files_mapped(), 0, "a limit that has ended");
    htrail__mapping_free(data);
}

Test(resident, what_is_used_of_it_stays_below_the_limit)
{
    enum { ARRAYS = 6, EACH = 64 * MIB };
    uint64_t *arrays[ARRAYS], sum = 0;
    htrail__resident_begin(64 * MIB, 0);
    for (int a = 0; a < ARRAYS; a++)
        cr_assert_not_null(arrays[a] = htrail__mapping_new(EACH / 8, 8));
    uint64_t before = status_kib("VmRSS:");
    for (int a = 0; a < ARRAYS; a++)
        for (size_t at = 0; at < EACH / 8; at += 512)
            arrays[a][at] = at + (size_t)a;
    for (int a = 0; a < ARRAYS; a++)
        for (size_t at = 0; at < EACH / 8; at += 512)
            sum += arrays[a][at] == at + (size_t)a;
    cr_expect_eq(sum, ARRAYS * (EACH / 4096));
    /* All of it is 384 MiB. A machine that is busy lets the thread look late. */
    cr_expect_lt(status_kib("VmHWM:") - before, 160 * 1024, "%lu KiB", (unsigned long)status_kib("VmHWM:"));
    for (int a = 0; a < ARRAYS; a++)
        htrail__mapping_free(arrays[a]);
    htrail__resident_end();
}

Test(resident, without_a_limit_files_begin_where_memory_ends)
{
    htrail__resident_begin(0, 64 * MIB);
    char *first = htrail__mapping_new(40 * MIB, 1), *second = htrail__mapping_new(40 * MIB, 1);
    cr_expect_eq(files_mapped(), 1);
    first[5] = 1;
    htrail__mapping_free(second);
    first = htrail__mapping_grow(first, 60 * MIB);
    cr_expect_eq(files_mapped(), 1);
    cr_expect_eq(first[5], 1);
    htrail__mapping_free(first);
    htrail__resident_end();
    cr_expect_gt(htrail__resident_available(), 0);
}

Test(resident, a_folder_that_takes_no_files_is_named)
{
    setenv("TMPDIR", "/nonexistent", 1);
    htrail__resident_begin(64 * MIB, 0);
    char *kept = htrail__mapping_new(100, 1);
    cr_assert_not_null(kept, "what is small is none");
    cr_expect_str_eq(htrail__resident_failure(), "out of memory");
    cr_expect_null(htrail__mapping_new(2 * MIB, 1));
    cr_expect_not_null(strstr(htrail__resident_failure(), "'/nonexistent'"), "%s", htrail__resident_failure());
    htrail__mapping_free(kept);
    htrail__resident_end();
}
