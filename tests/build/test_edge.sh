#!/bin/sh
# The edge build holds to its limits of size and needs nothing but libc (tools/edge.sh says each).
unset B MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS SANITIZE
set -e
# For the oldest and the newest Python that are there: what differs between versions is a few hundred bytes. `make edge` looks at all.
oldest=$(tools/pythons.sh | sort -t'|' -k1,1V | sed -n '1s/.*|//p' | cut -d, -f1)
newest=$(tools/pythons.sh | sort -t'|' -k1,1V | sed -n '$s/.*|//p' | cut -d, -f1)
make -s edge PYTHON="$oldest $newest" > "$TEST_TMP/said"
cat "$TEST_TMP/said"
[ "$(grep -c 'bytes stripped, limit' "$TEST_TMP/said")" = "$(grep -c 'limit' "$TEST_TMP/said")" ]
build/edge/heaptrail --help | grep -q snap
if build/edge/heaptrail --help | grep -q graph; then exit 1; fi
# What it leaves out is not unknown.
for command in $("$HEAPTRAIL" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    build/edge/heaptrail "$command" --help > /dev/null 2> "$TEST_TMP/why" || grep -q "'$command' is not in this build for devices" "$TEST_TMP/why"
done
if build/edge/heaptrail frobnicate 2> "$TEST_TMP/why"; then exit 1; fi
grep -q "unknown command 'frobnicate'" "$TEST_TMP/why"
