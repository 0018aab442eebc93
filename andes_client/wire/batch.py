"""What a client and a server send each other while texts stream: reports, and what they get back.

The client posts what it has to say of several streams at once, as JSON, to `REPORTS_PATH` beside
the API's other paths, and the server answers with what it expects of those that it holds. A stream
that is not in the answer is over, or its request is still on its way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from andes_client.wire.checks import WireError, check_number, shown
from andes_client.wire.report import (
    REPORT_VERSION,
    Report,
    check_stream,
    decode_report,
    encode_report,
)

__all__ = [
    "MAX_REPORTS",
    "MAX_REPORTS_BYTES",
    "REPORTS_PATH",
    "Forecast",
    "decode_answer",
    "decode_reports",
    "encode_answer",
    "encode_reports",
]

REPORTS_PATH: Final = "andes/reports"
"""Below the API's base URL, which ends in /v1."""
MAX_REPORTS: Final = 256
"""Reports in a call."""
MAX_REPORTS_BYTES: Final = 64 * 1024
"""Bytes of a call's body."""

_MAX_WAIT_S: Final = 86_400.0
_FORECAST: Final = "forecast_s"


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a stream that waits can be expected to go on, in seconds from now, up to a day.

    Raises:
        WireError: a value is none, out of range, or the median is above the 90th percentile.
    """

    median_s: float
    """In half of such cases it goes on by then."""
    p90_s: float
    """In nine of ten."""

    def __post_init__(self) -> None:
        values = {"median": self.median_s, "90th percentile": self.p90_s}
        for key, value in values.items():
            check_number(key, value, 0, _MAX_WAIT_S, "seconds, 0 or more")
        if self.median_s > self.p90_s:
            raise WireError(
                f"median must not be above the 90th percentile, {shown(self.p90_s)}, "
                f"and is {shown(self.median_s)}"
            )


def encode_reports(reports: Iterable[Report]) -> dict[str, Any]:
    """The body of a call: at most `MAX_REPORTS_BYTES` bytes of compact JSON.

    Raises:
        WireError: there are more than `MAX_REPORTS`.
    """
    sent = [encode_report(report) for report in reports]
    _check_number(len(sent))
    return {"v": REPORT_VERSION, "reports": sent}


def decode_reports(values: object) -> list[Report]:
    """Read the body of a call: all reports or, if one cannot be understood, none.

    Args:
        values: what JSON was parsed to. Entries that this version does not know are left alone.

    Raises:
        WireError: it is none, of another version, has too many reports, or one of them cannot be
            understood; the message says which, counted from 0.
    """
    sent = _body(values, "reports", "a call").get("reports")
    if not isinstance(sent, list):
        raise WireError(f"reports must be a list, not {shown(sent)}")
    _check_number(len(sent))
    reports = []
    for place, one in enumerate(sent):
        try:
            reports.append(decode_report(one))
        except WireError as error:
            raise WireError(f"reports[{place}]: {error}") from None
    return reports


def encode_answer(streams: Mapping[str, Forecast | None]) -> dict[str, Any]:
    """The body of an answer; times are rounded to a hundredth of a second.

    Args:
        streams: of every stream in the call that the server held when the call came, when it goes
            on; None while it is served, where nothing is known, and where the reader is gone.

    Raises:
        WireError: nobody can report about such a stream.
    """
    return {
        "v": REPORT_VERSION,
        "streams": {check_stream(stream): _sent(forecast) for stream, forecast in streams.items()},
    }


def decode_answer(values: object) -> dict[str, Forecast | None]:
    """Read the body of an answer; entries that this version does not know are left alone.

    Args:
        values: what JSON was parsed to.

    Returns:
        Of the streams that the server held, when they go on; None while they are served.

    Raises:
        WireError: it is none, of another version, or something in it cannot be understood.
    """
    streams = _body(values, "streams", "an answer").get("streams")
    if not isinstance(streams, Mapping):
        raise WireError(f"streams must be an object, not {shown(streams)}")
    _check_number(len(streams))
    return {check_stream(stream): _forecast(said) for stream, said in streams.items()}


def _body(values: object, content: str, what: str) -> Mapping[Any, Any]:
    if not isinstance(values, Mapping):
        raise WireError(f"{what} must be an object with {content}, not {shown(values)}")
    version = values.get("v")
    if isinstance(version, bool) or version != REPORT_VERSION:
        raise WireError(f"v must be {REPORT_VERSION}, not {shown(version)}")
    return values


def _check_number(count: int) -> None:
    if count > MAX_REPORTS:
        raise WireError(f"there must be {MAX_REPORTS} streams at most, not {count}")


def _sent(forecast: Forecast | None) -> dict[str, list[float]]:
    if forecast is None:
        return {}
    return {_FORECAST: [round(forecast.median_s, 2), round(forecast.p90_s, 2)]}


def _forecast(said: object) -> Forecast | None:
    if not isinstance(said, Mapping):
        raise WireError(f"a stream's answer must be an object, not {shown(said)}")
    match said.get(_FORECAST):
        case None:
            return None
        case [median_s, p90_s]:
            return Forecast(median_s, p90_s)
        case other:
            raise WireError(f"{_FORECAST} must be two numbers, not {shown(other)}")
