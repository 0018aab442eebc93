#!/usr/bin/env bash
# ray 2.60.0.
#
# Expected:  with the node's address and Serve's both 127.0.0.1, all of Ray listens on loopback only.
# Happens:   each replica of Ray Serve listens on all interfaces, with gRPC, for calls to its methods.
# Ours:      examples/ray/run starts Ray in a network namespace that has nothing but loopback, as this
#            script does. It needs root, or user namespaces that anybody may make.
set -euo pipefail
place="$(mktemp -d /tmp/ray-XXXXXX)" # short: the paths of Ray's sockets are limited
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check 'ray[serve]==2.60.0'

cat >"$place/program.py" <<'PROGRAM'
import sys

import ray
from ray import serve


@serve.deployment
class Replica:
    pass


ray.init(
    num_cpus=2,
    object_store_memory=100_000_000,
    include_dashboard=False,
    log_to_driver=False,
    _node_ip_address="127.0.0.1",
    _temp_dir=sys.argv[1],
)
serve.start(http_options={"host": "127.0.0.1"})
serve.run(Replica.bind())
PROGRAM

cat >"$place/inside" <<'PROGRAM'
ip link set lo up
export RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 RAY_raylet_start_wait_time_s=240
# The local address is the fourth column; an IPv4 one may be written as an IPv6 one.
"$1/venv/bin/python" - "$1" <<'LOOK'
import runpy
import subprocess
import sys

place = sys.argv[1]
sys.argv = ["program.py", place + "/ray"]
runpy.run_path(place + "/program.py")
listening = subprocess.run(
    ["ss", "--no-header", "--listening", "--tcp", "--numeric"],
    check=True, capture_output=True, text=True,
).stdout
loopback = ("127.", "[::1]", "[::ffff:127.")
addresses = [line.split()[3] for line in listening.splitlines()]
with open(place + "/everywhere", "w") as file:
    file.writelines(one + "\n" for one in addresses if not one.startswith(loopback))
LOOK
PROGRAM

user=()
[ "$(id -u)" = 0 ] || user=(--map-root-user)
unshare "${user[@]}" --net --pid --mount --fork --kill-child --mount-proc \
  bash "$place/inside" "$place" >"$place/log" 2>&1 || { cat "$place/log"; exit 2; }

if [ -s "$place/everywhere" ]; then
  echo "as described: Ray listens at $(paste --serial --delimiters ' ' "$place/everywhere")"
else
  echo "CHANGED: Ray listens on loopback only"
  exit 1
fi
