"""What a request says of its reader: the extension field of its JSON body."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from andes_client.wire.checks import WireError, number, shown

__all__ = [
    "FIELD",
    "STREAM",
    "TDS",
    "TTFT",
    "USER",
    "Hints",
    "decode",
    "encode",
    "new_stream_id",
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


class _Expected(Protocol):
    """An `Expectation`, as far as it crosses the wire."""

    @property
    def ttft(self) -> float: ...

    @property
    def told_tds(self) -> float | None: ...


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
        if (tds := expectation.told_tds) is not None:
            values[TDS] = "inf" if math.isinf(tds) else tds
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
        ttft=number(values, TTFT, 0.0, _MAX_TTFT_S, "seconds, 0 or more"),
        tds=_tds(values),
        stream=_name(values, STREAM),
        user=_name(values, USER),
    )


def new_stream_id() -> str:
    """An id for a stream, of 128 random bits: who is not told it cannot speak for its reader."""
    return secrets.token_urlsafe(16)


def _tds(values: Mapping[str, object]) -> float | None:
    if values.get(TDS) == "inf":
        return math.inf
    return number(values, TDS, _MIN_TDS, _MAX_TDS, 'tokens/s above 0, or "inf" for a program')


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
