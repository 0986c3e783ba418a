#!/bin/sh
# The interpreters that modules are built for: one line a version,
#     VERSION|INCLUDE FOLDER|SUFFIX OF A MODULE|INTERPRETER[,INTERPRETER]...
# for those named as arguments or, without any, Debian's own and pyenv's. The first interpreter
# of a version gives the headers; all of them serve the tests. Left out, with a sentence on
# standard error where one was named or its layout is not known: no headers, an unknown version,
# no global interpreter lock, a debug build, another Python than CPython.
known='2.7 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13'
named=$#
if [ "$named" -eq 0 ]; then
    pyenv=${PYENV_ROOT:-$(command -v pyenv >/dev/null && pyenv root || echo "$HOME/.pyenv")}
    set -- /usr/bin/python3 "$pyenv"/versions/*/bin/python
fi
status=0
leave_out() {
    echo "$1: left out, $2" >&2
    [ "$named" -eq 0 ] || status=1
}
entries=
for python; do
    [ -x "$python" ] || [ "$named" -ne 0 ] || continue
    described=$("$python" -c 'import sys, sysconfig as s, os.path as p
v = s.get_config_var
print("%s|%s|%s|%s|%s" % (v("py_version_short"), p.exists(s.get_path("include") + "/Python.h") and s.get_path("include") or "",
                          v("EXT_SUFFIX") or v("SO"), sys.version.split()[0], v("Py_GIL_DISABLED") or 0) + ("|%s" % getattr(getattr(sys, "implementation", None), "name", "cpython" if hasattr(sys, "getrefcount") else "another Python")) +
      ("|1" if v("Py_DEBUG") or v("Py_TRACE_REFS") else "|0"))' 2>/dev/null) || { leave_out "$python" 'it is no Python that runs'; continue; }
    version=${described%%|*} rest=${described#*|}
    include=${rest%%|*} rest=${rest#*|}
    suffix=${rest%%|*}
    debug=${described##*|} described=${described%|*}
    implementation=${described##*|} described=${described%|*}
    [ "$implementation" = cpython ] || { leave_out "$python" "it is $implementation, and only the layout of CPython is known"; continue; }
    [ "$debug" != 1 ] || { leave_out "$python" 'it is a debug build, whose objects are laid out in another way'; continue; }
    case " $known " in
    *" $version "*) ;;
    *) leave_out "$python" "the layout of Python $version is not known"; continue ;;
    esac
    [ "${described##*|}" != 1 ] || { leave_out "$python" 'it is built without the global interpreter lock, and the walk needs it'; continue; }
    case $entries in
    *"
$version|"*) entries=$(printf '%s\n' "$entries" | sed "s#^$version|.*#&,$python#"); continue ;;
    esac
    [ -n "$include" ] || { leave_out "$python" 'its headers are not installed'; continue; }
    entries="$entries
$version|$include|$suffix|$python"
done
printf '%s\n' "$entries" | sed 1d
exit $status
