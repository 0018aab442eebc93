"""Ray Serve LLM itself: replicas, our scheduler, our router, our ingress, our autoscaling policy.

It takes minutes, and an environment that `make ray` makes; without that it is skipped, loudly.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import skip_loudly

ROOT = Path(__file__).parents[2]
RUN = ROOT / "examples" / "ray" / "run"

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has Ray and vLLM."""
    python = Path(os.environ.get("ANDES_RAY_PYTHON", ROOT / ".venv-ray/bin/python"))
    if not python.exists():
        skip_loudly("Ray Serve LLM with two replicas", f"no {python}; `make ray` makes it")
    return python


def found(program: str, *options: str, python: Path, tmp_path: Path) -> list[dict[str, Any]]:
    """What a run of an example has found."""
    file = tmp_path / "found.json"
    before = set(Path("/tmp").glob("andes-ray-*"))
    ran = subprocess.run(
        [RUN, program, *options, "--json", file],
        env={**os.environ, "ANDES_RAY_PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set(Path("/tmp").glob("andes-ray-*")) <= before, "something was left behind"
    checks: list[dict[str, Any]] = json.loads(file.read_text())
    assert [check for check in checks if not check["holds"]] == []
    return checks


def test_two_replicas_do_all_that_is_promised(python: Path, tmp_path: Path) -> None:
    options = ("--requests", "24", "--rate", "2")
    assert len(found("two_replicas", *options, python=python, tmp_path=tmp_path)) == 12


def test_a_second_replica_comes_when_readers_need_it(python: Path, tmp_path: Path) -> None:
    assert len(found("autoscaling", python=python, tmp_path=tmp_path)) == 3


def test_a_program_that_is_not_there_is_refused() -> None:
    ran = subprocess.run([RUN, "autoscale"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "two_replicas or autoscaling" in ran.stderr


def test_who_has_no_ray_is_told_what_to_do(tmp_path: Path) -> None:
    nobody = tmp_path / "python"
    nobody.symlink_to(shutil.which("false") or "/bin/false")
    ran = subprocess.run(
        [RUN],
        env={**os.environ, "ANDES_RAY_PYTHON": str(nobody)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "make ray" in ran.stderr
