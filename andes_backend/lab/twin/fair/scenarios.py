"""Workloads of several users on one server, those of the VTC paper (OSDI 2024) and two more.

Rates are for a server with memory for 10,000 tokens, which completes about 180 requests a minute
(COMPLETES) of 256 prompt and 256 output tokens. All last ten minutes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from andes_backend.lab.workload import Fixed, Lengths, Workload, make_workload, together

__all__ = ["COMPLETES", "SCENARIOS", "Scenario"]

COMPLETES: Final = 180
"""Requests a minute that the server can complete."""

_MINUTES: Final = 10
_EVEN: Final = Fixed(256, 256)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Users and what they ask for."""

    about: str
    """What it shows, in one line."""
    make: Callable[[int], Workload]
    """The workload, from a seed."""


def _user(
    seed: int,
    number: int,
    a_minute: float,
    lengths: Lengths | None = _EVEN,
    minutes: float = _MINUTES,
) -> Workload:
    """Poisson arrivals at so many a minute, for so long; each number is another user."""
    count = round(a_minute * minutes * 1.5) + 20  # more than come in the time
    drawn = make_workload(count, rate=a_minute / 60, seed=1000 * seed + number, lengths=lengths)
    in_time = tuple(one for one in drawn.requests if one.arrival_s < 60 * minutes)
    return replace(drawn, requests=in_time)


def _moved(workload: Workload, when: Callable[[float], float]) -> Workload:
    """The same requests at other times."""
    requests = [replace(one, arrival_s=when(one.arrival_s)) for one in workload.requests]
    return replace(workload, requests=tuple(requests))


def _overload(seed: int) -> Workload:
    users = {"asks for 1.5 shares": _user(seed, 0, 135), "asks for 3 shares": _user(seed, 1, 270)}
    return together(users, name="overload")


def _on_off(seed: int) -> Workload:
    by_turns = _moved(_user(seed, 0, 60, minutes=_MINUTES / 2), lambda s: s // 60 * 120 + s % 60)
    return together({"on and off": by_turns, "steady": _user(seed, 1, 270)}, name="on-off")


def _short_long(seed: int) -> Workload:
    users = {
        "short": _user(seed, 0, 480, Fixed(64, 64)),
        "long": _user(seed, 1, 90, Fixed(512, 512)),
    }
    return together(users, name="short-long")


def _shift(seed: int) -> Workload:
    """Below the share, then all that there is, then both at once."""
    third = _MINUTES / 3

    def phases(number: int, rates: tuple[float, float, float]) -> Workload:
        parts = [
            _moved(
                _user(seed, 10 * number + i, rate, minutes=third),
                lambda s, start=60 * third * i: s + start,  # type: ignore[misc]
            )
            for i, rate in enumerate(rates)
        ]
        requests = tuple(one for part in parts for one in part.requests)
        return replace(parts[0], requests=tuple(sorted(requests, key=lambda one: one.arrival_s)))

    users = {"first little": phases(0, (45, 240, 180)), "first much": phases(1, (240, 45, 180))}
    return together(users, name="shift")


def _mixed(seed: int) -> Workload:
    """27 users, the busiest of whom asks for as much as the last 13 together; ShareGPT lengths."""
    weights = [1 / (rank + 1) for rank in range(27)]
    users = {
        f"user {rank + 1}": _user(seed, rank, 160 * weight / sum(weights), None)
        for rank, weight in enumerate(weights)
    }
    return together(users, name="mixed")


def _flood(seed: int) -> Workload:
    users = {f"reader {i + 1}": _user(seed, i, 8.5, None) for i in range(9)}
    return together({**users, "flood": _user(seed, 9, 85, None)}, name="flood")


def _balanced(seed: int) -> Workload:
    users = {f"reader {i + 1}": _user(seed, i, 16, None) for i in range(10)}
    return together(users, name="balanced")


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "overload": Scenario("two users ask for more than their shares", _overload),
    "on-off": Scenario("one asks for all, the other now and then for less than a share", _on_off),
    "short-long": Scenario("many short requests against few long ones", _short_long),
    "shift": Scenario("one user asks for much and one for little; then they change places", _shift),
    "mixed": Scenario("27 users, a few of whom send most requests", _mixed),
    "flood": Scenario("nine readers, and one who asks for ten times as much as each", _flood),
    "balanced": Scenario("ten readers who all ask for the same", _balanced),
}
"""By the name of `andes fair`'s argument."""
