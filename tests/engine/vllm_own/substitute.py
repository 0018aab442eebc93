"""A pytest plug-in: puts our scheduler in the place of vLLM's own before its tests are read.

Loaded with `-p substitute`; the policy is named by ANDES_OWN_POLICY. Without it nothing is
put in place of anything: vLLM's tests run on vLLM's own classes, as a control.
"""

import os
from typing import Any

import pytest

__all__ = ["pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Substitute before the first of vLLM's test modules imports its scheduler."""
    del config
    policy = os.environ.get("ANDES_OWN_POLICY")
    if policy is not None:
        _substitute(policy)


def _substitute(policy: str) -> None:
    import vllm.v1.core.sched.async_scheduler as asynchronous
    import vllm.v1.core.sched.diffusion_scheduler  # noqa: F401 - derives from vLLM's own
    import vllm.v1.core.sched.scheduler as synchronous

    from andes_backend.engine.scheduler import AndesScheduler

    class Substitute(AndesScheduler):
        """The class that a server would load, with the settings that a server would give."""

        def __init__(self, vllm_config: Any, *args: Any, **kwargs: Any) -> None:
            vllm_config.additional_config = {"andes": {"policy": policy}}
            super().__init__(vllm_config, *args, **kwargs)
            self.runs_ahead = type(self).runs_ahead  # the test chooses by the class it takes

    class InStep(Substitute):
        """As a server with --no-async-scheduling has it."""

        runs_ahead = False

    synchronous.Scheduler = InStep  # type: ignore[misc]
    asynchronous.AsyncScheduler = Substitute  # type: ignore[misc]
