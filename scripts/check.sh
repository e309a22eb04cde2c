#!/bin/bash
# check.sh: the checks that run nothing. Goes on after a failure; exit 1 if there was one.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

failed=0
quietly 'types' npm run -s check:types || failed=1
quietly 'lint' npm run -s check:lint || failed=1
quietly 'room boundaries' npm run -s check:rooms || failed=1
quietly 'dead code' npm run -s check:dead || failed=1
exit $failed
