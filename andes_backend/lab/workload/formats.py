"""The formats of public traces: Azure's, BurstGPT's, Mooncake's and ShareGPT's.

A format is one function here that turns an open file into rows, and one line in `FORMATS`.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TextIO

from andes_backend.lab.workload.requests import WorkloadError
from andes_backend.lab.workload.tables import MOST_TOKENS, rows, tokens

__all__ = ["FORMATS", "Format", "TraceRow", "recognise"]

_CHARACTERS_PER_TOKEN: Final = 4
_AZURE: Final = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_BURSTGPT: Final = ("Timestamp", "Request tokens", "Response tokens")
_AZURE_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_LATEST_MS: Final = 1e15  # 30,000 years: a mistake, and near where floats lose milliseconds
_SECONDS: Final = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)


class TraceRow(NamedTuple):
    """One row of a trace."""

    line: int
    """In the file, from 1; in ShareGPT's files the number of the conversation."""
    time_s: float
    """Seconds since some time or other; 0 in a format without times."""
    prompt_tokens: int
    output_tokens: int
    """0 for a request that got no answer."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of traces."""

    rows: Callable[[Path, TextIO], Iterator[TraceRow]]
    """Reads an open file; its path is for errors. Raises WorkloadError."""
    shape: str
    """What a file must look like, for people."""
    has_times: bool = True
    unit: str = "line"
    """What the rows are numbered by."""


def recognise(path: Path, start: str) -> str:
    """The name of a file's format.

    Args:
        path: what to call the file in errors.
        start: how it starts; its first line and more.

    Raises:
        WorkloadError: it starts like none.
    """
    first = start.lstrip().partition("\n")[0].strip()
    columns = {column.strip(' "') for column in first.split(",")}
    if first.startswith("["):
        return "sharegpt"
    if first.startswith("{"):
        return "mooncake"
    if columns & set(_AZURE):
        return "azure"
    if columns & set(_BURSTGPT):
        return "burstgpt"
    found = f"starts with {first[:60]!r}" if first else "is empty"
    shapes = "; ".join(f"{name}: {entry.shape}" for name, entry in FORMATS.items())
    raise WorkloadError(f"{path} {found}, which is not a trace of a known format ({shapes})")


def _azure(path: Path, file: TextIO) -> Iterator[TraceRow]:
    origin: datetime | None = None
    for line, row in rows(path, file, _AZURE):
        text = (row["TIMESTAMP"] or "").strip()
        time, fraction = _azure_time(f"{path}, line {line}", text)
        # Relative before it is a float: seconds since 1970 would lose the seventh digit.
        origin = origin or time
        since = (time - origin).total_seconds() + fraction
        prompt, output = (tokens(path, line, row, column) for column in _AZURE[1:])
        yield TraceRow(line, since, prompt, output)


def _azure_time(where: str, text: str) -> tuple[datetime, float]:
    """A time in UTC to the whole second, and the rest in seconds."""
    match = _AZURE_TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        whole, fraction, sign, hours, minutes = match.groups()
        time = datetime.fromisoformat(whole)
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            time -= offset if sign == "+" else -offset
    except (ValueError, OverflowError):
        raise WorkloadError(
            f"{where}: TIMESTAMP {_found(text)}; it must be a time such as "
            "2023-11-16 18:15:46.6805900"
        ) from None
    return time, float(fraction or 0)


def _burstgpt(path: Path, file: TextIO) -> Iterator[TraceRow]:
    for line, row in rows(path, file, _BURSTGPT):
        text = (row["Timestamp"] or "").strip()
        seconds = float(text) if _SECONDS.fullmatch(text) else math.inf
        if seconds == math.inf:
            raise WorkloadError(
                f"{path}, line {line}: Timestamp {_found(text)}; it must be a number of "
                "seconds, 0 or more"
            )
        # Failed requests have no response; some of them count no prompt either.
        output = tokens(path, line, row, "Response tokens", least=0)
        prompt = tokens(path, line, row, "Request tokens", least=min(output, 1))
        yield TraceRow(line, seconds, prompt, output)


