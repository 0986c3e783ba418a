#!/bin/sh
# Build and test in build/asan under the address and undefined-behaviour sanitizers. Criterion
# lets leaks pass, so reports go to files, and one file is a failure. Interpreters and shells get
# libasan preloaded, because the module loads into them; what programs of the system leak is none of ours.
# Of the interpreters, Debian's alone unless PYTHON names others: the tests of ten versions take hours under sanitizers.
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build/asan
logs=$build/logs
rm -rf "$logs" "$build"/python*
mkdir -p "$logs"
$MAKE B=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=address,undefined' PYTHON="${PYTHON:-/usr/bin/python3}" all unit

cat > "$build/suppressions" <<'END'
leak:/usr/bin/
leak:/bin/
leak:/usr/lib/gcc
leak:/usr/lib/git-core
leak:libpython
leak:libcriterion
leak:libfontconfig
END
export ASAN_OPTIONS="log_path=$logs/asan:detect_leaks=1:allocator_may_return_null=1:verify_asan_link_order=0"
export UBSAN_OPTIONS="log_path=$logs/ubsan:print_stacktrace=1"
export LSAN_OPTIONS="suppressions=$build/suppressions:print_suppressions=0"
SANITIZER_PRELOAD=$(${CC:-cc} -print-file-name=libasan.so)
export SANITIZER_PRELOAD
status=0
# Those that test the build alone run none of our code.
B=build/asan tests/run -j "${JOBS:-2}" -x build/test_checks -x build/test_edge -x build/test_makefile -x build/test_pip \
    -x build/test_runner ${TESTS-} || status=$?

for log in "$logs"/*; do
    [ -e "$log" ] || continue
    echo "sanitizer report $log:" >&2
    head -n 40 "$log" >&2
    status=1
done
[ $status -ne 0 ] || echo "asan: no report"
exit $status
