#!/bin/bash
# The C calls of htrail/capture.h, from a program that embeds Python and links libhtrail-capture.
set -eu
lib=$B/libhtrail-capture.so
[ -e "$lib" ] || exit 77
nm -D "$lib" | grep -q __asan && exit 77
ln -sf "$lib" "$TEST_TMP/libhtrail-capture.so.0"
${CC:-cc} -std=c11 -Wall -Wextra -Werror -Iinclude $(/usr/bin/python3-config --includes) -o "$TEST_TMP/embed" tests/capture/embed.c \
    "$TEST_TMP/libhtrail-capture.so.0" $(/usr/bin/python3-config --ldflags --embed) -Wl,-rpath,"$TEST_TMP"
"$TEST_TMP/embed" "$TEST_TMP/a.htrail" > "$TEST_TMP/told"
diff - "$TEST_TMP/told" << 'END'
before Python: call not allowed in this state, or a bad argument: no Python is running in this process
without the GIL: call not allowed in this state, or a bad argument: called without the global interpreter lock
with the GIL: ok
exception kept: 1, objects: 1
nowhere: input or output failed; errno tells why: cannot write '/nowhere/a.htrail.partial': No such file or directory
END
"$B/htrail-dump" "$TEST_TMP/a.htrail" | tail -1 | grep -q whole
! ls "$TEST_TMP"/*.partial 2> /dev/null
