"""Service that users have received, and how far they drift apart while both want more."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.report.outcome import Outcome
from andes_backend.policy.accounts import Prices

__all__ = ["Service", "service"]

_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Service:
    """What each user has received over a run."""

    users: tuple[str, ...]
    """Sorted."""
    times: NDArray[np.float64]
    """Seconds since the run began, shape (t,)."""
    received: NDArray[np.float64]
    """By then, in prompt tokens, shape (u, t): each prompt with the first token of its response."""
    waits: NDArray[np.bool_]
    """Whether the user has a request that has no token yet, shape (u, t)."""

    def difference(self) -> NDArray[np.float64]:
        """At each time the largest |W_f - W_g| of any interval that ends then, shape (t,).

        Over all pairs of users who both had requests waiting throughout the interval: the
        measure that the VTC paper bounds.
        """
        if len(self.users) < 2:
            return np.zeros(len(self.times))
        f, g = np.array(list(combinations(range(len(self.users)), 2))).T
        low, high = np.full(len(f), np.inf), np.full(len(f), -np.inf)
        largest = np.zeros(len(self.times))
        for i in range(len(self.times)):
            both = self.waits[f, i] & self.waits[g, i]
            ahead = self.received[f, i] - self.received[g, i]
            low = np.where(both, np.minimum(low, ahead), np.inf)
            high = np.where(both, np.maximum(high, ahead), -np.inf)
            apart = np.maximum(high - ahead, ahead - low)[both]
            largest[i] = apart.max(initial=0.0)
        return largest


def service(
    outcomes: Sequence[Outcome], *, until_s: float, prices: Prices | None = None
) -> Service:
    """Count it.

    Args:
        outcomes: of one run.
        until_s: the last time to look at, seconds.
        prices: of prompt and output tokens; those of the paper if not given.
    """
    prices = Prices() if prices is None else prices
    names = tuple(sorted({_name(one) for one in outcomes}))
    number = {name: i for i, name in enumerate(names)}
    times = np.arange(0.0, until_s + _EVERY_S, _EVERY_S, dtype=np.float64)
    given = np.zeros((len(names), len(times) + 1))
    waiting = np.zeros((len(names), len(times) + 1))
    for one in outcomes:
        user, tokens = number[_name(one)], one.submitted_s + np.array(one.times)
        first = tokens[0] if len(tokens) else np.inf
        np.add.at(given[user], np.searchsorted(times, tokens), prices.output)
        given[user, np.searchsorted(times, first)] += prices.prompt * one.request.prompt_tokens
        waiting[user, np.searchsorted(times, one.submitted_s)] += 1
        waiting[user, np.searchsorted(times, first)] -= 1
    return Service(
        users=names,
        times=times,
        received=np.cumsum(given, axis=1)[:, :-1],
        waits=np.cumsum(waiting, axis=1)[:, :-1] > 0,
    )


def _name(outcome: Outcome) -> str:
    return outcome.request.user or f"request {outcome.index}"
