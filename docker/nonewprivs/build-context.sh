#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs nonewprivs from scripts/conformance/build.sh, apt-get and dpkg-deb; installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian.sh"
unpack "$1/.unpacked" busybox-static
base "$1/rootfs" "$1/.unpacked"
mkdir -p "$1/rootfs/usr/local/bin"
install -m 755 "$KM_CACHE/kubernetes/bin/nonewprivs" "$1/rootfs/usr/local/bin/nnp"
rm -r "$1/.unpacked"
cp "$here/Dockerfile" "$1/"
