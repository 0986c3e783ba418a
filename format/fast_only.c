/* format/fast_only.c - in what is loaded into somebody's program zstd has its fastest strategy alone,
 * the one of level 1: the others are 270 KB of code that a device would carry for nothing.
 *
 * zstd keeps its strategies in a table, so that a linker cannot see which of them are used; but
 * it takes a member of libzstd.a only where a name is missing. Each name that the other strategies
 * are known by is defined here, weakly: should another zstd need one of these members for something else,
 * its own definitions win. Nothing here is ever called: block.c refuses other levels where this is linked in. */
#include "format/block.h"

const int htrail__pack_level_max = 1;

/* As zstd says that something failed: the bytes would be stored as they are. */
__attribute__((used)) static size_t never(void) { return (size_t)-1; }

#define OTHER_STRATEGIES \
    X(ZSTD_compressBlock_btlazy2) X(ZSTD_compressBlock_btlazy2_dictMatchState) \
    X(ZSTD_compressBlock_btlazy2_extDict) X(ZSTD_compressBlock_btopt) \
    X(ZSTD_compressBlock_btopt_dictMatchState) X(ZSTD_compressBlock_btopt_extDict) \
    X(ZSTD_compressBlock_btultra) X(ZSTD_compressBlock_btultra2) X(ZSTD_compressBlock_btultra_dictMatchState) \
    X(ZSTD_compressBlock_btultra_extDict) X(ZSTD_compressBlock_doubleFast) \
    X(ZSTD_compressBlock_doubleFast_dictMatchState) X(ZSTD_compressBlock_doubleFast_extDict) \
    X(ZSTD_compressBlock_greedy) X(ZSTD_compressBlock_greedy_dedicatedDictSearch) \
    X(ZSTD_compressBlock_greedy_dedicatedDictSearch_row) X(ZSTD_compressBlock_greedy_dictMatchState) \
    X(ZSTD_compressBlock_greedy_dictMatchState_row) X(ZSTD_compressBlock_greedy_extDict) \
    X(ZSTD_compressBlock_greedy_extDict_row) X(ZSTD_compressBlock_greedy_row) X(ZSTD_compressBlock_lazy) \
    X(ZSTD_compressBlock_lazy2) X(ZSTD_compressBlock_lazy2_dedicatedDictSearch) \
    X(ZSTD_compressBlock_lazy2_dedicatedDictSearch_row) X(ZSTD_compressBlock_lazy2_dictMatchState) \
    X(ZSTD_compressBlock_lazy2_dictMatchState_row) X(ZSTD_compressBlock_lazy2_extDict) \
    X(ZSTD_compressBlock_lazy2_extDict_row) X(ZSTD_compressBlock_lazy2_row) \
    X(ZSTD_compressBlock_lazy_dedicatedDictSearch) X(ZSTD_compressBlock_lazy_dedicatedDictSearch_row) \
    X(ZSTD_compressBlock_lazy_dictMatchState) X(ZSTD_compressBlock_lazy_dictMatchState_row) \
    X(ZSTD_compressBlock_lazy_extDict) X(ZSTD_compressBlock_lazy_extDict_row) X(ZSTD_compressBlock_lazy_row) \
    X(ZSTD_dedicatedDictSearch_lazy_loadDictionary) X(ZSTD_fillDoubleHashTable) \
    X(ZSTD_insertAndFindFirstIndex) X(ZSTD_row_update) X(ZSTD_updateTree)

#define X(name) size_t name(void) __attribute__((weak, alias("never")));
OTHER_STRATEGIES
#undef X
