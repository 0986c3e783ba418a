#!/bin/sh
# Every header compiles alone, in C11 and in C++17: what it needs, it includes. capture/python/ is
# C only, as the internal headers of CPython that it includes are; there, layout.h stands for the
# layouts, which only the version compiles that each is for.
set -u
cd "$(dirname "$0")/.."
python=$(/usr/bin/python3 -c 'import sysconfig; print("-I" + sysconfig.get_path("include"))' 2>/dev/null)
graphviz=$(pkg-config --cflags libcgraph libgvc librsvg-2.0 2>/dev/null)
status=0
for header in $(find include format capture analyze viz extension cli -name '*.h' 2>/dev/null | sort); do
    for language in 'c -std=c11' 'c++ -std=c++17'; do
        case $header,$language in capture/python/*,c++* | capture/python/layout_*) continue ;; esac
        # shellcheck disable=SC2086
        printf '#include "%s"\n' "$header" |
            ${CC:-cc} -x $language -D_GNU_SOURCE -Iinclude -I. $python $graphviz -Wall -Wextra -Werror \
                -Wno-unused-function -Wno-missing-field-initializers -fsyntax-only - || { echo "$header: not alone in $language" >&2; status=1; }
    done
done
[ $status -ne 0 ] || echo "headers: each compiles alone"
exit $status
