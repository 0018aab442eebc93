#!/usr/bin/env bash
# Python 3.11 to 3.13, importlib.metadata.
#
# Expected:  an `entry_points.txt` that cannot be parsed costs the distribution that it belongs to
#            its entry points.
# Happens:   entry_points(group=...) raises TypeError, so that nobody gets any, of whatever group.
# Ours:      andes_client/cli.py reads the distributions one by one when that happens.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

for name in good bad; do
  mkdir "$place/$name-1.0.dist-info"
  printf 'Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n' "$name" >"$place/$name-1.0.dist-info/METADATA"
done
printf '[group.of.good]\nhello = hello\n' >"$place/good-1.0.dist-info/entry_points.txt"
printf '[group.of.bad]\nno equals sign\n' >"$place/bad-1.0.dist-info/entry_points.txt"

PYTHONPATH="$place" "${PYTHON:-python3}" - <<'PROGRAM'
import sys
from importlib.metadata import entry_points

try:
    found = [point.name for point in entry_points(group="group.of.good")]
except TypeError as error:
    print(f"as described, on Python {sys.version.split()[0]}: {error}")
else:
    sys.exit(f"changed: entry_points() returns {found} beside a file that cannot be parsed")
PROGRAM
