# Sourced by the scripts beside it: where things are, and how a step is told. Needs nothing but bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export KM_CACHE="${KM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/km}"
export PATH="$root/node_modules/.bin:$PATH" # the pinned Node before the machine's
mkdir -p "$KM_CACHE"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# since EPOCHREALTIME: the seconds from then to now, with one decimal.
since() {
  local ms=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 1000))
  printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# quietly NAME COMMAND...: one line with the seconds; what the command wrote is shown only when it fails.
quietly() {
  local name=$1 began=$EPOCHREALTIME log status=0
  shift
  log=$(mktemp "$KM_CACHE/step.XXXXXX")
  "$@" >"$log" 2>&1 || status=$?
  if [ $status -eq 0 ]; then
    printf '  ok      %-34s %8s\n' "$name" "$(since "$began")"
  else
    printf '  FAILED  %-34s %8s\n' "$name" "$(since "$began")"
    sed 's/^/          /' "$log"
  fi
  rm -f "$log"
  return $status
}
