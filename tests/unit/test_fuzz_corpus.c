/* Every file that the fuzzer starts from or once stumbled over, through its target. */
#include "tests/fuzz/fuzz_reader.c"
#include "tests/unit/corpus.h"

Test(fuzz_corpus, every_file_of_it_gives_a_status)
{
    replay_corpus("tests/fuzz/corpus/fuzz_reader", LLVMFuzzerTestOneInput);
}
