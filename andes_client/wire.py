"""The names and checks that client and server agree on; nothing else spells them.

A request carries the user's expectation in vLLM's own extension field, which any other
OpenAI-compatible server ignores:

    "vllm_xargs": {"andes_ttft": 1.0, "andes_tds": 4.8,
                   "andes_stream": "<client-chosen id>", "andes_user": "<tenant>"}

`andes_tds: "inf"` marks a reader that is a program. vLLM limits the values to strings,
numbers and lists of those; a bool arrives as 1.

While the response streams, its reader reports under the same stream id (`Report`):

    {"v": 1, "stream": "<id>", "n": 3, "units": 41, "tokens": 57.5, "buffer_s": 2.5,
     "speed": 1.5, "state": "reading", "delay_s": 0.08}

Each report says all that is known, so one that is lost or comes twice does no harm, and of two
the one with the higher number holds.
"""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

__all__ = [
    "FIELD",
    "REPORT_VERSION",
    "STREAM",
    "TDS",
    "TTFT",
    "USER",
    "Hints",
    "Report",
    "State",
    "WireError",
    "decode",
    "decode_report",
    "encode",
    "encode_report",
    "new_stream_id",
    "shown",
]

FIELD: Final = "vllm_xargs"
TTFT: Final = "andes_ttft"
TDS: Final = "andes_tds"
STREAM: Final = "andes_stream"
USER: Final = "andes_user"

_MAX_NAME: Final = 256
# Beyond these a value is a mistake in units (milliseconds, tokens a minute), not a person.
_MAX_TTFT_S: Final = 86_400.0
_MIN_TDS, _MAX_TDS = 1e-3, 1e6

REPORT_VERSION: Final = 1
"""Of the reports; a server that knows another one refuses them and goes on as without any."""

State = Literal["reading", "paused", "hidden", "revealed", "gone"]
"""What a reader does: reads; has stopped, and will go on; looks at something else, and may come
back; has had everything shown at once, and skims; has left for good."""

_STATES: Final[tuple[str, ...]] = get_args(State)
_STREAM_ID: Final = re.compile(r"[!#-\[\]-~]{1,48}")  # what JSON writes as it is
_MAX_NUMBER: Final = 2**53  # from there on JavaScript's numbers are not exact
_COUNT: Final = "a whole number, 0 or more"
# What stands in a report under which name: the attribute, the limits, and what it is.
_NUMBERS: Final[Mapping[str, tuple[str, float, float, str]]] = {
    "n": ("number", 0, _MAX_NUMBER - 1, _COUNT),
    "units": ("units", 0, 1e7, _COUNT),
    "tokens": ("tokens", 0, 1e7, "tokens, 0 or more"),
    "buffer_s": ("buffer_s", 0, 86_400, "seconds, 0 or more"),
    "speed": ("speed", 1e-3, 1e3, "times the expected speed, above 0"),
    "delay_s": ("delay_s", 0, 3_600, "seconds, 0 or more"),
}


class WireError(ValueError):
    """A hint that cannot be understood; the message says which, and what it should be."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a request says about its reader. What it does not say is None."""

    ttft: float | None = None
    """Expected time to first token, seconds."""
    tds: float | None = None
    """Expected token delivery speed, tokens/s; infinite for a program."""
    stream: str | None = None
    """The client's own id for this response; feedback about it carries the same."""
    user: str | None = None
    """The tenant to whom the service is charged."""


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
        if not isinstance(self.stream, str) or not _STREAM_ID.fullmatch(self.stream):
            # Not the id itself: who reads it in a log could speak for the reader.
            raise WireError(
                "stream must be 1 to 48 printable ASCII characters without blanks, quotes and "
                "backslashes"
            )
        if self.state not in _STATES:
            raise WireError(f"state must be one of {', '.join(_STATES)}, not {shown(self.state)}")
        for key, (name, least, most, what) in _NUMBERS.items():
            value = getattr(self, name)
            _number({key: value}, key, least, most, what)
            if what == _COUNT and not isinstance(value, int):
                raise WireError(f"{key} must be a whole number, not {shown(value)}")

    def replaces(self, other: "Report | None") -> bool:
        """Whether this one holds: it is newer than the other, or there is no other."""
        return other is None or self.number > other.number


class _Expected(Protocol):
    """An `Expectation`, as far as it crosses the wire."""

    @property
    def ttft(self) -> float: ...

    @property
    def tds(self) -> float: ...


def encode(
    expectation: _Expected | None, *, stream: str | None = None, user: str | None = None
) -> dict[str, str | float]:
    """The extension field's value for a request: put it under `FIELD` in the JSON body.

    Args:
        expectation: the reader's; None says nothing, and the server goes by its default.
        stream: the client's own id for the response.
        user: the tenant to whom the service is charged.

    Raises:
        WireError: a name is empty or longer than 256 characters, or the expectation is
            beyond what a server accepts (a day of waiting, a million tokens/s).
    """
    values: dict[str, str | float] = {}
    if expectation is not None:
        values[TTFT] = expectation.ttft
        values[TDS] = "inf" if math.isinf(expectation.tds) else expectation.tds
    if stream is not None:
        values[STREAM] = stream
    if user is not None:
        values[USER] = user
    decode(values)  # what we send is what we would accept
    return values


def decode(values: Mapping[str, object] | None) -> Hints:
    """Read the hints out of a request's extension field; fields of others are left alone.

    Raises:
        WireError: a hint has the wrong type or is out of range.
    """
    if not values:
        return Hints()
    return Hints(
        ttft=_number(values, TTFT, 0.0, _MAX_TTFT_S, "seconds, 0 or more"),
        tds=_tds(values),
        stream=_name(values, STREAM),
        user=_name(values, USER),
    )


def new_stream_id() -> str:
    """An id for a stream, of 128 random bits: who is not told it cannot speak for its reader."""
    return secrets.token_urlsafe(16)


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


def _tds(values: Mapping[str, object]) -> float | None:
    if values.get(TDS) == "inf":
        return math.inf
    return _number(values, TDS, _MIN_TDS, _MAX_TDS, 'tokens/s above 0, or "inf" for a program')


def _number(
    values: Mapping[str, object], key: str, least: float, most: float, what: str
) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WireError(f"{key} must be a number ({what}), not {shown(value)}")
    if not least <= value <= most:
        raise WireError(f"{key} must be {what} ({least:g} to {most:g}), not {shown(value)}")
    return float(value)


def _name(values: Mapping[str, object], key: str) -> str | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise WireError(f"{key} must be 1 to {_MAX_NAME} characters, not {shown(value)}")
    if not 0 < len(value) <= _MAX_NAME:
        # Not the name itself: it may be anybody's, or made to do harm where it is shown.
        raise WireError(f"{key} must be 1 to {_MAX_NAME} characters, not {len(value)}")
    return value


def shown(value: object) -> str:
    """A value that somebody sent, for a message: short, and nothing that cannot be written.

    Python refuses to write integers of thousands of digits, as it would take for ever.
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value)
    except ValueError:
        return f"a {type(value).__name__} with such an integer in it"
    return text if len(text) <= 60 else text[:57] + "..."
