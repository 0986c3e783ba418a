#!/bin/sh
# A leak found in a minute: run samples/reload.py in a real interpreter with the agent in it,
# take three snapshots of it, compare them, and ask who holds what. `make demo` sets up and
# builds before. DEMO_PYTHON is the interpreter, B the build folder.
set -eu
cd "$(dirname "$0")/.."
python=${DEMO_PYTHON:-/usr/bin/python3}
if [ "${B:-build/release}" = build/release ] || [ "$B" = "$PWD/build/release" ]; then
    PATH=$PWD/build:$PATH
else
    PATH=$B:$PATH
fi
demo=build/demo
rm -rf "$demo"
mkdir -p "$demo"

# show COMMAND...: as one would type it, then run it.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}
# served N: wait until the sample says that it has served N requests and rests.
served() {
    for _ in $(seq 300); do
        if grep -qx "$1 requests served" "$demo/output"; then return; fi
        sleep 0.1
    done
    echo "the sample said no '$1 requests served' within 30 s" >&2
    exit 1
}

printf '$ heaptrail run -o %s -- %s samples/reload.py &\n' "$demo" "$python"
heaptrail run -o "$demo" -- "$python" samples/reload.py --rounds 30 --pause 1 > "$demo/output" &
sample=$!
trap 'kill $sample 2> /dev/null || true' EXIT
for requests in 20 40 60; do
    served "$requests"
    tail -n 1 "$demo/output"
    show heaptrail snap -o "$demo/$requests.htrail" "$sample"
done
kill "$sample"
show heaptrail leaks "$demo/20.htrail" "$demo/40.htrail" "$demo/60.htrail"
show heaptrail diff --by module -n 10 "$demo/20.htrail" "$demo/60.htrail"
show heaptrail why "$demo/60.htrail" module:logging
show heaptrail graph "$demo/60.htrail" module:logging -o "$demo/leak.svg"
show heaptrail report "$demo/20.htrail" "$demo/40.htrail" "$demo/60.htrail" -o "$demo/report.html"
printf '\nThe picture of who holds the old modules: %s\n' "$PWD/$demo/leak.svg"
printf 'All of it on one page: %s\n' "$PWD/$demo/report.html"
