"""The examples for web frameworks, in a real Chromium, in front of a model that notes who leaves.

They need Chromium, and an environment that `make screens` makes (FastAPI comes with vLLM, too);
without these they are skipped, loudly. What is seen is what benchmarks/screens.py sees; here the
silences are so long that a slow machine is no excuse.
"""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import skip_loudly
from tests.demos.web_browser import REQUIRED, missing

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "screens.py"
EXAMPLES = sorted((ROOT / "examples" / "screens").glob("*_app.py"))
SILENCE_S = 60.0

NAMES = (
    *("FastAPI", "Flask", "Django, ASGI", "Django, WSGI"),
    *("Streamlit", "Gradio", "NiceGUI", "Chainlit"),
)


def looked_at(name: str, file: Path, *options: str) -> dict[str, Any]:
    """What is seen of one app."""
    command = [sys.executable, str(SCRIPT), "--only", name, "--json", str(file), "--words", "8"]
    ran = subprocess.run(
        [*command, "--silence", str(SILENCE_S), *options],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if ran.returncode == 2 and not (missing() and os.environ.get(REQUIRED) == "1"):
        skip_loudly(
            "web frameworks in a browser", ran.stderr.splitlines()[-1].partition("error: ")[2]
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (row,) = json.loads(file.read_text())
    return dict(row)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_words_come_and_who_stops_or_leaves_in_a_silence_is_gone_for_the_model_too(
    name: str, tmp_path: Path
) -> None:
    row = looked_at(name, tmp_path / "row.json")
    assert row["whole"], "not all words, or not in their order"
    assert row["latency_s"] > 0
    for what in ("stop_s", "tab_s"):
        assert row[what] is not None, f"{what}: the model spoke to the end of its silence, and on"
        assert row[what] < SILENCE_S / 2
    assert "Traceback" not in row["log"], row["log"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nor_does_the_model_think_for_nobody(name: str, tmp_path: Path) -> None:
    """The longest silence of many models is that before the first word."""
    row = looked_at(name, tmp_path / "row.json", "--after", "0")
    assert row["stop_s"] is not None
    assert row["tab_s"] is not None
    assert "Traceback" not in row["log"], row["log"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_has_twenty_lines(example: Path) -> None:
    """Of code: without its docstring and blank lines."""
    source = example.read_text()
    docstring = ast.get_docstring(ast.parse(source), clean=False)
    assert docstring is not None
    lines = source.replace(f'"""{docstring}"""', "").splitlines()
    assert len([line for line in lines if line.strip()]) <= 20


class TestThePage:
    PAGE = ROOT / "docs" / "frameworks.md"

    def rows(self) -> list[list[str]]:
        """Of the first table."""
        lines = self.PAGE.read_text().splitlines()
        table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
        return [row for row in table if len(row) == 7]

    def test_it_has_a_row_for_each_framework_with_the_versions_that_are_pinned(self) -> None:
        rows = {row[0]: row for row in self.rows()}
        assert tuple(name for name in rows if name in NAMES) == NAMES
        pins = (ROOT / "requirements" / "screens.txt").read_text()
        for name in NAMES:
            for said in rows[name][1].split(", "):
                assert re.search(f"^{said.replace(' ', '==')}$", pins, re.MULTILINE), said

    def test_it_links_to_each_example(self) -> None:
        assert EXAMPLES
        for example in EXAMPLES:
            assert f"(../examples/screens/{example.name})" in self.PAGE.read_text()


def test_who_has_no_frameworks_is_told_what_to_do(tmp_path: Path) -> None:
    if missing():
        pytest.skip("without a browser it says that first")
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "--only", "Streamlit"],
        env={**os.environ, "ANDES_SCREENS_PYTHON": str(tmp_path / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "`make screens` makes it" in ran.stderr
