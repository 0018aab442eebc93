"""Whose file is it? By what is in it, not by its name."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from andes_backend.lab.others.aiperf import is_aiperf_record, read_aiperf_records
from andes_backend.lab.others.found import Found, UnreadableError
from andes_backend.lab.others.vllm_bench import is_vllm_result, read_vllm_result
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.read import read_json
from andes_backend.lab.report.run import Run
from andes_client.expectation import Expectation, reading

__all__ = ["read_runs"]

_EXPECTED: Final = (
    "The files that can be read are what `vllm bench serve --save-result --save-detailed` writes, "
    "AIPerf's profile_export_raw.jsonl (--export-level raw), and what `andes bench` writes"
)


def _is_ours(value: Mapping[str, Any]) -> bool:
    return {"label", "settings", "summary", "requests"} <= value.keys()


# Files that people will try, and that do not have the times of tokens.
_WITHOUT_TIMES: Final[tuple[tuple[Callable[[Mapping[str, Any]], bool], str], ...]] = (
    (
        lambda value: {"metadata", "metrics"} <= value.keys(),
        "this is AIPerf's export of records, which has no times of tokens. Run AIPerf with "
        "--export-level raw, and give profile_export_raw.jsonl",
    ),
    (
        lambda value: "input_config" in value or "aiperf_version" in value,
        "this is AIPerf's summary, which has no single requests. Run AIPerf with "
        "--export-level raw, and give profile_export_raw.jsonl",
    ),
    (
        lambda value: isinstance(value.get("benchmarks"), list),
        "this is GuideLLM's report, which has only the first and the last time of each answer: no "
        "QoE can be computed from it",
    ),
)


def read_runs(path: Path, expectation: Expectation | None = None) -> list[Found]:
    """Read the runs in a file.

    Args:
        path: the file. `vllm bench serve --append-result` puts several runs into one.
        expectation: of all readers; None: what the file says of them, if it is ours, and else
            `reading()`.

    Raises:
        OSError: it cannot be read.
        UnreadableError: it has no run from which QoE can be computed; names the file.
    """
    try:
        return _runs(path, expectation)
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: it is not a text file. {_EXPECTED}") from None


def _runs(path: Path, expectation: Expectation | None) -> list[Found]:
    objects = _objects(path)
    first = next(objects, None)
    if first is None:
        raise UnreadableError(f"it is empty. {_EXPECTED}")
    _, value = first
    if _is_ours(value):
        return [_ours(path, expectation)]
    theirs = expectation or reading()
    if is_aiperf_record(value):
        return [read_aiperf_records(chain([first], objects), path.stem, theirs)]
    if is_vllm_result(value):
        results = [first, *objects]
        many = len(results) > 1
        return [
            read_vllm_result(result, f"{path.stem}-{i}" if many else path.stem, theirs)
            for i, (_, result) in enumerate(results, 1)
        ]
    for fits, why in _WITHOUT_TIMES:
        if fits(value):
            raise UnreadableError(why)
    raise UnreadableError(f"it is of no kind that is known. {_EXPECTED}")


def _objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The JSON objects of a file with the line of each: one to a line, or one alone over many."""
    with path.open(encoding="utf-8") as file:
        # Not `for line in file`: the rest is read at once where one object fills the file.
        for number, line in enumerate(iter(file.readline, ""), 1):
            if not line.strip():
                continue
            value = _json(line)
            if value is None and number == 1:
                value = _json(line + file.read())
            if not isinstance(value, dict):
                raise UnreadableError(f"line {number} is not a JSON object. {_EXPECTED}")
            yield number, value


def _json(text: str) -> Any:
    """The value; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _ours(path: Path, expectation: Expectation | None) -> Found:
    try:
        run = read_json(path).run
    except ValueError as error:
        raise UnreadableError(str(error).removeprefix(f"{path} ")) from None
    if expectation is not None:
        run = replace(run, outcomes=[_expecting(one, expectation) for one in run.outcomes])
    return Found(Run(path.stem, run.settings, run.outcomes, run.planned, run.preemptions))


def _expecting(outcome: Outcome, expectation: Expectation) -> Outcome:
    return replace(outcome, request=replace(outcome.request, expectation=expectation, told=None))
