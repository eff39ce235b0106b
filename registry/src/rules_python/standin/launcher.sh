#!/bin/sh
# Starts a Python tool on the toolchain's interpreter, with the runfiles as its first argument.
set -eu
runfiles="$0.runfiles"
# Among another program's runfiles there is none of its own.
[ -d "$runfiles" ] || runfiles="${RUNFILES_DIR:-${0%%.runfiles/*}.runfiles}"
case "$runfiles" in /*) ;; *) runfiles="$PWD/$runfiles" ;; esac
python="{interpreter}"
case "$python" in /*) ;; *) python="$runfiles/$python" ;; esac
exec "$python" -I -S -B "$runfiles/{main}" "{command}" "$runfiles" "{spec}" "$@"
