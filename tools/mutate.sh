#!/bin/sh
# Break each rule of the architecture on purpose, in a copy of the tree, and see the rule's test turn
# red. A mutation (tests/rules/mutations/*.sed) names in its first lines the file it changes and the
# test that has to notice: "# file: ...", "# test: ...". Fails where one does not apply, does not
# build, or survives. MUTATIONS=WORD takes only those with WORD in their name.
set -u
cd "$(dirname "$0")/.."
tree=$PWD/build/mutate
unset MAKEFLAGS MFLAGS MAKELEVEL B
rm -rf "$tree/tests"
mkdir -p "$tree"
git ls-files -co --exclude-standard | while read -r file; do
    [ ! -e "$file" ] || { mkdir -p "$tree/$(dirname "$file")" && cp -pu "$file" "$tree/$file"; }
done
cd "$tree"
export B="$tree/build/release"
export PYTHON="${PYTHON:-/usr/bin/python3}" # one version is enough to be red
log=$tree/log
make -j2 all "$B/htrail-dump" > "$log" 2>&1 || { cat "$log"; exit 1; }
status=0 count=0

# green TEST: it has to pass before the code is broken, or its red says nothing.
green() {
    case " ${proven-} " in *" $1 "*) return 0 ;; esac
    tests/run "$1" > "$log" 2>&1 || return 1
    proven="${proven-} $1"
}

for mutation in tests/rules/mutations/*"${MUTATIONS-}"*.sed; do
    file=$(sed -n 's/^# file: //p' "$mutation")
    test=$(sed -n 's/^# test: //p' "$mutation")
    cp -p "$file" "$tree/original"
    sed -E -f "$mutation" "$tree/original" > "$tree/mutated"
    if cmp -s "$tree/original" "$tree/mutated"; then
        verdict='DOES NOT APPLY'
    elif ! green "$test"; then
        verdict='TEST FAILS UNBROKEN'
    else
        cat "$tree/mutated" > "$file"
        if ! make -j2 all "$B/htrail-dump" > "$log" 2>&1; then
            verdict='DOES NOT BUILD'
        elif tests/run "$test" > "$log" 2>&1; then
            verdict=SURVIVED
        else
            verdict="red: $(sed -n 's/^  FAIL [^ ]*\.\([a-z_A-Z0-9]*\)$/\1/p' "$log" | paste -sd' ')"
        fi
        cat "$tree/original" > "$file"
    fi
    count=$((count + 1))
    printf '%-34s %-30s %s\n' "$(basename "$mutation" .sed)" "$file" "$verdict"
    case $verdict in red*) ;; *) status=1; [ "$verdict" = SURVIVED ] || tail -n 30 "$log" ;; esac
done
[ $count -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count mutations, each seen by its rule's test"
exit $status
