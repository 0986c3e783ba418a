#!/bin/bash
# tools/demo.sh, which `make demo` runs, tells its story to the end and leaves its picture.
set -eu
[ -z "${SANITIZER_PRELOAD-}" ] || exit 77 # its shell would be watched too; the samples are tested
output=$(tools/demo.sh)
for words in '$ heaptrail run -o build/demo' '$ heaptrail snap -o build/demo/60.htrail' '$ heaptrail diff --by module' \
    'LEAK modules logging' 'in each of 2 intervals' '$ heaptrail why' 'atexit callback' 'logging.shutdown' "$PWD/build/demo/leak.svg" "$PWD/build/demo/report.html"; do
    grep -qF -- "$words" <<< "$output" || { echo "the demo says nothing of: $words"; echo "$output"; exit 1; }
done
xmllint --noout build/demo/leak.svg
grep -q "loaded again and again" build/demo/report.html
grep -qE '^logging +[0-9,]+ +[0-9,]+ +\+' <<< "$output"
