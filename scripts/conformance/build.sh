#!/bin/bash
# build.sh PROGRAM...: Kubernetes' programs and etcd in $KM_CACHE/kubernetes/bin; builds from Debian's source package what is not there yet.
#
# All of it takes ten to fifteen minutes on two cores, once. What is built is moved to its place when it is whole, so an interrupted run goes
# on where it stopped. Needs Debian's apt-get; the upstream source and all its dependencies are in the one package, no other network is used.
set -euo pipefail # though not inside what `quietly` runs: those say themselves where they end
. "$(dirname "$0")/../lib.sh"
. "$root/docker/debian.sh"
home=$KM_CACHE/kubernetes
bin=$home/bin
mkdir -p "$bin"
. "$root/scripts/conformance/sources.sh"

# What 1.20.2 says of itself; clients and servers compare these.
version=v1.20.2
commit=faecb196815e248d3ecfb03c680a4507229c2a56
date=2021-01-13T13:20:00Z

# Raised when the same sources are to give other programs.
recipe=2

# Without modules, as upstream's own makefiles build this release: its go.mod does not satisfy a modern `go build -mod=vendor`.
export GOPATH=$gopath GOCACHE=$home/gocache GO111MODULE=off GOPROXY=off GOFLAGS='' CGO_ENABLED=0

main() {
  [ $# -gt 0 ] || { complain "usage: build.sh PROGRAM..."; exit 2; }
  exec {lock}>"$home/build.lock"
  flock "$lock"
  start_over_when_stale
  local missing=() program
  for program in "$@"; do
    [ -x "$bin/$program" ] || missing+=("$program")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Kubernetes $version for the tests, in $home: ${missing[*]}"
  quietly 'compiler' tools
  [ -d "$tree" ] || quietly 'source package' source_package
  for program in "${missing[@]}"; do
    case $program in
      etcd) quietly "$program, Debian's" debian_program etcd etcd-server ;;
      docker-registry) quietly "$program, Debian's" debian_program docker-registry docker-registry ;;
      kubectl | kube-* | e2e.test)
        generated
        quietly "$program" build "$program"
        ;;
      *) quietly "$program" build "$program" ;;
    esac
  done
}

# What another recipe made is built anew; the compiler's cache, which knows what depends on what, stays.
start_over_when_stale() {
  [ "$(cat "$home/.recipe" 2>/dev/null)" != $recipe ] || return 0
  rm -rf "$bin" "$tree" "$home/.generated"
  mkdir -p "$bin"
  echo $recipe >"$home/.recipe"
}

# The generated files that the source package lacks.
generated() {
  [ -e "$home/.generated" ] && return
  quietly 'generated: API descriptions' generate_openapi
  quietly 'generated: embedded files' generate_bindata
  touch "$home/.generated"
}

# pkg/generated/openapi: from every package that is marked for it (upstream: Makefile.generated_files).
generate_openapi() (
  cd "$tree" && go build -o "$home/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen || return
  local staged=() packages
  for packages in staging/src/k8s.io/*/; do staged+=("vendor/k8s.io/$(basename "$packages")/"); done
  packages=$(grep -rl --include='*.go' '^ *// *+k8s:openapi-gen=' cmd pkg plugin test "${staged[@]}" \
    | grep -v -e '/testdata/' -e '/_' -e '^vendor/k8s.io/\(code-generator\|sample-apiserver\|kube-openapi\)/' \
    | xargs -n1 dirname | LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | paste -sd,)
  "$home/openapi-gen" --logtostderr --input-dirs "$packages" --output-package k8s.io/kubernetes/pkg/generated/openapi \
    --output-file-base zz_generated.openapi --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt --report-filename "$home/openapi-violations"
)

# The files that e2e.test and kubectl carry inside (upstream: hack/generate-bindata.sh).
generate_bindata() (
  cd "$tree" && go build -o "$home/go-bindata" ./vendor/github.com/go-bindata/go-bindata/go-bindata || return
  local embed=("$home/go-bindata" -nometadata -pkg generated -ignore '.jpg' -ignore '.png' -ignore '.md' -ignore 'BUILD(\.bazel)?')
  "${embed[@]}" -o test/e2e/generated/bindata.go \
    test/conformance/testdata/... test/e2e/testing-manifests/... test/e2e_node/testing-manifests/... test/images/... test/fixtures/... \
    && "${embed[@]}" -nocompress -o staging/src/k8s.io/kubectl/pkg/generated/bindata.go translations/...
)

build() (
  local program=$1 package flags='-s -w' of
  for of in component-base/version client-go/pkg/version; do
    of=k8s.io/kubernetes/vendor/k8s.io/$of
    flags+=" -X $of.gitVersion=$version -X $of.gitMajor=1 -X $of.gitMinor=20 -X $of.gitCommit=$commit -X $of.gitTreeState=clean -X $of.buildDate=$date"
  done
  case $program in
    ginkgo) package=./vendor/github.com/onsi/ginkgo/ginkgo ;;
    agnhost | nonewprivs | resource-consumer) package=./test/images/$program ;;
    consume-cpu) package=./test/images/resource-consumer/consume-cpu ;;
    *) package=./cmd/$program ;;
  esac
  cd "$tree" || return
  if [ "$program" = e2e.test ]; then
    go test -c -vet=off -ldflags "$flags" -o "$bin/.$program" ./test/e2e
  else
    go build -ldflags "$flags" -o "$bin/.$program" "$package"
  fi && mv "$bin/.$program" "$bin/$program"
)

main "$@"
