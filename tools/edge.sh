#!/bin/sh
# Build what a device needs in build/edge and hold it to its limits: sizes as installed (stripped),
# no library beyond libc.
set -eu
cd "$(dirname "$0")/.."
$MAKE B=build/edge EDGE=1 CFLAGS="${EDGE_CFLAGS--Os -g -fno-asynchronous-unwind-tables}" all
status=0

# held FILE LIMIT_KB ALLOWED_LIBRARIES
held() {
    strip -o build/edge/stripped "$1"
    bytes=$(stat -c %s build/edge/stripped)
    verdict=fine
    [ "$bytes" -le $(($2 * 1024)) ] || { verdict='TOO LARGE'; status=1; }
    printf '%-70s %7d bytes stripped, limit %4d KB: %s\n' "$1" "$bytes" "$2" "$verdict"
    others=$(objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }' | grep -vE '^(libc|libm|libdl|libpthread|ld-linux[^.]*)\.so' || true)
    [ -z "$others" ] || { echo "$1 needs $others" >&2; status=1; }
}
held build/edge/heaptrail 800
for module in build/edge/python*/heaptrail*.so; do
    held "$module" 600
done
held build/edge/heaptrail-agent.so 64
held build/edge/libhtrail-capture.so 600
exit $status
