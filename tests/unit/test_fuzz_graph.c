/* Every stream of records that the fuzzer starts from or once stumbled over, through its target. */
#include "tests/fuzz/fuzz_graph.c"
#include "tests/unit/corpus.h"

Test(fuzz_graph, every_file_of_its_corpus_becomes_a_database_that_can_be_asked)
{
    replay_corpus("tests/fuzz/corpus/fuzz_graph", LLVMFuzzerTestOneInput);
}
