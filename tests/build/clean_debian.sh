#!/bin/sh
# Not part of check: the two commands of the README in a Debian 12 made a moment ago, with nothing but
# git and make in it. Needs root, debootstrap and the network. usage: clean_debian.sh [FOLDER [GOAL...]]
set -eu
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
folder=${1:-$(mktemp -d)}
shift || true
[ -x "$folder/bin/sh" ] || debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$folder"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
rm -rf "$folder/root/heaptrail"
git clone -q "$root" "$folder/root/heaptrail"
for goal in ${*:-check demo}; do
    # A mount namespace of its own: what is mounted in it ends with it.
    unshare --mount --propagation private sh -euc '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root make -C /root/heaptrail "$2"' sh "$folder" "$goal"
done
