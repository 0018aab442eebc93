"""What a server could never serve is said before anything runs; names are all where they say."""

import ast
import re
from pathlib import Path

import pytest

import andes_backend.lab.workload as package
from andes_backend.lab.workload import (
    Fixed,
    WorkloadError,
    check_fits,
    make_workload,
    trace_workload,
)


@pytest.mark.parametrize(("kv_tokens", "max_length"), [(1000, None), (5000, 1000), (1000, 5000)])
def test_what_just_fits_passes(kv_tokens: int, max_length: int | None) -> None:
    workload = make_workload(5, rate=1.0, seed=0, lengths=Fixed(600, 400))
    check_fits(workload, kv_tokens, max_length)
    longer = make_workload(5, rate=1.0, seed=0, lengths=Fixed(600, 401))
    with pytest.raises(WorkloadError, match="has 600 prompt and 401 output tokens"):
        check_fits(longer, kv_tokens, max_length)


@pytest.mark.parametrize(
    ("kv_tokens", "max_length", "holder"),
    [
        (999, None, "the KV cache holds 999"),
        (999, 4000, "the KV cache holds 999"),
        (4000, 999, "the server allows 999 tokens per request"),
    ],
)
def test_the_first_request_that_never_fits_is_named(
    kv_tokens: int, max_length: int | None, holder: str
) -> None:
    workload = make_workload(5, rate=1.0, seed=0, lengths=Fixed(600, 400))
    message = (
        f"request 0 has 600 prompt and 400 output tokens, but {holder}: it could never be "
        "served. Cut the requests to fit (--max-length 999), or give the server more room"
    )
    with pytest.raises(WorkloadError, match=re.escape(message)):
        check_fits(workload, kv_tokens, max_length)


def test_a_request_of_a_trace_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "burst.csv"
    path.write_text("Timestamp,Request tokens,Response tokens\n1,5,0\n2,5,5\n\n3,900,100\n")
    workload = trace_workload(path, seed=0)
    with pytest.raises(WorkloadError, match=r"^request 1 \(.*burst\.csv, line 5\) has 900 prompt"):
        check_fits(workload, 500)
    check_fits(trace_workload(path, seed=0, max_length=500), 500)


def test_every_name_of_the_package_is_there_and_at_home() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    homes = " ".join(package._HOMES.values()).split()
    assert sorted(homes) == package.__all__
    with pytest.raises(AttributeError, match="has no attribute 'make_wrokload'"):
        package.make_wrokload  # noqa: B018


def test_the_type_checker_is_told_the_same() -> None:
    tree = ast.parse(Path(package.__file__).read_text())
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package.__name__)
        for alias in node.names
    }
    assert told == {
        name: f"{package.__name__}.{module}"
        for module, names in package._HOMES.items()
        for name in names.split()
    }
