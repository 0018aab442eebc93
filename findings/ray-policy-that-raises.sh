#!/usr/bin/env bash
# ray 2.60.0.
#
# Expected:  an autoscaling policy (a class) whose constructor raises fails its own application: a
#            deployment with a wrong `policy_kwargs` ends with an error that says so.
# Happens:   serve.status() raises an AttributeError for all applications, and no other application
#            is deployed any more. What the policy said stands in the controller's log alone.
# Ours:      build_app of andes_backend.ray_serve.ingress looks at the settings before Ray has them,
#            and the policy itself does not raise. Ray starts in a network namespace that has nothing
#            but loopback; it needs root, or user namespaces that anybody may make.
set -euo pipefail
place="$(mktemp -d /tmp/ray-XXXXXX)" # short: the paths of Ray's sockets are limited
trap 'rm -rf "$place"' EXIT

python="${RAY_PYTHON:-}" # one that has this Ray already
if [ -z "$python" ]; then
  "${PYTHON:-python3}" -m venv "$place/venv"
  "$place/venv/bin/pip" install --quiet --disable-pip-version-check 'ray[serve]==2.60.0'
  python="$place/venv/bin/python"
fi

cat >"$place/policies.py" <<'PROGRAM'
class Policy:
    def __init__(self, target=1.0):
        if target <= 0:
            raise ValueError("target must be above 0")

    def __call__(self, context):
        return 1, {}
PROGRAM

cat >"$place/program.py" <<'PROGRAM'
import sys
import time

import ray
from ray import serve

place = sys.argv[1]
WAIT_S = 60.0  # a good application takes seconds


class Replica:
    pass


def app(target):
    policy = {"policy_function": "policies.Policy", "policy_kwargs": {"target": target}}
    scaling = {"min_replicas": 1, "max_replicas": 2, "policy": policy}
    return serve.deployment(Replica, autoscaling_config=scaling).bind()


def status_of(name):
    try:
        application = serve.status().applications.get(name)
    except Exception as error:
        return type(error).__name__
    return "unknown" if application is None else application.status.value


def has_replica(name):
    actors = ray.util.list_named_actors(all_namespaces=True)
    return any(f"::{name}#" in actor["name"] for actor in actors)


def comes(true, seconds):
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.5)
    return true()


ray.init(
    num_cpus=4,
    object_store_memory=100_000_000,
    include_dashboard=False,
    log_to_driver=False,
    _node_ip_address="127.0.0.1",
    _temp_dir=place + "/ray",
)
serve.start(http_options={"host": "127.0.0.1"})


def deploy(name, target):
    target = serve.RunTarget(app(target), name=name, route_prefix="/" + name)
    serve.run_many(
        [target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False
    )


deploy("before", 1.0)
before = comes(lambda: status_of("before") == "RUNNING" and has_replica("before"), WAIT_S)
deploy("bad", -1.0)
asked = comes(lambda: status_of("before") == "RayTaskError(AttributeError)", 20.0)
deploy("after", 1.0)
after = comes(lambda: has_replica("after"), WAIT_S)
with open(place + "/found", "w") as file:
    print(before, asked, after, file=file)
PROGRAM

cat >"$place/inside" <<'PROGRAM'
ip link set lo up
export RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 RAY_raylet_start_wait_time_s=240
export RAY_agent_register_timeout_ms=240000 RAY_worker_register_timeout_seconds=240
PYTHONPATH="$2" exec "$1" "$2/program.py" "$2"
PROGRAM

user=()
[ "$(id -u)" = 0 ] || user=(--map-root-user)
unshare "${user[@]}" --net --pid --mount --fork --kill-child --mount-proc \
  bash "$place/inside" "$python" "$place" >"$place/log" 2>&1 || { cat "$place/log"; exit 2; }

found="$(cat "$place/found")"
if [ "$found" = "True True False" ]; then
  echo "as described: after a policy that raises no status is told, and no application deployed"
else
  echo "CHANGED: a good one runs, the status is an error, another good one runs: $found"
  exit 1
fi
