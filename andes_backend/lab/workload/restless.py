"""Populations of readers who do not just read on: shares that pause, skim, reveal or leave."""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from andes_backend.lab.workload.behaviour import Behaviour
from andes_backend.lab.workload.requests import Request, Workload
from andes_backend.lab.workload.specs import Spec, parse

__all__ = ["Restless", "behaving", "behaviour_of"]

_BEHAVIOUR: Final = 95  # apart from the workload's own random streams
_SHARES: Final = ("pausing", "skimming", "revealing", "leaving", "proxied")


@dataclass(frozen=True)
class Restless(Spec):
    """Readers of whom shares pause, skim, reveal or leave, each by a lot of its own.

    Programs do nothing of that, and neither does who has one token to read.

    Raises:
        WorkloadError: a parameter is out of range.
    """

    pausing: float = 0.0
    """Share of readers who pause once, after a part of the text that is drawn uniformly."""
    pause_from: float = 10.0
    """The pauses last from so many seconds..."""
    pause_to: float = 60.0
    """...to so many, drawn uniformly."""
    skimming: float = 0.0
    """Share of readers who skim, from the first token on."""
    factor: float = 2.0
    """How many times as fast as they have said those read who skim or have revealed all."""
    revealing: float = 0.0
    """Share of readers who have all shown at once, after a part drawn uniformly."""
    leaving: float = 0.0
    """Share of readers who leave, after a part drawn uniformly."""
    proxied: float = 0.5
    """Share of those whose connection stays open nevertheless."""
    spec_name: ClassVar[str] = "restless"

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                self.refuse(name, "a share, 0 to 1")
        if not 0 <= self.pause_from <= 86_400:
            self.refuse("pause_from", "0 s to a day")
        if not self.pause_from <= self.pause_to <= 86_400:
            self.refuse("pause_to", "no less than pause_from, and a day at most")
        if not 1e-3 <= self.factor <= 1e3:
            self.refuse("factor", "0.001 to 1000 times")

    def draw(self, rng: Generator, tokens: list[int]) -> list[Behaviour]:
        """What each reader does; a longer draw begins with the shorter one.

        Every kind of behaviour has a stream of its own, so populations with the same seed differ no
        more than they must.

        Args:
            rng: a stream of its own.
            tokens: of each response, 1 or more.
        """
        # Of each reader and kind: whether, where, and how. shape (4, n, 3)
        lots = np.stack([one.random((len(tokens), 3)) for one in rng.spawn(4)])
        return [self._one(lots[:, index], count) for index, count in enumerate(tokens)]

    def _one(self, lots: NDArray[np.float64], tokens: int) -> Behaviour:
        pause, skim, reveal, leave = lots.tolist()
        # Anywhere in the text, but before its last token.
        within = [int(where * (tokens - 1)) for _, where, _ in (pause, reveal, leave)]
        pause_at, reveal_at, leave_at = (1 + place if tokens > 1 else None for place in within)
        leaves = leave[0] < self.leaving and leave_at is not None
        return Behaviour(
            speed=self.factor if skim[0] < self.skimming else 1.0,
            pause_at=pause_at if pause[0] < self.pausing else None,
            pause_s=self.pause_from + pause[2] * (self.pause_to - self.pause_from),
            reveal_at=reveal_at if reveal[0] < self.revealing else None,
            revealed_speed=self.factor,
            leave_at=leave_at if leaves else None,
            proxied=leaves and leave[2] < self.proxied,
        )


def behaviour_of(text: str) -> Restless:
    """The population of a text such as `restless:pausing=0.2,leaving=0.25`.

    Raises:
        WorkloadError: it names none, or a parameter is wrong; the message says which.
    """
    return parse(text, "behaviour", (Restless,))


def behaving(workload: Workload, readers: Restless) -> Workload:
    """The same requests, read by such readers."""
    rng = Generator(PCG64(SeedSequence(workload.seed, spawn_key=(_BEHAVIOUR,))))
    drawn = readers.draw(rng, [request.output_tokens for request in workload.requests])
    return replace(workload, requests=tuple(map(_read_by, workload.requests, drawn)))


def _read_by(request: Request, behaviour: Behaviour) -> Request:
    is_program = request.expectation.tds == float("inf")
    return request if is_program else replace(request, behaviour=behaviour)
