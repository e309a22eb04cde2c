#!/bin/sh
# The process that the Mesos agent watches: starts the worker and starts it anew when it dies of itself, so that a crash costs no
# task. It holds no state. The worker's exit codes: 0 done, 2 bad usage, 3 gave up for good, 75 told to restart; all else is a crash. Bad usage of a later
# worker is one too: the first has lived with the same arguments, and there may be pods.
# A signal to end that finds no worker, or one that cannot hear it yet, is told to the next by KM_EXECUTOR_STOP: somebody has to end the pods.
# usage: supervise.sh WORKER [ARGUMENT]...
worker=
forward() { [ -n "$worker" ] && kill -"$1" "$worker" 2>/dev/null; }
# Our TERM is the worker's USR2: TERM to the worker itself means that another one is to take over.
tell() { case $1 in TERM) forward USR2 ;; *) forward "$1" ;; esac; }
# Who ends the pods as the last resort does what the signal asks for, and is not to be killed by it.
stop() { [ "$stopping" != GIVEUP ] || return; stopping=$1; tell "$1"; }
trap 'stop TERM' TERM
trap 'stop INT' INT
trap 'forward HUP' HUP
# The worker must not outlive us: agents kill what they watch.
bound=
setpriv --pdeathsig KILL true 2>/dev/null && bound='setpriv --pdeathsig KILL'
stopping=
tries=3 # for ending the pods, once we are to stop
pause=0
first=yes
young=0 # workers in a row that died within ten seconds
while :; do
  [ -z "$stopping" ] || export KM_EXECUTOR_STOP="$stopping"
  began=$(date +%s)
  $bound "$@" &
  worker=$!
  # What came between the look above and the start.
  [ "$stopping" = "${KM_EXECUTOR_STOP:-}" ] || tell "$stopping"
  while :; do
    wait "$worker"
    code=$?
    kill -0 "$worker" 2>/dev/null || break # a signal to us ends `wait`, not the worker
  done
  worker=
  case $code in 0 | 3) exit "$code" ;; 2) [ -z "$first" ] || exit 2 ;; esac
  first=
  if [ -n "$stopping" ]; then
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      [ "$stopping" != GIVEUP ] || exit "$code"
      stopping=GIVEUP # the pods are to end all the same
    fi
  fi
  # 75: told to restart, on what is installed by now.
  [ "$code" != 75 ] || { echo "km: the executor's worker restarts" >&2; pause=0; continue; }
  echo "km: the executor's worker ended with $code, starting it anew" >&2
  # After ten of them nobody believes in the next: it is only to end the pods and to tell the agent.
  if [ $(($(date +%s) - began)) -lt 10 ]; then young=$((young + 1)); else young=0; fi
  if [ -z "$stopping" ] && [ "$young" -ge 10 ]; then stopping=GIVEUP; fi
  # A worker that dies again and again is tried less and less often, up to every 16 s; one that lived a minute starts over.
  [ $(($(date +%s) - began)) -lt 60 ] || pause=0
  [ -z "$stopping" ] || continue
  sleep "$pause" & # in the background, so that a signal ends the pause
  nap=$!
  wait "$nap"
  kill "$nap" 2>/dev/null
  pause=$((pause == 0 ? 1 : pause < 16 ? pause * 2 : pause))
done
