/* tests/unit/corpus.h - every file of a fuzz target's corpus through the target. */
#ifndef HTRAIL_TESTS_UNIT_CORPUS_H
#define HTRAIL_TESTS_UNIT_CORPUS_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#include "tests/unit/damage.h"

/* Each in memory that ends before a page that cannot be read. */
static inline void replay_corpus(const char *folder, int (*target)(const uint8_t *data, size_t len))
{
    DIR *dir = opendir(folder);
    cr_assert_not_null(dir, "run it in the folder of the sources");
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        static uint8_t data[1 << 20];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        FILE *f = fopen(path, "rb");
        cr_assert_not_null(f);
        size_t len = fread(data, 1, sizeof data, f);
        fclose(f);
        uint8_t *copy = guarded_copy(data, len);
        target(copy, len);
        guarded_free(copy, len);
        count++;
    }
    closedir(dir);
    cr_assert_gt(count, 10);
}

#endif
