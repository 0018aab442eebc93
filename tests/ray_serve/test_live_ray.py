"""Ray Serve LLM itself: two replicas, our scheduler, our router, our ingress.

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


@pytest.fixture(scope="module")
def found(python: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a run of the example has found."""
    file = tmp_path_factory.mktemp("ray") / "found.json"
    before = set(Path("/tmp").glob("andes-ray-*"))
    command = [str(RUN), "--requests", "24", "--rate", "2", "--json", str(file)]
    ran = subprocess.run(
        command,
        env={**os.environ, "ANDES_RAY_PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set(Path("/tmp").glob("andes-ray-*")) <= before, "something was left behind"
    checks: list[dict[str, Any]] = json.loads(file.read_text())
    return checks


def test_all_that_is_promised_is_so(found: list[dict[str, Any]]) -> None:
    assert [check for check in found if not check["holds"]] == []
    assert len(found) == 12


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
