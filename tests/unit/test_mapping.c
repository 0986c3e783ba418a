/* Arrays that grow. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "analyze/mapping.h"

Test(mapping, contents_stay_when_it_grows_and_what_is_new_is_zero)
{
    uint32_t *data = NULL;
    uint32_t known = 0;
    for (size_t count = 1; count < (16 << 20); count = count * 2 + 7) {
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
    data = htrail__mapping_grow(data, 1000 * sizeof *data);
    cr_assert_eq(data[999], 1000);
    htrail__mapping_free(data);
    htrail__mapping_free(NULL);
}

Test(mapping, what_cannot_be_had_is_told_and_what_was_is_kept)
{
    uint32_t *data = htrail__mapping_new(0, sizeof *data);
    cr_assert_not_null(data);
    *data = 7;
    cr_assert_null(htrail__mapping_grow(data, SIZE_MAX / 4));
    cr_assert_null(htrail__mapping_grow(data, SIZE_MAX));
    cr_assert_null(htrail__mapping_new(SIZE_MAX / 4, 8));
    cr_assert_eq(*data, 7);
    htrail__mapping_free(data);
}
