"""The service that each user has received: the Virtual Token Counters.

The accounts charge a user `prompt` for each token of a prompt at the request's first admission, but
for those that were found in the KV cache; and `output` for each token that leaves the engine; both
divided by the user's weight. The counter of a user
who comes back while others wait is lifted to the least counter among those (the counter lift), so
that users cannot save up service that they did not ask for.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FORECASTS", "Accounts", "Prices", "Users"]

Users = NDArray[np.intp]
"""User numbers, shape (n,): one each for as many requests."""

FORECASTS: Final = ("none", "average", "known")
"""How much of a response may be charged when it is admitted, see `Accounts`."""

_FORECAST_FROM: Final = 5  # finished responses of a user, as in the paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What service is worth. The unit is the price of a prompt token, 1 unless set otherwise."""

    prompt: float = 1.0
    """Of a token of a prompt (the paper's w_p)."""
    output: float = 2.0
    """Of a token of a response (the paper's w_q)."""
    weights: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """User name -> weight: weight 2 entitles to twice the service of weight 1. A user who is not
    named has 1."""


class Accounts:
    """A counter for each user who has requests here, or had some lately.

    Counters are doubles, exact to 9e15 tokens: at 100,000 tokens/s that lasts 2,800 years.
    The accounts forget an idle user at once if the counter is no higher than the least of those who
    wait, because the lift would restore it. They remember other idle users for `forget_after_s`, or
    until more than `most_idle` are idle; then they forget the oldest.

    Args:
        prices: of prompt and output tokens, and the users' weights.
        forecast: how much of a response to charge at admission: `none` of it; the `average` of
            the user's last five; or its true length, where that is `known` beforehand. Tokens
            that the model then does not generate are given back.
        lift: whether to lift a user who comes back; without it this is least-counter-first.
        forget_after_s: seconds.
        most_idle: how many users without a request to remember.
        assumed_output: tokens of a response, for a user who has no average yet.
    """

    def __init__(
        self,
        prices: Prices | None = None,
        *,
        forecast: str = "none",
        lift: bool = True,
        forget_after_s: float = 3600.0,
        most_idle: int = 10_000,
        assumed_output: float = 300.0,
    ) -> None:
        self.prices = Prices() if prices is None else prices
        self._forecast, self._assumed = forecast, assumed_output
        self._lift, self._forget_after_s, self._most_idle = lift, forget_after_s, most_idle
        self._counter = np.zeros(64)
        self._weight = np.ones(64)
        self._waiting = np.zeros(64, np.int64)  # requests in the waiting queue
        self._here = np.zeros(64, np.int64)  # requests that wait or run
        self._given = np.zeros(64)  # service of this engine alone
        self._free = deque(range(64))  # the longest unused first
        self._name_of: dict[int, str] = {}
        self._number_of: dict[str, int] = {}
        self._idle: dict[int, float] = {}  # since when, the longest first
        self._finished: dict[int, deque[int]] = {}  # output tokens of the last responses
        self._last_out: int | None = None  # who was the last to leave the queue
        self._last_counter = 0.0  # if that one is forgotten

    def __len__(self) -> int:
        """Users that are remembered, idle ones included."""
        return len(self._counter) - len(self._free)

    @property
    def counter(self) -> NDArray[np.float64]:
        """Service received, by user number, in prompt tokens over the user's weight."""
        return self._counter

    @property
    def weight(self) -> NDArray[np.float64]:
        """By user number."""
        return self._weight

    def arrive(self, name: str | None, now: float) -> int:
        """A request comes and waits.

        Args:
            name: the user's; None for a request that is a user of its own.
            now: seconds, never less than before.

        Returns:
            The user's number: good until the last of the user's requests has left.
        """
        self._forget_old(now)
        user = None if name is None else self._number_of.get(name)
        if user is None:
            user = self._new(name)
        self._idle.pop(user, None)
        if self._lift and not self._waiting[user]:
            self._counter[user] = max(self._counter[user], self._floor())
        self._waiting[user] += 1
        self._here[user] += 1
        return user

    def turn(self, admitted: Users, preempted: Users) -> None:
        """Requests of these users have left the waiting queue for the GPU, or come back."""
        np.subtract.at(self._waiting, admitted, 1)
        np.add.at(self._waiting, preempted, 1)
        out = admitted[self._waiting.take(admitted) == 0]
        if len(out):
            self._last_out = int(out[-1])

    def charge(
        self,
        users: Users,
        *,
        prompt: NDArray[np.int64] | int = 0,
        output: NDArray[np.int64] | int = 0,
    ) -> None:
        """Charge tokens, shape (n,); fewer than none are given back."""
        price = self.prices.prompt * prompt + self.prices.output * output
        price = price / self._weight.take(users)
        np.add.at(self._counter, users, price)
        np.add.at(self._given, users, price)

    def given(self) -> dict[str, float]:
        """What this engine has served each user whom it remembers, since it first saw that user.

        In prompt tokens over the user's weight; without what it has learned by `credit`.
        """
        served = self._given.tolist()
        return {name: served[user] for name, user in self._number_of.items()}

    def credit(self, service: Mapping[str, float]) -> None:
        """Count what other engines have served; users who are not known here are left out.

        Args:
            service: by the user's name, in prompt tokens over the user's weight.
        """
        for name, price in service.items():
            user = self._number_of.get(name)
            if user is not None:
                self._counter[user] += price

    def forecast(self, user: int, known: int) -> int:
        """Output tokens of a response that are charged when it is admitted.

        Args:
            user: whose.
            known: its true length, 0 if nobody knows.
        """
        if self._forecast == "known":
            return known
        if self._forecast == "average":
            lengths = self._finished.get(user)
            return round(sum(lengths) / len(lengths) if lengths else self._assumed)
        return 0

    def finished(self, user: int, output_tokens: int) -> None:
        """A response of this many tokens has ended by itself."""
        if self._forecast == "average":
            lengths = self._finished.setdefault(user, deque(maxlen=_FORECAST_FROM))
            lengths.append(output_tokens)

    def leave(self, user: int, *, waited: bool, now: float) -> None:
        """A request is over.

        Args:
            user: whose.
            waited: whether it was in the waiting queue.
            now: seconds.
        """
        self._here[user] -= 1
        if waited:
            self.turn(np.array([user]), np.zeros(0, np.intp))
        if self._here[user]:
            return
        nothing_lost = self._lift and self._counter[user] <= self._floor()
        if user not in self._name_of or nothing_lost:
            self._forget(user)
        else:
            self._idle[user] = now
            if len(self._idle) > self._most_idle:
                self._forget(next(iter(self._idle)))

    def _floor(self) -> float:
        """The counter to which a user who joins the queue is lifted."""
        queue = self._waiting > 0
        if queue.any():
            return float(self._counter[queue].min())
        return (
            self._last_counter if self._last_out is None else float(self._counter[self._last_out])
        )

    def _new(self, name: str | None) -> int:
        if not self._free:
            size = len(self._counter)
            self._free.extend(range(size, 2 * size))
            self._counter = np.concatenate([self._counter, np.zeros(size)])
            self._weight = np.concatenate([self._weight, np.ones(size)])
            nobody = np.zeros(size, np.int64)
            self._waiting = np.concatenate([self._waiting, nobody])
            self._here = np.concatenate([self._here, nobody])
            self._given = np.concatenate([self._given, np.zeros(size)])
        user = self._free.popleft()
        self._counter[user], self._given[user], self._weight[user] = 0.0, 0.0, 1.0
        if name is not None:
            self._name_of[user], self._number_of[name] = name, user
            self._weight[user] = self.prices.weights.get(name, 1.0)
        return user

    def _forget_old(self, now: float) -> None:
        while self._idle:
            user, since = next(iter(self._idle.items()))
            if now - since <= self._forget_after_s:
                return
            self._forget(user)

    def _forget(self, user: int) -> None:
        if self._last_out == user:
            self._last_out, self._last_counter = None, float(self._counter[user])
        self._idle.pop(user, None)
        self._finished.pop(user, None)
        name = self._name_of.pop(user, None)
        if name is not None:
            del self._number_of[name]
        self._free.append(user)
