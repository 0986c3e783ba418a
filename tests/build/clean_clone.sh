#!/bin/sh
# Not part of check, because it runs check: clone the committed state into an empty folder, check there.
set -eu
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone -q "$root" "$folder/heaptrail"
cd "$folder/heaptrail"
unset B MAKEFLAGS MFLAGS MAKELEVEL CFLAGS
.ci/run
[ -z "$(git status --porcelain)" ] || { echo "check left files:"; git status --short; exit 1; }
