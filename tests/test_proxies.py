"""docs/proxies.md says what passes through the proxies in front of vLLM; it is looked at again.

    ANDES_PROXIES=1 pytest tests/test_proxies.py

installs the proxies below .versions/ if they are not there.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # whole programs

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "proxies.py"
INSTALLED = os.environ.get("ANDES_PROXIES") == "1"
WHY = "LOUD: the proxies in front of vLLM: ANDES_PROXIES=1 installs and looks at them"


def documented() -> list[str]:
    """The first table of the page."""
    lines = (ROOT / "docs" / "proxies.md").read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
    return lines[first:last]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def drawn(*options: str) -> list[str]:
    command = [sys.executable, str(SCRIPT), "--markdown", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


def test_without_a_proxy_everything_passes_and_the_page_says_so() -> None:
    pytest.importorskip("uvicorn", reason="the scripted servers need uvicorn")
    page = {cells(line)[0]: cells(line)[1] for line in documented()}
    assert {cells(line)[0]: cells(line)[1] for line in drawn("--only=direct")} == page


def test_the_page_has_the_versions_that_are_looked_at() -> None:
    page = (ROOT / "docs" / "proxies.md").read_text()
    numbers = re.findall(r'^[A-Z_]+: Final = "([0-9.]+)"$', SCRIPT.read_text(), re.MULTILINE)
    assert len(numbers) == 2
    for number in numbers:
        assert number in page


@pytest.mark.skipif(not INSTALLED, reason=WHY)
def test_what_passes_is_what_the_page_says() -> None:
    assert drawn() == documented()
