#!/bin/sh
# Loads one image: see loader.bzl.
set -eu
runfiles="$0.runfiles"
# Among another program's runfiles there is none of its own.
[ -d "$runfiles" ] || runfiles="${RUNFILES_DIR:-${0%%.runfiles/*}.runfiles}"
case "$runfiles" in /*) ;; *) runfiles="$PWD/$runfiles" ;; esac
# Isolated, so that nothing installed on the machine gets in; then the package's folder isn't on the path either.
start='import sys; sys.path.insert(0, sys.argv.pop(1)); from load.__main__ import main; sys.exit(main(sys.argv[1:]))'
exec "$runfiles"/@PYTHON@ -I -S -B -c "$start" "$runfiles"/@PACKAGE@ @VERB@ "$runfiles"/@LAYOUT@ @NAMES@ "$@"
