#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs apt-get, dpkg-deb and readelf; installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian.sh"
unpack "$1/.unpacked" busybox-static nginx nginx-common libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g
base "$1/rootfs" "$1/.unpacked"
program "$1/rootfs" "$1/.unpacked" /usr/sbin/nginx
mkdir -p "$1/rootfs"/{etc/nginx/conf.d,usr/share/nginx/html,var/lib/nginx,var/log/nginx}
cp "$1/.unpacked/etc/nginx/mime.types" "$here/nginx.conf" "$1/rootfs/etc/nginx/"
cp "$here/index.html" "$1/rootfs/usr/share/nginx/html/"
rm -r "$1/.unpacked"
cp "$here/Dockerfile" "$1/"
