"""A vLLM plug-in for the servers of tests: what it changes spares the cores that tests share.

The processes of a server sleep while they wait for each other. For a second after each message the
processes of an engine look for the next one without a pause, and only let others go first (vLLM
0.32). With a core for each that saves some microseconds a step. Here three lanes of tests share two
cores, and each server would take one of them to wait.

And with ANDES_TEST_FORK=1 they are forked, which is vLLM's default on other platforms. On a CPU it
starts an interpreter for each, and each imports vLLM: two thirds of a server's start.
"""

import functools
import os
import time

__all__ = ["register"]


def register() -> None:
    """The entry point in the group `vllm.general_plugins`."""
    from vllm.distributed.device_communicators import shm_broadcast
    from vllm.utils import system_utils

    shm_broadcast.sched_yield = functools.partial(time.sleep, 0.0002)  # type: ignore[attr-defined]
    if os.environ.get("ANDES_TEST_FORK") == "1":
        system_utils._maybe_force_spawn = _fork


def _fork() -> None:
    """vLLM calls it before it reads how its processes are to start."""
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
