#!/bin/bash
# engine.sh run COMMAND...: runs COMMAND with DOCKER_HOST naming a Docker Engine that answers.
#
# The Engine is DOCKER_HOST's, else that of /var/run/docker.sock; nothing about either is changed. Where neither answers and
# this is Debian and we are root, docker.io is installed and a private dockerd started, with its socket, data and
# network bridge of its own. Whoever is the last to use it stops it and takes its traces back; its data stays for the
# next time. Several runs may share it.
#
# Needs bash and Node; everything else it installs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PATH="$PATH:/usr/sbin:/sbin" # a root shell of su lacks them
home=$KM_CACHE/engine
socket=$home/docker.sock
pidfile=$home/dockerd.pid
traces=$home/traces # one command a line that takes back what starting dockerd did to the host

answers() { DOCKER_HOST=$1 node "$root/scripts/ping-engine.ts" 2>/dev/null; }

main() {
  [ "${1:-}" = run ] && [ $# -ge 2 ] || { complain "usage: engine.sh run COMMAND..."; exit 2; }
  shift
  if [ -n "${DOCKER_HOST:-}" ]; then
    answers "$DOCKER_HOST" || { complain "DOCKER_HOST is $DOCKER_HOST, and no Docker Engine answers there. Unset it, or start that Engine."; exit 1; }
    exec "$@"
  fi
  if answers unix:///var/run/docker.sock; then
    export DOCKER_HOST=unix:///var/run/docker.sock
    exec "$@"
  fi
  may_start_one
  export DOCKER_HOST=unix://$socket
  mkdir -p "$home"
  # A user holds `users` shared; `door` is held while anybody comes or goes, so that nobody comes while the last one goes.
  exec {door}>"$home/door.lock" {users}>"$home/users.lock"
  trap 'leave' EXIT
  trap 'stop_child INT' INT
  trap 'stop_child TERM' TERM
  trap 'stop_child HUP' HUP
  flock "$door"
  flock --shared "$users"
  answers "$DOCKER_HOST" || { clean_up; install; start; }
  flock --unlock "$door"
  set -m # a process group of its own: signals are handed on, once, and none is ignored as for other background work
  "$@" {door}>&- {users}>&- &
  child=$!
  set +m
  local status=0
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do status=0; wait "$child" || status=$?; done # a trap ended the first wait
  exit $status
}

stop_child() {
  [ -n "${child:-}" ] || exit 1
  kill -"$1" -- "-$child" 2>/dev/null || true
}

may_start_one() {
  if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] && { command -v dockerd >/dev/null || command -v apt-get >/dev/null; }; then return; fi
  complain "No Docker Engine answers: neither DOCKER_HOST is set nor /var/run/docker.sock answers to you."
  if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
    complain "There is one at /var/run/docker.sock that you may not use: run this as root, or add yourself to the group docker."
  else
    complain "Install Docker (https://docs.docker.com/engine/install) and start it, or set DOCKER_HOST to an Engine of version 20.10 or later."
    complain "On Debian, as root, this script installs docker.io and starts a private one by itself."
  fi
  exit 1
}

install() {
  command -v dockerd >/dev/null && command -v ip >/dev/null && command -v iptables >/dev/null && return
  command -v apt-get >/dev/null || { complain "dockerd needs ip (iproute2) and iptables, and there is no apt-get to install them."; exit 1; }
  say "No Docker Engine here: installing docker.io from Debian (its service is not started) ..."
  quietly 'apt-get update' apt-get -q update
  # Debian starts services when it installs them; this file says no.
  policy=/usr/sbin/policy-rc.d
  [ ! -e $policy ] || mv $policy $policy.km-saved
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  quietly 'apt-get install docker.io' env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install docker.io iproute2 iptables ca-certificates
  restore_policy
}

restore_policy() {
  [ -n "${policy:-}" ] || return 0
  rm -f "$policy"
  [ ! -e "$policy.km-saved" ] || mv "$policy.km-saved" "$policy"
  policy=
}

