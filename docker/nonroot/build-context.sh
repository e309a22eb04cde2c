#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs apt-get and dpkg-deb; installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian.sh"
unpack "$1/.unpacked" busybox-static
base "$1/rootfs" "$1/.unpacked"
rm -r "$1/.unpacked"
cp "$here/Dockerfile" "$1/"
