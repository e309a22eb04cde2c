# Sourced by build.sh: Debian's source package of Kubernetes, its etcd and docker-registry, without installing any of them.
# Sets `tree`, the root of the Kubernetes source in a GOPATH.

gopath=$home/gopath
tree=$gopath/src/k8s.io/kubernetes

# The compiler and the unpacker are the only things that are installed on the machine, where they are missing.
tools() {
  local missing=()
  command -v go >/dev/null || missing+=(golang-go)
  command -v dpkg-source >/dev/null || missing+=(dpkg-dev)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    complain "To build Kubernetes this needs go and dpkg-source. On Debian: apt-get install golang-go dpkg-dev."
    return 1
  fi
  apt-get -q update
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# Debian's sources of this release, looked up in a package index of our own: that of the machine may hold no sources and stays as it is.
source_package() {
  local apt=$home/apt release
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}") || return
  rm -rf "$apt" "$home/unpacking"
  mkdir -p "$apt/lists/partial" "$home/unpacking" "$(dirname "$tree")"
  printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/%s main\n' "debian $release" "debian-security $release-security" >"$apt/sources.list"
  local options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$apt/lists"
    -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User=root)
  apt-get -q "${options[@]}" update || return
  (cd "$home/unpacking" && apt-get -q "${options[@]}" source kubernetes) || return
  mend_reflection "$home"/unpacking/kubernetes-*/ || return
  rm -rf "$tree" "$apt"
  mv "$home"/unpacking/kubernetes-*/ "$tree" # whole, or not at all
  rm -r "$home/unpacking"
}

# mend_reflection TREE: reflect2 1.0.1 calls a function of the runtime that takes other arguments since Go 1.18, and every program of the
# tree crashes as soon as it writes some map as JSON (https://github.com/modern-go/reflect2/issues/24). Debian has 1.0.2, which knows better.
mend_reflection() {
  local package=github.com/modern-go/reflect2 unpacked=$home/unpacking/reflect2
  unpack "$unpacked" golang-github-modern-go-reflect2-dev || return
  rm -r "$1/vendor/$package" && mv "$unpacked/usr/share/gocode/src/$package" "$1/vendor/$package"
}

# debian_program PROGRAM PACKAGE: from /usr/bin of the package.
debian_program() {
  local unpacked
  unpacked=$(mktemp -d "$home/.unpacked.XXXXXX") || return
  unpack "$unpacked" "$2" && install -m 755 "$unpacked/usr/bin/$1" "$bin/.$1" && mv "$bin/.$1" "$bin/$1"
  local status=$?
  rm -rf "$unpacked"
  return $status
}
