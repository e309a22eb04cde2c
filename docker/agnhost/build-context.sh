#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs agnhost and the source tree from scripts/conformance/build.sh, apt-get, apt-cache,
# dpkg-deb and readelf; installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian.sh"
kubernetes=$KM_CACHE/kubernetes
packages=(dash libc-bin curl bind9-dnsutils bind9-libs netcat-openbsd iproute2 iperf)
mapfile -t libraries < <(libraries_of "${packages[@]}")
unpack "$1/.unpacked" busybox-static "${packages[@]}" "${libraries[@]}"
base "$1/rootfs" "$1/.unpacked"
# As PATH finds them they come before busybox's own, which its shell would prefer: hence dash.
for path in /bin/dash /bin/ip /bin/ss /bin/nc.openbsd /usr/bin/curl /usr/bin/dig /usr/bin/nslookup /usr/bin/iperf /usr/bin/getent; do
  rm -f "$1/rootfs/bin/$(basename "$path")"
  program "$1/rootfs" "$1/.unpacked" "$path"
done
loaded "$1/rootfs" "$1/.unpacked" libgcc_s.so.1 # a thread that ends
ln -sf dash "$1/rootfs/bin/sh"
ln -sf nc.openbsd "$1/rootfs/bin/nc"
mkdir "$1/rootfs/uploads"
cp "$kubernetes/bin/agnhost" "$kubernetes"/gopath/src/k8s.io/kubernetes/test/images/agnhost/porter/localhost.{crt,key} "$1/rootfs/"
ln -s agnhost "$1/rootfs/agnhost-2" # a second name for specs that run it by another path
rm -r "$1/.unpacked"
cp "$here/Dockerfile" "$1/"
