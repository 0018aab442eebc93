#!/usr/bin/env bash
# ray 2.60.0.
#
# Expected:  with the node's address 127.0.0.1, as `ray start --node-ip-address 127.0.0.1` has it, Ray's
#            processes listen on loopback only.
# Happens:   some of them listen on all interfaces.
# Ours:      examples/ray/run starts Ray in a network namespace that has nothing but loopback, as this
#            script does. It needs root, or user namespaces that anybody may make.
set -euo pipefail
place="$(mktemp -d /tmp/ray-XXXXXX)" # short: the paths of Ray's sockets are limited
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check 'ray[default]==2.60.0'

cat >"$place/inside" <<'PROGRAM'
ip link set lo up
export RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 RAY_raylet_start_wait_time_s=240
"$1/venv/bin/ray" start --head --node-ip-address 127.0.0.1 --include-dashboard=false \
  --num-cpus 1 --object-store-memory 100000000 --temp-dir "$1/ray" >"$1/log" 2>&1 ||
  { cat "$1/log"; exit 2; }
# The local address is the fourth column; an IPv4 one may be written as an IPv6 one.
ss --no-header --listening --tcp --numeric | awk '{ print $4 }' |
  grep --invert-match --extended-regexp '^(127\.|\[::1\]|\[::ffff:127\.)' >"$1/everywhere" || true
PROGRAM

user=()
[ "$(id -u)" = 0 ] || user=(--map-root-user)
unshare "${user[@]}" --net --pid --mount --fork --kill-child --mount-proc bash "$place/inside" "$place"

if [ -s "$place/everywhere" ]; then
  echo "as described: Ray listens at $(paste --serial --delimiters ' ' "$place/everywhere")"
else
  echo "CHANGED: Ray listens on loopback only"
  exit 1
fi