start() {
  [ ${#home} -le 70 ] || { complain "The path $home is too long for sockets in it: set KM_CACHE to a shorter one."; exit 1; }
  local began=$EPOCHREALTIME
  network
  local runtime=()
  # Only where it is asked for: everything else runs as Docker has it.
  if [ -n "${KM_PRIVILEGED_PODS:-}" ] && ! may_use_resources && "$root/docker/runc-within-bounds/build.sh" "$home/runc-within-bounds" 2>/dev/null; then
    runtime=(--add-runtime "within-bounds=$home/runc-within-bounds" --default-runtime within-bounds)
  fi
  # A system's containerd may be running and would be used: our names in it are apart from those of another dockerd.
  setsid dockerd --host "unix://$socket" --data-root "$home/data" --exec-root "$home/exec" --pidfile "$pidfile" \
    --bridge "$bridge" --iptables=false --ip6tables=false --ip-masq=false --log-level warn \
    --containerd-namespace "$bridge" --containerd-plugins-namespace "$bridge-plugins" "${runtime[@]}" \
    </dev/null >"$home/dockerd.log" 2>&1 {door}>&- {users}>&- &
  disown
  local started=$!
  for _ in {1..300}; do
    if answers "$DOCKER_HOST"; then
      say "Started a private Docker Engine ($(since "$began")): $DOCKER_HOST"
      return
    fi
    if ! kill -0 $started 2>/dev/null; then break; fi
    sleep 0.1
  done
  complain "The private dockerd did not come up; the end of $home/dockerd.log:"
  tail -15 "$home/dockerd.log" >&2
  exit 1
}

# CAP_SYS_RESOURCE, number 24, is in our bounding set. Where it is not, runc refuses privileged containers unless they are asked for within our bounds.
may_use_resources() {
  local bounds
  bounds=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  (((0x$bounds >> 24) & 1))
}

# A bridge and subnet that nobody uses, and the way from there to the world. dockerd does not touch iptables itself: it would
# flush the chains of another dockerd.
network() {
  local number subnet rule forward
  for number in {0..9}; do
    subnet=172.$((29 - number))
    [ -z "$(ip -4 route show root $subnet.0.0/16)" ] || continue
    if ip link add "km$number" type bridge 2>/dev/null; then bridge=km$number; break; fi
  done
  [ -n "${bridge:-}" ] || { complain "No free bridge or subnet for a private dockerd (tried km0 to km9)."; exit 1; }
  forward=$(cat /proc/sys/net/ipv4/ip_forward)
  { echo "ip link delete $bridge"; echo "echo $forward >/proc/sys/net/ipv4/ip_forward"; } >"$traces"
  ip address add $subnet.0.1/16 dev "$bridge"
  ip link set "$bridge" up
  for rule in "FORWARD -i $bridge -j ACCEPT" "FORWARD -o $bridge -j ACCEPT" "POSTROUTING -t nat -s $subnet.0.0/16 ! -o $bridge -j MASQUERADE"; do
    # shellcheck disable=SC2086 # a rule is several words
    if iptables -w -I $rule; then echo "iptables -w -D $rule" >>"$traces"; fi
  done
}

# Its process, if it is ours and alive.
running() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "unix://$socket" && echo "$pid"
}

# Ends a dockerd of ours and what it did to the host, whoever started it and however it ended.
clean_up() {
  local pid line
  if pid=$(running); then
    kill -TERM "$pid"
    for _ in {1..300}; do
      [ -d "/proc/$pid" ] || break
      sleep 0.1
    done
    if [ -d "/proc/$pid" ]; then kill -KILL "$pid"; fi
  fi
  if [ -e "$traces" ]; then
    while read -r line; do bash -c "$line" 2>/dev/null || true; done <"$traces"
  fi
  rm -f "$traces" "$pidfile" "$socket"
}

leave() {
  local status=$?
  restore_policy
  flock "$door"
  flock --unlock "$users"
  if flock --exclusive --nonblock "$users"; then clean_up; fi
  exit $status
}

main "$@"
