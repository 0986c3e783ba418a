#!/bin/bash
# What runs inside a process is copied there byte for byte: it may refer to nothing outside itself, on either
# architecture and at any optimization. And everything that enters a process compiles for arm64.
set -eu
if ! command -v aarch64-linux-gnu-gcc > /dev/null; then
    echo "no compiler for arm64 (gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)"
    compilers=gcc
else
    compilers="gcc aarch64-linux-gnu-gcc"
fi
flags="-std=c11 -D_GNU_SOURCE -Iinclude -I. -include tools/banned.h -fPIC -fvisibility=hidden -Wall -Wextra -Wshadow
       -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror"
for compiler in $compilers; do
    for level in -O0 -Os -O2 -O3; do
        # shellcheck disable=SC2086
        $compiler $flags $level -c capture/attach/remote.c -o "$TEST_TMP/remote.o"
        if "${compiler%gcc}objdump" -r -j htrail_remote "$TEST_TMP/remote.o" | grep R_; then
            echo "$compiler $level: remote.c refers to something outside itself"
            exit 1
        fi
    done
    for source in capture/attach/*.c; do
        # shellcheck disable=SC2086
        $compiler $flags -O2 -c "$source" -o "$TEST_TMP/part.o"
    done
done
[ "$compilers" != gcc ] || exit 77
