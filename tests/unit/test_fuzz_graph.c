/* Every stream of records that the fuzzer starts from or once stumbled over, through its target. */
#include <criterion/criterion.h>
#include <dirent.h>

#include "tests/fuzz/fuzz_graph.c"

Test(fuzz_graph, every_file_of_its_corpus_becomes_a_database_that_can_be_asked)
{
    static const char folder[] = "tests/fuzz/corpus/fuzz_graph";
    DIR *dir = opendir(folder);
    cr_assert_not_null(dir, "run it in the folder of the sources");
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        uint8_t data[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        FILE *f = fopen(path, "rb");
        cr_assert_not_null(f);
        size_t len = fread(data, 1, sizeof data, f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, len);
        count++;
    }
    closedir(dir);
    cr_assert_gt(count, 10);
}
