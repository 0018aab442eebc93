"""Runs vLLM's tests in this process, which imports vLLM once for all policies.

    python -P inside.py RESULTS POLICIES PYTEST-OPTION...

POLICIES has commas between the names; "stock" alone is the control: vLLM's own classes, nothing
put in their place. `suite.py` starts it with vLLM's package `tests` first on the path, so
nothing of ours under that name can be imported here.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

__all__ = ["STOCK", "main"]

STOCK = "stock"


class Recorder:
    """A pytest plug-in that keeps how each test ended."""

    def __init__(self) -> None:
        self.ends: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has three reports: set-up, call, tear-down. It passed if all three did."""
        if self.ends.get(report.nodeid, "passed") == "passed":
            self.ends[report.nodeid] = report.outcome


def main(results: Path, policies: list[str], options: list[str]) -> int:
    """Write {policy: {test: "passed", "failed" or "skipped"}} to `results`.

    Returns 0, or pytest's exit code if it could not run the tests.
    """
    choose = _keep_stock if policies == [STOCK] else _substitute()
    found = {}
    for policy in policies:
        choose(policy)
        recorder = Recorder()
        code = pytest.main(options, plugins=[recorder])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return int(code)
        found[policy] = recorder.ends
    results.write_text(json.dumps(found))
    return 0


def _keep_stock(_: str) -> None:
    pass


def _substitute() -> Callable[[str], None]:
    """Put our class where vLLM's tests import theirs from, before the first of them does.

    Returns what sets the policy of all schedulers made from then on.
    """
    import vllm.v1.core.sched.async_scheduler as asynchronous
    import vllm.v1.core.sched.diffusion_scheduler  # noqa: F401 - derives from vLLM's own
    import vllm.v1.core.sched.scheduler as synchronous

    from andes_backend.engine.scheduler import AndesScheduler

    class Substitute(AndesScheduler):
        """The class that a server would load, with the settings that a server would give."""

        andes_settings: ClassVar[dict[str, str]] = {}

        def __init__(self, vllm_config: Any, *args: Any, **kwargs: Any) -> None:
            vllm_config.additional_config = {"andes": self.andes_settings}
            super().__init__(vllm_config, *args, **kwargs)
            self.runs_ahead = type(self).runs_ahead  # the test chooses by the class it takes

    class InStep(Substitute):
        """As a server with --no-async-scheduling has it."""

        runs_ahead = False

    def choose(policy: str) -> None:
        Substitute.andes_settings = {"policy": policy}

    synchronous.Scheduler = InStep  # type: ignore[misc]
    asynchronous.AsyncScheduler = Substitute  # type: ignore[misc]
    return choose


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:]))
