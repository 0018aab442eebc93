"""What do readers lose if a request is sent to a replica? Closed forms over its figures.

A replica under our policy `qoe` gives its KV memory to those to whom a token of it is worth most.
What the last of them gives for it is the price of memory there. A request that is worth more comes
in at once, and the price for as much memory as it takes, for as long as it takes it, is what the
others lose. A request that is worth less waits, and its own reader loses.
"""

from dataclasses import dataclass
from typing import Final

from andes_backend.routing.figures import BANDS, ReplicaFigures, band_of

__all__ = ["Asked", "Load", "Score", "score"]

_ASSUMED_OUTPUT: Final = 300.0  # tokens, where a replica does not say
_OVERDUE_S: Final = 30.0  # who is not let in waits for about so long, and longer where many do


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
        figures: complete ones.
        heard_at: when they were made, seconds on the router's clock.
    """

    __slots__ = ("_demand", "_price", "_wanted", "figures", "heard_at", "prompt_tokens", "sent")

    def __init__(self, figures: ReplicaFigures, heard_at: float) -> None:
        self.figures = figures
        self.heard_at = heard_at
        self.sent = 0
        """Requests since then."""
        self.prompt_tokens = 0
        """Of these."""
        self._demand = list(figures.demand)
        self._wanted = sum(figures.demand)
        self._price: float | None = None

    @property
    def ongoing(self) -> int:
        """Requests there, as far as is known."""
        return self.figures.ongoing + self.sent

    @property
    def use(self) -> float:
        """Tokens that are wanted over those that there are; 1 and more: requests wait."""
        return self._wanted / self.figures.kv_tokens

    @property
    def price(self) -> float:
        """What a token of KV memory is worth to the last who gets one, QoE in `horizon_s`."""
        if self._price is None:
            self._price = self._find_price()
        return self._price

    def send(self, asked: Asked) -> None:
        """A request is sent there."""
        self.sent += 1
        self.prompt_tokens += asked.prompt_tokens
        if self._demand:
            tokens = held_tokens(self.figures, asked)
            self._demand[band_of(worth(self.figures, asked) / tokens)] += tokens
            self._wanted += tokens
            self._price = None

    def _find_price(self) -> float:
        room, above = float(self.figures.kv_tokens), 2 * BANDS[0]
        for low, tokens in zip(BANDS, self._demand, strict=True):
            if tokens >= room:  # between the ends of the band, as far as room goes
                return above * float((low / above) ** (room / tokens)) if tokens else low
            room -= tokens
            above = low
        # Nobody waits: the fuller, the sooner somebody will.
        return BANDS[-1] * self.use


def held_tokens(figures: ReplicaFigures, asked: Asked) -> float:
    """KV memory that a request holds on average until its response ends, tokens."""
    return asked.prompt_tokens + output_of(figures, asked) / 2


def output_of(figures: ReplicaFigures, asked: Asked) -> float:
    """Expected length of its response, tokens."""
    known = asked.output_tokens
    return max(2.0, known if known is not None else figures.output_tokens or _ASSUMED_OUTPUT)


def worth(figures: ReplicaFigures, asked: Asked) -> float:
    """QoE that its reader loses if it is served `horizon_s` later than at once."""
    return 1.0 - late_qoe(figures, asked, figures.horizon_s - asked.ttft)


def late_qoe(figures: ReplicaFigures, asked: Asked, late_s: float) -> float:
    """QoE of the response if all of it is late by so much, docs/qoe.md."""
    half = (output_of(figures, asked) - 1) / (2 * asked.tds)
    return half / (half + max(0.0, late_s))


def score(load: Load, asked: Asked, found_tokens: int = 0) -> Score:
    """What comes of sending a request to a replica.

    Args:
        load: of the replica; its figures are complete.
        asked: the request.
        found_tokens: of its prompt, those that the replica finds in its prefix cache.
    """
    figures, price = load.figures, load.price
    output, tokens = output_of(figures, asked), held_tokens(figures, asked)
    to_compute = max(1, asked.prompt_tokens - found_tokens)
    computing_s = figures.prompt_token_s * to_compute
    prompts_s = figures.prompt_token_s * (figures.prompt_tokens_due + load.prompt_tokens)
    # Its tokens come with the steps; a reader who is faster than these falls behind.
    behind_s = max(0.0, figures.step_s - 1 / asked.tds) * output / 2
    at_once = late_qoe(figures, asked, prompts_s + computing_s - asked.ttft + behind_s)
    taken = tokens * output * figures.step_s + figures.kv_tokens * computing_s  # token-seconds
    others = price * taken / figures.horizon_s
    wait_s = max(_OVERDUE_S, figures.expected_wait_s or 0.0)
    in_time = late_qoe(figures, asked, wait_s - asked.ttft)
    served, waits = 1.0 - at_once + others, 1.0 - in_time
    if served <= waits:
        return Score(at_once, served)
    return Score(in_time, waits + 1e-3 * others)
