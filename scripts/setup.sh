#!/bin/bash
# setup.sh: npm dependencies (the pinned Node comes with them), generated types and the program for port-forwarding. Does only what is
# not done yet. Needs Node 20 or later, npm and gcc.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

for tool in node npm; do
  command -v $tool >/dev/null || { complain "This needs Node.js 20 or later with npm (no $tool on PATH). On Debian: apt-get install nodejs npm, or see https://nodejs.org."; exit 1; }
done

# stale STAMP FILE...: true unless STAMP holds the checksum of the files; sets `sum`.
stale() {
  local stamp=$1
  shift
  sum=$(cat "$@" | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]
}

dependencies=node_modules/.km-dependencies
exec {lock}>"$KM_CACHE/setup.lock"
flock "$lock" 2>/dev/null || true
if stale $dependencies package-lock.json .npmrc; then
  quietly 'npm ci' npm ci --no-audit --no-fund --no-progress
  node --version | grep -qE '^v2[4-9]' || { complain "The pinned Node did not install: node_modules/.bin/node is missing or not 24 or later."; exit 1; }
  printf '%s\n' "$sum" >$dependencies
fi

node scripts/generate-mesos.ts # does nothing when nothing changed

dial=build/.dial-sum
if stale $dial docker/dial/dial.c docker/dial/build.sh || [ ! -x build/dial ]; then
  command -v "${CC:-gcc}" >/dev/null || { complain "This needs gcc. On Debian: apt-get install gcc libc6-dev."; exit 1; }
  quietly 'dial, for port-forwarding' docker/dial/build.sh build/dial
  printf '%s\n' "$sum" >$dial
fi
node scripts/warm-up.ts