def _mooncake(path: Path, file: TextIO) -> Iterator[TraceRow]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        where = f"{path}, line {line}"
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WorkloadError(
                f"{where}: not valid JSON ({error}); each line must be one object"
            ) from None
        if not isinstance(value, dict):
            raise WorkloadError(f"{where}: not a JSON object with {_MOONCAKE_KEYS}")
        milliseconds: Any = value.get("timestamp")
        number = isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool)
        if not number or not 0 <= milliseconds <= _LATEST_MS:
            _refuse(where, value, "timestamp", "a number of milliseconds, 0 or more")
        for key in ("input_length", "output_length"):
            length = value.get(key)
            if type(length) is not int or not 1 <= length <= MOST_TOKENS:  # a bool is an int
                _refuse(where, value, key, f"a whole number of tokens, 1 to {MOST_TOKENS}")
        yield TraceRow(line, milliseconds / 1e3, value["input_length"], value["output_length"])


_MOONCAKE_KEYS: Final = "timestamp (ms), input_length and output_length"


def _sharegpt(path: Path, file: TextIO, *, whole: bool = False) -> Iterator[TraceRow]:
    """The first round of each conversation; or, if `whole`, the last with all before it."""
    document = file.read()
    try:
        value = json.loads(document)
    except json.JSONDecodeError as error:
        raise WorkloadError(f"{path}, line {error.lineno}: not valid JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise WorkloadError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(value, list) or not value:
        raise WorkloadError(f"{path}: must be a list of one or more conversations")
    for number, conversation in enumerate(value, 1):
        turns = _turns(f"{path}, conversation {number}", conversation)
        rounds = [
            i for i, (who, text) in enumerate(turns)
            if who == "gpt" and text and i and turns[i - 1][0] == "human" and turns[i - 1][1]
        ]  # fmt: skip
        if not rounds:
            yield TraceRow(number, 0.0, 0, 0)
            continue
        answer = rounds[-1] if whole else rounds[0]
        asked = turns[:answer] if whole else turns[answer - 1 : answer]
        prompt = sum(len(text) for _, text in asked)
        yield TraceRow(number, 0.0, _estimate(prompt), _estimate(len(turns[answer][1])))


def _sharegpt_multiround(path: Path, file: TextIO) -> Iterator[TraceRow]:
    return _sharegpt(path, file, whole=True)


def _turns(where: str, conversation: Any) -> list[tuple[str, str]]:
    """Who said what."""
    turns = conversation.get("conversations") if isinstance(conversation, dict) else None
    if not isinstance(turns, list):
        raise WorkloadError(f'{where}: must be an object with a list of turns "conversations"')
    for i, turn in enumerate(turns, 1):
        parts = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else ()
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise WorkloadError(
                f'{where}, turn {i}: must be an object with the texts "from" and "value"'
            )
    return [(turn["from"], turn["value"]) for turn in turns]


def _estimate(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)


def _refuse(where: str, value: dict[str, Any], key: str, wanted: str) -> NoReturn:
    found = f"is {str(value[key])[:40]!r}" if key in value else "is missing"
    raise WorkloadError(f"{where}: {key} {found}; it must be {wanted}")


def _found(text: str) -> str:
    return f"is {text[:40]!r}" if text else "is missing"


FORMATS: Final = {
    "azure": Format(_azure, f"CSV with the columns {', '.join(_AZURE)}"),
    "burstgpt": Format(_burstgpt, f"CSV with the columns {', '.join(_BURSTGPT)}"),
    "mooncake": Format(_mooncake, f"JSON lines with {_MOONCAKE_KEYS}"),
    "sharegpt": Format(
        _sharegpt, "JSON list of conversations", has_times=False, unit="conversation"
    ),
    "sharegpt-multiround": Format(
        _sharegpt_multiround,
        "the same, of each conversation the last answer",
        has_times=False,
        unit="conversation",
    ),
}
"""What can be read, by name."""
