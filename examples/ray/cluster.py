"""A Ray cluster of one machine, for as long as a `with` block lasts, and what Ray says of it.

Replicas of Ray Serve listen on all interfaces: use it in a network namespace of its own, see `run`.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import ray
from prometheus_client.parser import text_string_to_metric_families
from ray import serve

__all__ = ["URL", "cluster", "kill", "metrics", "replica_names"]

URL = "http://127.0.0.1:8000"
"""Where Ray Serve answers."""

_TRIES = 3  # on a busy machine Ray's own processes may come too late for each other


@contextlib.contextmanager
def cluster(work: Path) -> Iterator[None]:
    """Start Ray and Serve; end both.

    Args:
        work: a directory with a short path, for Ray's logs and sockets.

    Raises:
        Exception: Ray's own, after three tries.
    """
    for left in reversed(range(_TRIES)):
        try:
            _start(work)
            break
        except Exception as error:
            ray.shutdown()
            if not left:
                raise
            print(f"Ray did not start ({type(error).__name__}); once more", flush=True)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": 8000})
        yield
    finally:
        serve.shutdown()
        ray.shutdown()


def _start(work: Path) -> None:
    ray.init(
        num_cpus=8,  # names of places, not cores
        object_store_memory=100 * 1024 * 1024,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(work),
    )


def metrics() -> list[tuple[str, dict[str, str], float]]:
    """What Ray shows to Prometheus: name, labels and value of each sample."""
    port = ray.nodes()[0]["MetricsExportPort"]
    answer = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status()
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    ]


def replica_names() -> dict[str, str]:
    """The replicas of the model: the last part of each name -> the name of its actor."""
    actors = ray.util.list_named_actors(all_namespaces=True)
    names = [actor["name"] for actor in actors if "AndesServer:" in actor["name"]]
    return {name.rpartition("#")[2]: name for name in names}


def kill(actor: str) -> float:
    """End a replica's process at once, without a word to anybody; when that was."""
    ray.kill(ray.get_actor(actor, namespace="serve"))
    return time.monotonic()
