#include <criterion/criterion.h>

#include "capture/python/siphash.c" /* the walker is in no archive: it is built once a version of Python */

Test(siphash, agrees_with_the_vectors_of_its_authors)
{
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char input[64];
    for (int i = 0; i < 64; i++)
        input[i] = (unsigned char)i;
    cr_assert_eq(htrail__siphash(key, input, 0), 0x726fdb47dd0e0e31);
    cr_assert_eq(htrail__siphash(key, input, 1), 0x74f839c593dc67fd);
    cr_assert_eq(htrail__siphash(key, input, 15), 0xa129ca6149be45e5);
    cr_assert_eq(htrail__siphash(key, input, 63), 0x958a324ceb064572);
}
