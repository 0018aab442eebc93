"""What a reader does while the text streams, beside reading on: pause, skim, reveal, leave.

`Behaviour` is what one reader does; `Attention` is that reader's own timeline, fed with the tokens
as they come. A pause is no delay there: what is expected of the server moves on with the reader.
"""

import math
from dataclasses import dataclass
from typing import Final

from andes_client.expectation import Expectation
from andes_client.qoe import Meter
from andes_client.wire import State

__all__ = ["STEADY", "Act", "Attention", "Behaviour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a reader does, and after how many tokens that they have begun to read.

    Raises:
        ValueError: a value is out of range.
    """

    speed: float = 1.0
    """How many times as fast as the request has said the reader reads, from the first token on."""
    pause_at: int | None = None
    """After so many tokens the reader pauses once; None: never."""
    pause_s: float = 0.0
    """For so long, seconds."""
    reveal_at: int | None = None
    """After so many tokens the reader has all text shown as it comes, and skims; None: never."""
    revealed_speed: float = 2.0
    """How many times as fast as the request has said the reader then skims."""
    leave_at: int | None = None
    """Having read so many tokens the reader leaves; None: reads all."""
    proxied: bool = False
    """Whether something between reader and server keeps the connection open then."""

    def __post_init__(self) -> None:
        for name in ("pause_at", "reveal_at", "leave_at"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"Behaviour.{name} must be 1 token or more, not {count!r}")
        for name in ("speed", "revealed_speed"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"Behaviour.{name} must be above 0, not {getattr(self, name)!r}")
        if not 0 <= self.pause_s < math.inf:
            raise ValueError(f"Behaviour.pause_s must be 0 s or more, not {self.pause_s!r}")


STEADY: Final = Behaviour()
"""Who reads on to the end, at the speed that the request has said."""


@dataclass(frozen=True, slots=True)
class Act:
    """The reader does something."""

    time_s: float
    """Seconds since submission."""
    state: State
    """What the reader does from then on."""


class Attention:
    """A reader's own timeline, one token after the other.

        attention = Attention(reading(), Behaviour(leave_at=40))
        acts = attention.add(0.8)       # a token arrived 0.8 s after submission
        attention.meter.qoe

    Its meter runs on the reader's own clock, which stands still in a pause.

    Args:
        expectation: the reader's, as the request has it.
        behaviour: what the reader does beside reading on.
    """

    def __init__(self, expectation: Expectation, behaviour: Behaviour = STEADY) -> None:
        self.behaviour = behaviour
        self.meter = Meter(expectation)
        """Of the tokens that the reader takes in."""
        self.left_at: float | None = None
        """When the reader leaves before the end, seconds since submission; None: not known yet."""
        self.beyond = 0
        """Tokens that have come and that the reader will not stay for."""
        self._tds = expectation.tds
        self._back_at = 0.0
        self._paused_s = 0.0
        if behaviour.speed != 1.0:
            self.meter.change_speed(self._tds * behaviour.speed)

    @property
    def free_at(self) -> float:
        """When the reader runs out of text, seconds since submission; 0 before the first token."""
        return self.meter.free_at + self._paused_s

    def waited(self, time: float) -> float:
        """How long the reader will have waited for a token that comes then, after the first one.

        Args:
            time: seconds since submission.

        Returns:
            Seconds; below 0 if there is text left.
        """
        return time - self._paused_s - self.meter.free_at

    def add(self, time: float) -> list[Act]:
        """Take in a token; one that the reader will not stay for counts as nothing.

        Args:
            time: when it arrives at the reader, seconds since submission; never earlier than the
                one before.

        Returns:
            What the reader does because of it, at its time or later, in order.
        """
        if self.left_at is not None:
            self.beyond += 1
            return []
        does, meter, acts = self.behaviour, self.meter, list[Act]()
        began = meter.add(max(time, self._back_at) - self._paused_s) + self._paused_s
        if meter.count == does.pause_at:
            self._back_at, self._paused_s = began + does.pause_s, does.pause_s
            revealed = does.reveal_at is not None and meter.count > does.reveal_at
            then: State = "revealed" if revealed else "reading"
            acts += [Act(began, "paused"), Act(self._back_at, then)]
        if meter.count == does.reveal_at:
            meter.change_speed(self._tds * does.revealed_speed)
            acts.append(Act(max(began, self._back_at), "revealed"))
        if meter.count == does.leave_at:
            self.left_at = self.free_at
            acts.append(Act(self.left_at, "gone"))
        return acts
