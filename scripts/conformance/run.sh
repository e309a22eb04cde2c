#!/bin/bash
# run.sh: Kubernetes' end-to-end specs against km: those of test/conformance/expected.tsv, with SPECS=smoke the few of smoke.txt, or those that FOCUS and SKIP
# select (regular expressions). NODES run at a time, MINUTES is the limit. Results in conformance/; the last line is `N passed, N failed, N skipped`.
# Exit 0 when nothing fell below the list.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
cd "$root"

exec {lock}>"$KM_CACHE/conformance.lock"
flock --nonblock "$lock" || { complain "Another conformance run is under way; its results would be overwritten."; exit 1; }
scripts/conformance/build.sh etcd kube-apiserver kube-controller-manager kube-scheduler kubectl ginkgo e2e.test agnhost nonewprivs docker-registry
KM_PRIVILEGED_PODS=1 scripts/engine.sh run node scripts/conformance/main.ts {lock}>&-
