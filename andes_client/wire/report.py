"""What a reader reports while their text streams."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from andes_client.wire.checks import WireError, check_number, shown

__all__ = [
    "REPORT_VERSION",
    "Report",
    "State",
    "check_stream",
    "decode_report",
    "encode_report",
]

REPORT_VERSION: Final = 1
"""Of the reports; a server that knows another one refuses them and goes on as without any."""

State = Literal["reading", "paused", "hidden", "revealed", "gone"]
"""What a reader does: reads; has stopped, and will go on; looks at something else, and may come
back; has had everything shown at once, and skims; has left for good."""

_STATES: Final[tuple[str, ...]] = get_args(State)
_STREAM_ID: Final = re.compile(r"[!#-\[\]-~]{1,48}")  # what JSON writes as it is
_MAX_NUMBER: Final = 2**53  # from there on JavaScript's numbers are not exact
_COUNT: Final = "a whole number, 0 or more"
_WHOLE: Final[tuple[type, ...]] = (int,)
_REAL: Final[tuple[type, ...]] = (float, int)
# What stands in a report under which name: the attribute, its types, the limits, and what it is.
_NUMBERS: Final[Mapping[str, tuple[str, tuple[type, ...], float, float, str]]] = {
    "n": ("number", _WHOLE, 0, _MAX_NUMBER - 1, _COUNT),
    "units": ("units", _WHOLE, 0, 1e7, _COUNT),
    "tokens": ("tokens", _REAL, 0, 1e7, "tokens, 0 or more"),
    "buffer_s": ("buffer_s", _REAL, 0, 86_400, "seconds, 0 or more"),
    "speed": ("speed", _REAL, 1e-3, 1e3, "times the expected speed, above 0"),
    "delay_s": ("delay_s", _REAL, 0, 3_600, "seconds, 0 or more"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the client of a stream says of its reader, all of it each time.

    Raises:
        WireError: a value has the wrong type or is out of range.
    """

    stream: str
    """The id that the request had as `andes_stream`: 1 to 48 printable ASCII characters, without
    blanks, quotes and backslashes."""
    number: int
    """Counts the reports of this stream, from 0 to below 2^53; the highest holds."""
    units: int
    """What the reader has been shown so far, in the units in which it is shown (words, say)."""
    tokens: float
    """The same as the client counts or guesses it in tokens."""
    buffer_s: float
    """How long the reader has text at the present speed, of what has come and is not yet shown:
    seconds, up to a day."""
    speed: float = 1.0
    """How many times as fast as expected the reader reads, a thousandth to a thousand."""
    state: State = "reading"
    delay_s: float = 0.0
    """How long text takes from the server to the client, as far as it knows: seconds, up to an
    hour."""

    def __post_init__(self) -> None:
        check_stream(self.stream)
        if self.state not in _STATES:
            raise WireError(f"state must be one of {', '.join(_STATES)}, not {shown(self.state)}")
        for key, (name, types, least, most, what) in _NUMBERS.items():
            value = getattr(self, name)
            # Nearly all are right, and a front end checks hundreds a second: at a glance first.
            if type(value) in types and least <= value <= most:
                continue
            check_number(key, value, least, most, what)
            if types is _WHOLE and not isinstance(value, int):
                raise WireError(f"{key} must be a whole number, not {shown(value)}")

    def replaces(self, other: "Report | None") -> bool:
        """Whether this one holds: it is newer than the other, or there is no other."""
        return other is None or self.number > other.number


def check_stream(stream: object) -> str:
    """The id of a stream about which can be reported.

    Raises:
        WireError: it is not 1 to 48 printable ASCII characters without blanks, quotes and
            backslashes.
    """
    if not isinstance(stream, str) or not _STREAM_ID.fullmatch(stream):
        # Not the id itself: who reads it in a log could speak for the reader.
        raise WireError(
            "stream must be 1 to 48 printable ASCII characters without blanks, quotes and "
            "backslashes"
        )
    return stream


def encode_report(report: Report) -> dict[str, str | int | float]:
    """The report as it crosses the wire: at most 200 bytes of compact JSON.

    Times are rounded to a hundredth of a second, tokens to a tenth, the speed to 3 digits.
    """
    return {
        "v": REPORT_VERSION,
        "stream": report.stream,
        "n": report.number,
        "units": report.units,
        "tokens": round(report.tokens, 1),
        "buffer_s": round(report.buffer_s, 2),
        "speed": float(f"{report.speed:.3g}"),
        "state": report.state,
        "delay_s": round(report.delay_s, 2),
    }


def decode_report(values: object) -> Report:
    """Read a report; entries that this version does not know are left alone.

    Args:
        values: what JSON was parsed to.

    Raises:
        WireError: it is none, of another version, incomplete, or a value is out of range.
    """
    if not isinstance(values, Mapping):
        raise WireError(f"a report must be an object, not {shown(values)}")
    version = values.get("v")
    if isinstance(version, bool) or version != REPORT_VERSION:
        raise WireError(f"v must be {REPORT_VERSION}, not {shown(version)}")
    for key in ("stream", "state", *_NUMBERS):
        if values.get(key) is None:
            raise WireError(f"{key} is missing")
    numbers = {name: values[key] for key, (name, *_) in _NUMBERS.items()}
    return Report(stream=values["stream"], state=values["state"], **numbers)
