#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs apt-get, apt-cache, dpkg-deb and readelf; installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian.sh"
mapfile -t libraries < <(libraries_of apache2-bin)
unpack "$1/.unpacked" busybox-static apache2-bin "${libraries[@]}"
base "$1/rootfs" "$1/.unpacked"
program "$1/rootfs" "$1/.unpacked" /usr/sbin/apache2
loaded "$1/rootfs" "$1/.unpacked" libgcc_s.so.1 # a thread that ends
home=$1/rootfs/usr/local/apache2
mkdir -p "$home"/{bin,conf,htdocs,logs,modules} "$1/rootfs/usr/local/bin"
mv "$1/rootfs/usr/sbin/apache2" "$home/bin/httpd"
for module in mpm_event authz_core dir; do # none loads a library that the program does not
  cp "$1/.unpacked/usr/lib/apache2/modules/mod_$module.so" "$home/modules/"
done
cp "$here/httpd.conf" "$home/conf/"
echo '<html><body><h1>It works!</h1></body></html>' >"$home/htdocs/index.html"
install -m 755 "$here/httpd-foreground" "$1/rootfs/usr/local/bin/"
rm -r "$1/.unpacked"
cp "$here/Dockerfile" "$1/"
