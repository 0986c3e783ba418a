#!/bin/sh
# Who may include what (the folders are layers), which files may touch a dependency, and the
# rules of style that a pattern can see. Prints file, line and rule of each offence.
set -u
cd "${1:-$(dirname "$0")/..}"
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT

# offence RULE: what grep found on standard input breaks RULE.
offence() { awk -v rule="$1" '{ print $0 "    <- " rule }' >> "$failures"; }
sources() { find "$@" -name '*.[ch]' 2>/dev/null | sort; }

# layer FOLDER ALLOWED: "x/y.h" includes in FOLDER start with one of ALLOWED (an extended pattern).
layer() {
    sources "$1" | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null |
        grep -vE "include[[:space:]]*\"($2)/" | offence "$1 may include only $2"
}
layer include 'none'
layer format 'format'
layer capture 'capture|format'
# Within capture/ each folder stands on those below it: process (what the kernel tells), sample (draws and tables, no Python) and
# attach (ptrace, from outside) on nothing, pause (the copy) on process, python (the walker) on all of these, agent on python;
# launch is preloaded everywhere and takes the agent's settings alone.
layer capture/process 'capture/process'
layer capture/sample 'capture/sample'
layer capture/attach 'capture/attach'
layer capture/pause 'capture/(pause|process)'
layer capture/python 'capture/(python|pause|process|sample)|format'
layer capture/launch 'capture/(launch|agent)'
layer capture/agent 'capture/(agent|launch|pause|process|python)'
layer analyze 'analyze|format'
layer viz 'viz|analyze|format'
# Loaded by somebody's SQLite: the reader, and nothing of the database that is loaded.
layer extension 'extension|format'
layer import 'import|format'
layer export 'export|analyze|format'
layer serve 'serve|analyze|format'
layer samples 'none'
# The client side of the agent's protocol is plain C: the commands that talk to an agent use it.
for file in $(sources cli); do
    case $file in
    cli/run.c | cli/snap.c) allowed='cli|capture/agent|capture/attach|capture/pause|capture/process|format' ;;
    cli/import.c) allowed='cli|import' ;;
    cli/serve.c) allowed='cli|serve|viz|analyze' ;;
    cli/export.c) allowed='cli|export|analyze' ;;
    *) allowed='cli|viz|analyze|format' ;;
    esac
    layer "$file" "$allowed"
done

# dependency HEADERS FILES: only FILES (an extended pattern) include HEADERS.
dependency() {
    sources include format capture analyze viz extension import export serve cli samples |
        xargs -r grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" /dev/null |
        grep -vE "^($2):" | offence "$1 only in $2"
}
dependency 'zstd' 'format/block\.c'
dependency 'Python\.h|internal/pycore|structmember\.h|frameobject\.h' 'capture/python/[^:]*|samples/embed\.c'
dependency 'sqlite3' '(analyze|cli|export|extension|serve)/[^:]*'
dependency 'graphviz/|cgraph|gvc|gvplugin' 'viz/dot\.c|viz/render\.c'
dependency 'librsvg|cairo' 'viz/[^:]*'
dependency 'zlib\.h' 'import/source\.c|export/pprof\.c'
dependency 'microhttpd' 'serve/http\.c'
dependency 'yajl' 'import/json\.c'

ours=$(sources include format capture analyze viz extension import export serve cli samples tests bench)
# shellcheck disable=SC2086
if [ -n "$ours" ]; then
    grep -nE '\b(TODO|FIXME|XXX)\b' $ours /dev/null | grep -vE '(issue |#)[0-9]+' | offence 'TODO without an issue'
    grep -niE '@author|copyright|\b20[0-9][0-9]-[01][0-9]-[0-3][0-9]\b' $ours /dev/null | offence 'no dates or authors'
    grep -nE '[[:space:]]$' $ours /dev/null | offence 'blank at the end of a line'
    grep -nP '^\t' $ours /dev/null | offence 'tab'
    for header in $(echo "$ours" | grep '\.h$'); do
        grep -qE '^#ifndef [A-Z_0-9]+_H$|^#pragma once' "$header" || echo "$header" | offence 'header without a guard'
    done
fi
library=$(sources format analyze viz extension serve)
# shellcheck disable=SC2086
[ -z "$library" ] || grep -nE '(^|[^_a-zA-Z>.])(printf|puts|putchar|perror|exit|abort)\(' $library /dev/null |
    offence 'library code does not print, exit or abort'

[ -s "$failures" ] || { echo "layers and style: fine"; exit 0; }
cat "$failures" >&2
exit 1
