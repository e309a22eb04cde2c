#!/bin/sh
# The process that the Mesos agent watches: starts the worker and starts it anew when it dies of itself, so that a crash costs no
# task. It holds no state. The worker's exit codes: 0 done, 2 bad usage, 3 gave up for good; all else is a crash.
# usage: supervise.sh WORKER [ARGUMENT]...
worker=
forward() { [ -n "$worker" ] && kill -"$1" "$worker" 2>/dev/null; }
trap 'stopping=1; forward TERM' TERM
trap 'stopping=1; forward INT' INT
trap 'forward HUP' HUP
# The worker must not outlive us: agents kill what they watch.
bound=
setpriv --pdeathsig KILL true 2>/dev/null && bound='setpriv --pdeathsig KILL'
stopping=
pause=0
while :; do
  $bound "$@" &
  worker=$!
  while :; do
    wait "$worker"
    code=$?
    kill -0 "$worker" 2>/dev/null || break # a signal to us ends `wait`, not the worker
  done
  case $code in 0 | 2 | 3) exit "$code" ;; esac
  [ -n "$stopping" ] && exit "$code"
  echo "km: the executor's worker ended with $code, starting it anew" >&2
  sleep "$pause"
  pause=1
done
