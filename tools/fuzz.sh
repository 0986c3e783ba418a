#!/bin/sh
# Each target of tests/fuzz under libFuzzer, FUZZ_SECONDS (60) each, starting from its corpus in
# tests/fuzz/corpus/TARGET. What it finds anew stays in build/fuzz. Needs clang and its runtime.
set -eu
cd "$(dirname "$0")/.."
command -v clang >/dev/null || { echo "make fuzz needs clang (packages clang, libclang-rt-14-dev)" >&2; exit 1; }
libraries="-lzstd $(pkg-config --libs sqlite3) -lm"
# shellcheck disable=SC2086
for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || { echo "tests/fuzz holds no target" >&2; exit 1; }
    target=$(basename "$source" .c)
    # A target names what it is linked with; else it is all of format/.
    linked=$(sed -n 's/^ \* Linked with: \([^(]*\).*/\1/p' "$source" | sed 's|/ *$|/*.c|')
    found=build/fuzz/corpus/$target
    mkdir -p "$found" "tests/fuzz/corpus/$target"
    clang -std=c11 -D_GNU_SOURCE -Iinclude -I. -g -O1 -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=undefined -o "build/fuzz/$target" "$source" ${linked:-format/*.c} $libraries
    "build/fuzz/$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$target-" "$found" "tests/fuzz/corpus/$target"
done
