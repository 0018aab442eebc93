"""What do readers lose if a request is sent to a replica? Closed forms over its figures.

A replica under our policy `qoe` gives its KV memory to those to whom a token of it is worth most.
In that order, the most valuable first, as many have memory as fit; the others wait. A new request
takes its place in the order and pushes others beyond the edge, or is beyond it itself. What is
pushed out, or does not come in, is what readers lose by it. To this come what its own reader waits
for prompts, its own and those before it, and what all who want memory lose while its prompt is
computed. Of that, what is found in the prefix cache takes no time.
"""

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from andes_backend.routing.figures import BANDS, ReplicaFigures, band_of

__all__ = ["Asked", "Load", "Score", "expected_output", "held_tokens", "score"]

_ASSUMED_OUTPUT: Final = 300.0  # tokens, where a replica does not say
_OVERDUE_S: Final = 30.0  # who does not come in waits for about so long, and longer where many do
# QoE for each time over that the memory is wanted, or the engine taken for a horizon: where nobody
# would lose at once, the emptier of two is better, and the one that has less to compute.
_TIE: Final = 3e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is to be sent somewhere."""

    prompt_tokens: int
    """Length of its prompt; an estimate will do."""
    ttft: float = 1.0
    """When its reader expects the first token, seconds."""
    tds: float = 4.8
    """How fast its reader expects text, tokens/s; finite."""
    output_tokens: float | None = None
    """Length of its response where it is known beforehand; None: the mean of the replica."""
    blocks: tuple[Hashable, ...] = ()
    """Of its prompt the full blocks of BLOCK_TOKENS: a name for the prompt up to the end of each.
    Empty: they are not known."""


@dataclass(frozen=True, slots=True)
class Score:
    """What comes of sending a request to a replica."""

    qoe: float
    """That its own reader gets there, in [0, 1]."""
    lost: float
    """QoE that readers lose, this one and the others together; the least is the best."""


class Load:
    """A replica's figures, with what has been sent to it since.

    Args:
        figures: what it has published.
        heard_at: when they were made, seconds on the router's clock.
    """

    __slots__ = ("_demand", "_order", "figures", "heard_at", "prompt_tokens", "sent")

    def __init__(self, figures: ReplicaFigures, heard_at: float) -> None:
        self.figures = figures
        self.heard_at = heard_at
        self.sent = 0
        """Requests since then."""
        self.prompt_tokens = 0
        """Of these, without what they find in the prefix cache."""
        self._demand = list(figures.demand)
        self._order: _Order | None = None

    @property
    def ongoing(self) -> int:
        """Requests there, as far as is known."""
        return self.figures.ongoing + self.sent

    @property
    def demand(self) -> tuple[float, ...]:
        """Wanted tokens by what they are worth, as `ReplicaFigures.demand`, with what was sent."""
        return tuple(self._demand)

    @property
    def use(self) -> float:
        """Tokens that are wanted over those that there are; above 1 requests wait."""
        return sum(self._demand) / self.figures.kv_tokens

    @property
    def price(self) -> float:
        """What a token of KV memory is worth to the last who gets one; QoE in `horizon_s`."""
        return self._ranked.price

    def send(self, asked: Asked, found_tokens: int = 0) -> None:
        """A request is sent there, which finds so much of its prompt in the prefix cache."""
        self.sent += 1
        self.prompt_tokens += max(1, asked.prompt_tokens - found_tokens)
        if self._demand:
            tokens = held_tokens(self.figures, asked)
            self._demand[band_of(_worth(self.figures, asked) / tokens)] += tokens
            self._order = None

    def displaced(self, asked: Asked) -> tuple[float, float]:
        """What is pushed beyond the edge by a request.

        Returns:
            The QoE that is lost by it in `horizon_s`, its own and that of others; and the share
            of its own memory that it gets.
        """
        tokens = held_tokens(self.figures, asked)
        return self._ranked.displaced(tokens, band_of(_worth(self.figures, asked) / tokens))

    @property
    def _ranked(self) -> "_Order":
        if self._order is None:
            self._order = _Order(self._demand, float(self.figures.kv_tokens))
        return self._order


class _Order:
    """All wanted tokens, the most valuable first.

    Args:
        demand: tokens in each of BANDS.
        room: how many fit.
    """

    __slots__ = ("_ends", "_fit", "_room", "_values", "price")

    def __init__(self, demand: list[float], room: float) -> None:
        self._room = room
        self._ends = list(accumulate(demand))
        self._values = list(
            accumulate(low * tokens for low, tokens in zip(BANDS, demand, strict=True))
        )
        self._fit = self._value(room)
        self.price = self._price(demand)

    def displaced(self, tokens: float, band: int) -> tuple[float, float]:
        """See `Load.displaced`."""
        place = self._ends[band]  # behind those to whom a token is worth as much
        inside = min(tokens, max(0.0, self._room - place))
        others = self._value(max(place, self._room - tokens)) if inside else self._fit
        lost = self._fit - others + BANDS[band] * (tokens - inside)
        return max(0.0, lost), inside / tokens

    def _value(self, tokens: float) -> float:
        """What the first so many tokens are worth together."""
        band = bisect_left(self._ends, tokens)
        if band == len(BANDS):
            return self._values[-1]
        return self._values[band] - BANDS[band] * (self._ends[band] - tokens)

    def _price(self, demand: list[float]) -> float:
        band = bisect_left(self._ends, self._room)
        if band == len(BANDS):
            # Nobody waits: the fuller, the sooner somebody will.
            return BANDS[-1] * self._ends[-1] / self._room
        # Between the ends of the band, as far as the room goes.
        above = BANDS[band - 1] if band else 2 * BANDS[0]
        into = 1.0 - (self._ends[band] - self._room) / demand[band]
        return above * float((BANDS[band] / above) ** into)


def score(load: Load, asked: Asked, found_tokens: int = 0) -> Score:
    """What comes of sending a request to a replica.

    Args:
        load: of the replica; its figures are complete.
        asked: the request.
        found_tokens: of its prompt, those that the replica finds in its prefix cache.
    """
    figures = load.figures
    output = expected_output(figures, asked)
    computing_s = figures.prompt_token_s * max(1, asked.prompt_tokens - found_tokens)
    before_s = figures.prompt_token_s * (figures.prompt_tokens_due + load.prompt_tokens)
    # Its tokens come with the steps; a reader who is faster than these falls behind.
    behind_s = max(0.0, figures.step_s - 1 / asked.tds) * output / 2
    at_once = _late_qoe(figures, asked, before_s + computing_s + behind_s - asked.ttft)
    displaced, inside = load.displaced(asked)
    wait_s = max(_OVERDUE_S, figures.expected_wait_s or 0.0)
    in_time = min(at_once, _late_qoe(figures, asked, wait_s - asked.ttft))
    meanwhile = load.price * figures.kv_tokens * computing_s / figures.horizon_s
    return Score(
        qoe=inside * at_once + (1.0 - inside) * in_time,
        lost=displaced
        + (1.0 - at_once)
        + meanwhile
        + _TIE * (load.use + computing_s / figures.horizon_s),
    )


def expected_output(figures: ReplicaFigures, asked: Asked) -> float:
    """Expected length of its response."""
    known = asked.output_tokens
    return max(2.0, known if known is not None else figures.output_tokens or _ASSUMED_OUTPUT)


def held_tokens(figures: ReplicaFigures, asked: Asked) -> float:
    """KV memory that a request holds on average until its response ends, tokens."""
    return asked.prompt_tokens + expected_output(figures, asked) / 2


def _worth(figures: ReplicaFigures, asked: Asked) -> float:
    """QoE that its reader loses if it is served `horizon_s` later than at once."""
    return 1.0 - _late_qoe(figures, asked, figures.horizon_s - asked.ttft)


def _late_qoe(figures: ReplicaFigures, asked: Asked, late_s: float) -> float:
    """QoE of the response if all of it is late by so much, docs/qoe.md."""
    half = (expected_output(figures, asked) - 1) / (2 * asked.tds)
    return half / (half + max(0.0, late_s))
