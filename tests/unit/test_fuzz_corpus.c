/* Every file that the fuzzer starts from or once stumbled over, through its target. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#include "tests/fuzz/fuzz_reader.c"

Test(fuzz_corpus, every_file_of_it_gives_a_status)
{
    static const char folder[] = "tests/fuzz/corpus/fuzz_reader";
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
        LLVMFuzzerTestOneInput(copy, len);
        guarded_free(copy, len);
        count++;
    }
    closedir(dir);
    cr_assert_gt(count, 10);
}
