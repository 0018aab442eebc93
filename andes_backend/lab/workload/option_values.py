"""The types of the workload's options: from a text to a value, or argparse's own error.

Each raises argparse.ArgumentTypeError with what is wrong and what there is. Nothing heavy is
imported at the top, see `options`.
"""

import argparse
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from andes_backend.lab.workload.requests import WorkloadError

if TYPE_CHECKING:
    from andes_backend.lab.workload.arrivals import Arrivals
    from andes_backend.lab.workload.readers import Readers
    from andes_backend.lab.workload.restless import Restless

__all__ = [
    "arrivals_value",
    "behaviour_value",
    "count_value",
    "length_value",
    "lengths_value",
    "rate_value",
    "readers_value",
    "seed_value",
    "ttft_value",
    "users_value",
]

Made = TypeVar("Made")

_MOST_TTFT_S: Final = 86_400.0  # a day; on the wire more is refused as a mistake in units


def rate_value(text: str) -> float:
    """The type of --rate, requests/s: above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of requests/s above 0")
    return value


def count_value(text: str) -> int:
    """The type of --requests and of other counts: 1 or more."""
    return _whole(text, 1)


def seed_value(text: str) -> int:
    """The type of --seed: 0 or more."""
    return _whole(text, 0)


def length_value(text: str) -> int:
    """The type of --max-length: room for a prompt and an output, 2 tokens or more."""
    return _whole(text, 2)


def users_value(text: str) -> dict[str, float]:
    """The type of --users: the weight of each, `reader*9,flood:10` for nine and a tenth."""
    users: dict[str, float] = {}
    for part in text.split(","):
        named, _, weight = part.partition(":")
        name, _, count = named.partition("*")
        share = _number(weight) if weight else 1.0
        copies = _whole(count, 1) if count else 1
        if not name or not 0 < share < math.inf:
            raise argparse.ArgumentTypeError(
                f"{part!r} must be NAME, NAME:WEIGHT or NAME*COUNT, as in reader*9,flood:10"
            )
        for number in range(1, copies + 1):
            user = f"{name} {number}" if count else name
            if user in users:
                raise argparse.ArgumentTypeError(f"{text!r} names {user!r} twice")
            users[user] = share
    return users


def ttft_value(text: str) -> float:
    """The type of --ttft, seconds: 0 to a day."""
    value = _number(text)
    if not 0 <= value <= _MOST_TTFT_S:
        limit = f"0 to {_MOST_TTFT_S:g}"
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, {limit}")
    return value


def arrivals_value(text: str) -> "Arrivals":
    """The type of --arrivals, see `arrivals_of`."""
    from andes_backend.lab.workload.arrivals import arrivals_of

    return _told(arrivals_of, text)


def readers_value(text: str) -> "Readers":
    """The type of --readers, see `readers_of`."""
    from andes_backend.lab.workload.readers import readers_of

    return _told(readers_of, text)


def behaviour_value(text: str) -> "Restless":
    """The type of --behaviour, see `behaviour_of`."""
    from andes_backend.lab.workload.restless import behaviour_of

    return _told(behaviour_of, text)


def lengths_value(text: str) -> str:
    """The type of --lengths: the text itself, checked if it names built-in lengths.

    A file is opened by `workload_from` only; one that cannot be read is not a wrong option.
    """
    from andes_backend.lab.workload.lengths import lengths_of, names_file

    if not names_file(text):
        _told(lengths_of, text)
    return text


def _told(make: Callable[[str], Made], text: str) -> Made:
    """Make it; argparse shows the message of its own exception only."""
    try:
        return make(text)
    except WorkloadError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, {least} or more")
    return value
