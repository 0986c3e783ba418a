/* Keys of numbers keep the number that they got first. */
#include <criterion/criterion.h>

#include "analyze/key_set.h"

Test(key_set, a_key_keeps_its_number)
{
    htrail__key_set set = {.width = 3};
    uint32_t number;
    bool is_new;
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 10000; i++) {
            const uint64_t key[] = {i % 7, i * UINT64_C(0x100000001), i / 7};
            cr_assert_eq(htrail__key_set_add(&set, key, &number, &is_new), HTRAIL_OK);
            cr_assert_eq(number, i);
            cr_assert_eq(is_new, round == 0);
        }
    cr_assert_eq(set.count, 10000);
    cr_assert_eq(htrail__key_set_get(&set, 4711)[0], 4711 % 7);
    cr_assert_eq(htrail__key_set_get(&set, 4711)[2], 4711 / 7);
    htrail__key_set_release(&set);
    cr_assert_eq(set.width, 3);
    const uint64_t key[] = {0, 0, 0};
    cr_assert_eq(htrail__key_set_add(&set, key, &number, NULL), HTRAIL_OK);
    cr_assert_eq(number, 0);
    htrail__key_set_release(&set);
}
