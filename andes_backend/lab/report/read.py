"""Read back what `write_json` has written: a run that was measured earlier."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.workload import Behaviour, Request
from andes_client.expectation import Expectation

__all__ = ["Record", "read_json"]


@dataclass(frozen=True, slots=True)
class Record:
    """A run from a file, and what it depended on."""

    run: Run
    versions: Mapping[str, str]
    """Name -> version, of `andes_backend.lab.report.run.versions` at the time."""


def read_json(path: str | Path) -> Record:
    """Read a run.

    Token times are in the file to a tenth of a millisecond, so that figures made from them
    may differ from the first ones in the fourth digit.

    Args:
        path: a file of `write_json`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    try:
        value = json.loads(Path(path).read_text())
        outcomes = tuple(_outcome(record) for record in value["requests"])
        summary = value["summary"]
        run = Run(
            str(value["label"]),
            dict(value["settings"]),
            outcomes,
            int(summary["planned"]),
            summary["preemptions"],
        )
        return Record(run, dict(value["versions"]))
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} does not hold a run of `andes bench` ({what})") from None


def _outcome(record: Mapping[str, Any]) -> Outcome:
    expectation = Expectation(float(record["expected_ttft"]), float(record["expected_tds"]))
    told = _told(record, expectation)
    request = Request(
        float(record["arrival_s"]),
        int(record["prompt_tokens"]),
        int(record["output_tokens"]),
        expectation,
        record.get("user"),
        told=None if told == expectation else told,
        silent=told is None,
        behaviour=Behaviour(**record.get("behaviour", {})),
    )
    times = tuple(float(time) for time in record["token_times_s"])
    return Outcome(
        int(record["index"]), request, float(record["submitted_s"]), times, record["error"]
    )


def _told(record: Mapping[str, Any], truth: Expectation) -> Expectation | None:
    """What the server was told: the truth, where the file does not say otherwise."""
    if "told_ttft" not in record:
        return truth
    ttft, tds = record["told_ttft"], record["told_tds"]
    return None if ttft is None else Expectation(float(ttft), float(tds))
