"""A vLLM plug-in for the servers of tests: what it changes spares the cores that tests share.

The processes of a server sleep while they wait for each other. For a second after each message the
processes of an engine look for the next one without a pause, and only let others go first (vLLM
0.32). With a core for each that saves some microseconds a step. Here three lanes of tests share two
cores, and each server would take one of them to wait.
"""

import functools
import time

__all__ = ["register"]


def register() -> None:
    """The entry point in the group `vllm.general_plugins`."""
    from vllm.distributed.device_communicators import shm_broadcast

    shm_broadcast.sched_yield = functools.partial(time.sleep, 0.0002)  # type: ignore[attr-defined]
