"""What happens in an engine: for the log, and as news for the server's /metrics."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from andes_client.wire import Forecast

__all__ = ["FALLBACKS", "HINTS", "PREEMPTIONS", "READERS", "TIERS", "Counters", "News"]

FALLBACKS: Final = ("raised", "invalid", "slow")
"""Why a step kept vLLM's own order, or the last one: the policy raised, its decision was
invalid, or it took too long."""

HINTS: Final = ("reader", "program", "none", "bad", "one_token")
"""What requests said about who reads them; those for one token have nobody who reads along."""

PREEMPTIONS: Final = ("memory", "policy")
"""Why a request was preempted: vLLM ran out of KV memory, or the policy decided so."""

READERS: Final = ("person", "program")
"""Whose QoE it is; a program's is measured against the operator's `program_tds`."""

TIERS: Final = ("weighted", "named", "anonymous")
"""Whose request it is: a user's with a weight in the settings, another user's, or nobody's."""


@dataclass(slots=True)
class News:
    """What has happened since the last news. The engine core sends it to the front end."""

    qoe: dict[str, list[float]] = field(default_factory=dict)
    """QoE of the responses that have ended by themselves, in [0, 1], by one of READERS."""
    tier_qoe: dict[str, list[float]] = field(default_factory=dict)
    """The same, by one of TIERS."""
    service: dict[str, float] = field(default_factory=dict)
    """What the requests that have left were charged, in prompt tokens, by one of TIERS."""
    planning_s: list[float] = field(default_factory=list)
    """Length of each planning, seconds."""
    stalls: int = 0
    """Stalls that have ended."""
    stalled_s: float = 0.0
    """Their total length, seconds."""
    preemptions: dict[str, int] = field(default_factory=dict)
    """By one of PREEMPTIONS."""
    fallbacks: dict[str, int] = field(default_factory=dict)
    """By one of FALLBACKS."""
    hints: dict[str, int] = field(default_factory=dict)
    """Requests that came, by one of HINTS."""
    forecasts: int = 0
    """Waits that have ended and for which a forecast was made when they began."""
    forecasts_held: int = 0
    """Those of them that took no longer than its 90th percentile."""
    reports: int = 0
    """Reports that were news of a request here."""
    gone: int = 0
    """Requests that were aborted because their reader is gone."""
    overdue: int | None = None
    """Requests whose reader waits for text that is due; None: not counted in this step."""
    expected_wait_s: float | None = None
    """How long a request that arrives waits for its first text, in half of such cases, seconds;
    None: not looked at in this step, or not known."""
    room: float | None = None
    """How many more average requests could be held; None: not looked at in this step."""
    loss: float | None = None
    """QoE that readers lose by one more; None: not looked at, or not known."""
    longest_wait_s: float | None = None
    """The longest of these waits, seconds; None: not looked at in this step."""


class Counters:
    """What has happened since the server started, and what of it is news."""

    def __init__(self) -> None:
        self.steps = 0
        """Engine steps for which the policy was asked."""
        self.responses = 0
        """Responses that ended by themselves."""
        self.qoe_sum = 0.0
        """Sum of their QoE, as of the moments when tokens left the engine."""
        self.stalls = 0
        """Waits for text that was due, after the first token, that have ended."""
        self.stalled_s = 0.0
        """Their total length, seconds."""
        self.forecasts = 0
        """Waits that have ended and for which a forecast was made when they began."""
        self.forecasts_held = 0
        """Those of them that took no longer than its 90th percentile."""
        self.heard = 0
        """Reports that were news of a request here."""
        self.gone = 0
        """Requests that were aborted because their reader is gone."""
        self.preempted: Counter[str] = Counter()
        """Preemptions, by one of PREEMPTIONS."""
        self.fell_back: Counter[str] = Counter()
        """Fallbacks, by one of FALLBACKS."""
        self._news = News()

    @property
    def fallbacks(self) -> int:
        """Fallbacks for any reason."""
        return self.fell_back.total()

    @property
    def preemptions(self) -> int:
        """Requests that the policy itself preempted."""
        return self.preempted["policy"]

    def planned(self, seconds: float) -> None:
        """The policy made a plan in this time."""
        self.steps += 1
        self._news.planning_s.append(seconds)

    def fall_back(self, reason: str) -> bool:
        """Count a fallback for one of FALLBACKS; True if it is the first of its kind."""
        self.fell_back[reason] += 1
        _count(self._news.fallbacks, reason, 1)
        return self.fell_back[reason] == 1

    def preempt(self, reason: str, requests: int) -> None:
        """Count preempted requests, for one of PREEMPTIONS."""
        if requests > 0:
            self.preempted[reason] += requests
            _count(self._news.preemptions, reason, requests)

    def respond(self, qoe: float, program: bool = False, tier: str = "anonymous") -> None:
        """Count a response to one of TIERS that has ended by itself."""
        self.responses += 1
        self.qoe_sum += qoe
        self._news.qoe.setdefault("program" if program else "person", []).append(qoe)
        self._news.tier_qoe.setdefault(tier, []).append(qoe)

    def serve(self, tier: str, service: float) -> None:
        """Count what a request of one of TIERS was charged, in prompt tokens."""
        self._news.service[tier] = self._news.service.get(tier, 0.0) + service

    def stall(self, stalls: int, seconds: float) -> None:
        """Count stalls that have ended, and their total length."""
        self.stalls += stalls
        self.stalled_s += seconds
        self._news.stalls += stalls
        self._news.stalled_s += seconds

    def forecast(self, made: int, held: int) -> None:
        """Count waits that have ended: those with a forecast, and of them those that it held."""
        self.forecasts += made
        self.forecasts_held += held
        self._news.forecasts += made
        self._news.forecasts_held += held

    def hint(self, kind: str) -> None:
        """Count a request that has come, as one of HINTS."""
        _count(self._news.hints, kind, 1)

    def hear(self, reports: int, gone: int) -> None:
        """Count reports that were news, and readers who have left by one of them."""
        self.heard += reports
        self.gone += gone
        self._news.reports += reports
        self._news.gone += gone

    def waits(self, overdue: int, longest_s: float) -> None:
        """Note how many readers wait for text that is due now, and for how long at most."""
        self._news.overdue, self._news.longest_wait_s = overdue, longest_s

    def expect(self, arrival: Forecast | None) -> None:
        """Note when a request that arrives can expect text; None: it is not known."""
        self._news.expected_wait_s = None if arrival is None else arrival.median_s

    def next_request(self, room: float, loss: float | None) -> None:
        """Note what the next request can hope for, see `andes_backend.routing.Prospects`."""
        self._news.room, self._news.loss = room, loss

    def take_news(self) -> News:
        """What has happened since this was last asked."""
        news, self._news = self._news, News()
        return news


def _count(counts: dict[str, int], key: str, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
