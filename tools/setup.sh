#!/bin/sh
# Install the Debian packages of packages.txt that are missing. With --check only say so.
set -eu
cd "$(dirname "$0")/.."
command -v dpkg-query >/dev/null || exit 0 # not Debian: the compiler will say what it lacks

installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' $(cat packages.txt) 2>/dev/null || true) "
missing=
for package in $(cat packages.txt); do
    case $installed in
    *" installed:$package "*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "${1-}" = --check ]; then
    echo "missing packages:$missing; run 'make setup'" >&2
    exit 1
fi

echo "packages that heaptrail builds and tests with (packages.txt):" $(cat packages.txt)
echo "missing, to be installed:$missing"
sudo=
if [ "$(id -u)" -ne 0 ]; then
    sudo=$(command -v sudo) || { echo "installing packages needs root or sudo" >&2; exit 1; }
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -q update
$sudo apt-get -q -y install --no-install-recommends $missing
