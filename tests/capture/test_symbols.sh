#!/bin/bash
# Python's symbols are weak in the module, so one that the interpreter does not show would be NULL and
# nobody would say so: each must be there, in every interpreter of the version and in the library for embedding.
set -eu
missing=0
for module in "$B"/python*/heaptrail*.so; do
    nm -D --undefined-only "$module" | awk '$2 ~ /^_?Py/ {print $2} $1 == "U" && $2 ~ /^_?Py/ {print "strong: " $2 > "/dev/stderr"; exit 1}' | sort > "$TEST_TMP/wanted"
    # Its absence is the question: only debug builds have it (selftest.c).
    sed -i '/^_Py_NegativeRefcount$/d' "$TEST_TMP/wanted"
    [ "$(wc -l < "$TEST_TMP/wanted")" -gt 20 ]
    version=${module%/*} version=${version##*/python}
    for home in $(cat "${module%/*}/interpreters") /usr/lib/*/libpython"$version"*.so.1.0; do
        [ -e "$home" ] || continue
        library=$(ldd "$home" | awk '$1 ~ /^libpython/ {print $3}')
        home=${library:-$home}
        nm -D --defined-only "$home" | awk '{print $3}' | sort > "$TEST_TMP/shown"
        comm -23 "$TEST_TMP/wanted" "$TEST_TMP/shown" > "$TEST_TMP/missing"
        if [ -s "$TEST_TMP/missing" ]; then
            echo "$home does not show: $(cat "$TEST_TMP/missing")"
            missing=1
        fi
    done
done
exit $missing
