# Sourced by the build-context.sh beside it: files of Debian packages for an image, without installing them here.
# KM_CACHE names the folder that keeps the .deb files for the next time.

debs="${KM_CACHE:?names the cache folder}/debs"

# fetch PACKAGE...: downloads what the cache does not have yet.
fetch() {
  local package missing=()
  mkdir -p "$debs"
  for package in "$@"; do
    compgen -G "$debs/${package}_*.deb" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || { echo "images are built from Debian's packages, and there is no apt-get here" >&2; return 1; }
  download "${missing[@]}" 2>/dev/null || { apt-get -qq update && download "${missing[@]}"; }
}

# Whole files only: an interrupted download must not look like a cached one.
download() {
  local partial
  partial=$(mktemp -d "$debs/.partial.XXXXXX")
  if (cd "$partial" && apt-get -qq -o APT::Sandbox::User=root download "$@"); then
    mv "$partial"/*.deb "$debs/" && rmdir "$partial"
  else
    rm -rf "$partial"
    return 1
  fi
}

# unpack DIR PACKAGE...: the files of the packages below DIR.
unpack() {
  local root=$1 package found
  shift
  fetch "$@"
  for package in "$@"; do
    found=("$debs/${package}_"*.deb)
    dpkg-deb -x "${found[-1]}" "$root"
  done
}

# libraries_of PACKAGE...: the packages of libraries that they need, and those that these need, one a line.
libraries_of() {
  apt-cache depends --recurse --no-pre-depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" \
    | grep -E '^lib' | sort -u
}

# base ROOTFS UNPACKED: the folders and accounts that programs expect, and busybox under all its names.
base() {
  local rootfs=$1 unpacked=$2 applet
  mkdir -p "$rootfs"/{bin,sbin,usr/bin,usr/sbin,etc,root,home,tmp,run,var/log,var/lib,var/cache,var/tmp,dev,proc,sys}
  chmod 1777 "$rootfs/tmp" "$rootfs/var/tmp"
  ln -s ../run "$rootfs/var/run"
  printf '%s\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/usr/sbin:/bin/false \
    www-data:x:33:33:www-data:/var/www:/bin/false nginx:x:101:101:nginx:/nonexistent:/bin/false \
    nobody:x:65534:65534:nobody:/home:/bin/false >"$rootfs/etc/passwd"
  printf '%s\n' root:x:0: daemon:x:1: tty:x:5: www-data:x:33: nginx:x:101: nogroup:x:65534: >"$rootfs/etc/group"
  echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
  cp "$unpacked/bin/busybox" "$rootfs/bin/busybox"
  for applet in $("$unpacked/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$rootfs/bin/$applet"
  done
  ln -s /bin/env "$rootfs/usr/bin/env"
}

# program ROOTFS UNPACKED PATH: a dynamic program and the libraries that it loads, found among the unpacked packages only.
program() {
  local rootfs=$1 unpacked=$2 path=$3 interpreter loader library folders
  mkdir -p "$rootfs$(dirname "$path")"
  cp "$unpacked$path" "$rootfs$path"
  interpreter=$(readelf -l "$unpacked$path" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
  loader=$(find "$unpacked" -name "$(basename "$interpreter")" -type f | head -1)
  mkdir -p "$rootfs$(dirname "$interpreter")"
  cp "$loader" "$rootfs$interpreter"
  folders=$(find "$unpacked" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
  "$loader" --library-path "$folders" --list "$unpacked$path" | awk '$2 == "=>" { print $3 }' | while read -r library; do
    mkdir -p "$rootfs$(dirname "${library#"$unpacked"}")"
    cp -L "$library" "$rootfs${library#"$unpacked"}"
  done
}

# loaded ROOTFS UNPACKED LIBRARY...: libraries that programs load by name while they run, which no program's own list tells.
loaded() {
  local rootfs=$1 unpacked=$2 library path
  shift 2
  for library in "$@"; do
    path=$(find "$unpacked" -name "$library" | head -1)
    mkdir -p "$rootfs$(dirname "${path#"$unpacked"}")"
    cp -L "$path" "$rootfs${path#"$unpacked"}"
  done
}
