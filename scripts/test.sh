#!/bin/bash
# test.sh: checks, unit tests, integration tests against a Docker Engine. Goes on after a failure; exit 1 if there was one.
# The last line counts the tests: `N passed, N failed`.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

began=$EPOCHREALTIME failed=0
results=$(mktemp -d "$KM_CACHE/results.XXXXXX")
trap 'rm -rf "$results"' EXIT

vitest() { npx --no-install vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$results/$1.json"; }

# Debian's CNI plugins, for tests of pods in such networks. Where they cannot be had those tests are left out, and say so.
network_plugins() {
  if [ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ]; then return; fi
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
  quietly 'apt-get install CNI plugins' bash -c 'export DEBIAN_FRONTEND=noninteractive
    install="apt-get -q -y --no-install-recommends install containernetworking-plugins"
    $install || { apt-get -q update && $install; }' || say 'Without CNI plugins: the tests of pods in their networks are left out.'
}

scripts/check.sh || failed=1
vitest unit || failed=1
export -f vitest
export results
network_plugins
scripts/engine.sh run bash -c 'node scripts/images.ts && vitest integration' || failed=1
say "make test took $(since "$began")"
node scripts/count-tests.ts "$results" unit integration || failed=1
exit $failed
