"""docs/sdks.md has a row for each case, which says what its tests hold, and the pinned version."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.client.sdk.case import Case
from tests.client.sdk.cases import CASES

ROOT = Path(__file__).parents[3]


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sdks", ROOT / "benchmarks" / "sdks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_document_has_its_row(case: Case) -> None:
    assert benchmark().described(case) in (ROOT / "docs" / "sdks.md").read_text()


def test_the_document_has_no_other() -> None:
    document = (ROOT / "docs" / "sdks.md").read_text()
    head = benchmark().HEAD
    rows = document.partition(head)[2].partition("\n\n")[0].splitlines()
    assert len(list(filter(None, rows))) == len(CASES)
