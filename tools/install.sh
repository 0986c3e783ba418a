#!/bin/sh
# Install below DESTDIR/PREFIX; --remove takes the same files away again. BINDIR, LIBDIR,
# INCLUDEDIR, PKGCONFIGDIR and PYTHONDIR move one kind each. The module lives in
# LIBDIR/heaptrail/pythonX.Y, where `heaptrail run` finds it beside its own BINDIR; the
# interpreter's dist-packages holds a link to it, so that both names are one object, and
# heaptrail.pth, which starts the agent where HEAPTRAIL=... is set.
set -eu
cd "$(dirname "$0")/.."
bindir=${BINDIR:-$PREFIX/bin}
libdir=${LIBDIR:-$PREFIX/lib}
includedir=${INCLUDEDIR:-$PREFIX/include}
pkgconfigdir=${PKGCONFIGDIR:-$libdir/pkgconfig}
soname=libhtrail-capture.so.0
remove=${1-}

# put MODE FROM TO: one file.
put() {
    if [ -n "$remove" ]; then
        rm -f "$DESTDIR$3"
    else
        install -D -m "$1" "$2" "$DESTDIR$3"
    fi
}
# link TARGET NAME
link() {
    if [ -n "$remove" ]; then
        put - - "$2"
    else
        mkdir -p "$DESTDIR$(dirname "$2")"
        ln -sf "$1" "$DESTDIR$2"
    fi
}
# package NAME DESCRIPTION LINES...: a pkg-config file.
package() {
    name=$1 description=$2
    shift 2
    {
        printf 'prefix=%s\nlibdir=%s\nincludedir=%s\n\n' "$PREFIX" "$libdir" "$includedir"
        printf 'Name: %s\nDescription: %s\nVersion: %s\nCflags: -I${includedir}\n' "$name" "$description" "$VERSION"
        printf '%s\n' "$@"
    } > "$B/$name.pc"
    put 644 "$B/$name.pc" "$pkgconfigdir/$name.pc"
}

put 755 "$B/heaptrail" "$bindir/heaptrail"
for header in include/htrail/*.h; do
    put 644 "$header" "$includedir/htrail/${header##*/}"
done
put 644 "$B/libhtrail.a" "$libdir/libhtrail.a"
put 755 "$B/libhtrail-capture.so" "$libdir/$soname"
link "$soname" "$libdir/libhtrail-capture.so"
put 755 "$B/htrail.so" "$libdir/htrail.so"
package htrail 'read, load and compare heap snapshots' \
    'Libs: -L${libdir} -lhtrail' 'Libs.private: -lpthread -lm' 'Requires.private: libzstd sqlite3 libcgraph libgvc'
package htrail-capture 'take a heap snapshot of an embedded Python' 'Libs: -L${libdir} -lhtrail-capture'

put 755 "$B/heaptrail-agent.so" "$libdir/heaptrail/heaptrail-agent.so"
for entry in $MODULES; do # 3.11:.cpython-311-x86_64-linux-gnu.so
    version=${entry%%:*} file=heaptrail${entry#*:}
    put 755 "$B/python$version/$file" "$libdir/heaptrail/python$version/$file"
    packages=site-packages
    [ ! -e /etc/debian_version ] || packages=dist-packages
    python=python$version
    [ "$PREFIX$packages" != /usrdist-packages ] || python=python3
    pythondir=${PYTHONDIR:-$PREFIX/lib/$python/$packages}
    put 644 capture/launch/heaptrail.pth "$pythondir/heaptrail.pth"
    link "$(realpath -m --relative-to="$pythondir" "$libdir/heaptrail/python$version/$file")" "$pythondir/$file"
done
if [ -n "$remove" ]; then # the folders that are ours alone
    rmdir "$DESTDIR$libdir"/heaptrail/python* "$DESTDIR$libdir/heaptrail" "$DESTDIR$includedir/htrail" 2>/dev/null || true
fi
