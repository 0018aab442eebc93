"""What a comparison leaves in its directory, so that it can be continued."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.bench.measure import SessionError
from andes_backend.lab.campaign.files import now
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.read import read_json
from andes_backend.lab.report.run import Run, versions
from andes_backend.lab.workload import Workload

__all__ = ["kept_run", "read_options", "write_options"]

_ABOUT: Final = "comparison.json"
_ROUNDED_S: Final = 1e-5  # of an arrival, in the file


def write_options(directory: Path, words: Sequence[str]) -> None:
    """Write down the command's options.

    Raises:
        OSError: the file cannot be written.
    """
    value = {"options": list(words), "date": now(), "versions": versions()}
    (directory / _ABOUT).write_text(json.dumps(value, indent=2) + "\n")


def read_options(directory: Path) -> list[str]:
    """The command's options, as they were written down.

    Raises:
        SessionError: there is none, or nothing that could be one.
    """
    path = directory / _ABOUT
    try:
        words = json.loads(path.read_text())["options"]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise TypeError("its options are not a list of texts")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SessionError(
            f"{path} does not describe a comparison ({type(error).__name__}: {error}): name a "
            "directory that `andes bench compare` has made"
        ) from None
    return words


def kept_run(path: Path, workload: Workload, console: Console) -> Run | None:
    """A run that was made earlier; None if there is none, or if it was interrupted.

    Says so on the console if it was made with other versions.

    Raises:
        OSError: the file is there and cannot be read.
        SessionError: it is of another workload, or no run at all.
    """
    if not path.exists():
        return None
    try:
        record = read_json(path)
    except ValueError as error:
        raise SessionError(f"{error}: delete it to measure again") from None
    if record.run.interrupted:
        return None
    _check(path, record.run, workload)
    for name, version in versions().items():
        if (before := record.versions.get(name)) != version:
            console.print(f"{path}: measured with {name} {before}, but this is {version}")
    return record.run


def _check(path: Path, run: Run, workload: Workload) -> None:
    made = sorted(run.outcomes, key=lambda outcome: outcome.index)
    if [outcome.index for outcome in made] != list(range(len(workload.requests))):
        raise SessionError(
            f"{path} does not have each of the workload's {len(workload.requests)} requests once: "
            "the options have changed since; start a new comparison"
        )
    for outcome in made:
        if not _is_of(outcome, workload):
            raise SessionError(
                f"{path}: request {outcome.index} differs from the workload's: the files or "
                "options have changed since; start a new comparison"
            )


def _is_of(outcome: Outcome, workload: Workload) -> bool:
    made, wanted = outcome.request, workload.requests[outcome.index]
    return (
        abs(made.arrival_s - wanted.arrival_s) < _ROUNDED_S
        and (made.prompt_tokens, made.output_tokens) == (wanted.prompt_tokens, wanted.output_tokens)
        and (made.expectation, made.hint) == (wanted.expectation, wanted.hint)
    )
