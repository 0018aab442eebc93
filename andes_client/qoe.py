"""Quality of Experience (QoE) of one streamed response, in [0, 1].

A response has tokens i = 1..n that arrive `d_i` seconds after submission. The user
expects token i at `e_i = ttft + (i - 1) / tds` and takes it in at

    u_1 = d_1,   u_i = max(d_i, u_{i-1} + 1 / tds)          (the digest timeline)

    S_delay = sum of max(0, u_i - e_i)
    S_whole = sum of max(0, u_n - e_i)
    QoE     = 1 if S_delay = 0 else 1 - S_delay / S_whole

This is the first version's definition in Andes (arXiv 2404.16283v1), the area between
the expected and the actual timeline over the area under the expected one until the last
token, written along the time axis so that it needs no integral. `qoe_v2` is the second
version's, which divides by the sum of u_i. The two are different measures: never mix
them in one table.

The text a person is shown comes in units of more than one token (a word, a line). Unit i
then costs `c_i` tokens of reading, and every sum above weighs it by its cost:

    u_i = max(d_i, u_{i-1} + c_{i-1} / tds),   e_i = ttft + (c_1 + ... + c_{i-1}) / tds

With all costs 1 this is the definition above.

What to know before you optimise for it: lateness `u_i - e_i` never shrinks along a
response, so QoE = 1 - mean lateness / (last lateness + (n - 1) / (2 tds)). The *last*
lateness is in the denominator: once a response is late, making only its tail later still
can raise both measures. QoE does fall whenever the whole response or its first stall
gets worse, and whenever any token gets later while the end stays where it is;
tests/client/test_qoe.py holds these three as properties, and the exception as an example.
"""

import math
from collections.abc import Sequence

from andes_client.expectation import Expectation

__all__ = ["Meter", "digest", "qoe", "qoe_v2"]


def digest(
    times: Sequence[float], expectation: Expectation, costs: Sequence[float] | None = None
) -> list[float]:
    """The digest timeline: when the user can actually have taken in each token.

    Args:
        times: arrival of each token, seconds since submission; finite, 0 or more.
        expectation: the user's; only its `tds` matters here.
        costs: tokens of reading that each unit stands for; all 1 if not given.

    Returns:
        As many times, in seconds since submission, never decreasing.

    Raises:
        ValueError: a time or a cost is negative or not finite, or their numbers differ.
    """
    digested: list[float] = []
    free_at = 0.0  # when the user is through with everything before
    for arrival, cost in _checked(times, costs):
        digested.append(max(arrival, free_at))
        free_at = digested[-1] + cost * expectation.seconds_per_token
    return digested


def qoe(
    times: Sequence[float], expectation: Expectation, costs: Sequence[float] | None = None
) -> float:
    """QoE of a finished response, in [0, 1]; 0 for an answer that never came.

    Arguments and errors are those of `digest`.
    """
    if not times:
        return 0.0
    costs = [1.0] * len(times) if costs is None else costs
    digested, expected = digest(times, expectation, costs), _expected(expectation, costs)
    whole = sum(c * max(0.0, digested[-1] - e) for c, e in zip(costs, expected, strict=True))
    return _ratio(_delay(costs, digested, expected), whole)


def qoe_v2(
    times: Sequence[float], expectation: Expectation, costs: Sequence[float] | None = None
) -> float:
    """QoE as the paper's second version has it: S_delay over the sum of all u_i.

    Arguments and errors are those of `digest`. In [0, 1]; 0 for an answer that never came.
    """
    if not times:
        return 0.0
    costs = [1.0] * len(times) if costs is None else costs
    digested, expected = digest(times, expectation, costs), _expected(expectation, costs)
    whole = sum(c * u for c, u in zip(costs, digested, strict=True))
    return _ratio(_delay(costs, digested, expected), whole)


class Meter:
    """The same figures while the response is still coming: one update a unit, O(1) state.

        meter = Meter(reading())
        meter.add(0.8)          # a token arrived 0.8 s after submission
        meter.qoe               # as if the response ended here

    A stall is a wait of at least `STALL_S` for text that is due, after the first token.
    """

    STALL_S = 0.1  # shorter waits are not perceived as one (Miller 1968, Nielsen 1993)

    __slots__ = (
        "_cost",
        "_cost_times_digest",
        "_cost_times_expected",
        "_expected",
        "_free_at",
        "_seconds_per_token",
        "count",
        "delay",
        "expectation",
        "first",
        "last",
        "stalled",
        "stalls",
    )

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.count = 0
        """Units so far."""
        self.delay = 0.0
        """S_delay so far: token-seconds of lateness."""
        self.first: float | None = None
        """Digest time of the first unit (the TTFT), seconds since submission."""
        self.last: float | None = None
        """Digest time of the last unit, seconds since submission."""
        self.stalls = 0
        """Waits of `STALL_S` or more for text that was due; not the wait for the first."""
        self.stalled = 0.0
        """Total length of the stalls, seconds."""
        self._seconds_per_token = expectation.seconds_per_token
        self._free_at = 0.0  # when the user is through with everything so far
        self._expected = expectation.ttft  # when the next unit is expected
        self._cost = 0.0  # sum of c_i
        self._cost_times_digest = 0.0  # sum of c_i u_i
        self._cost_times_expected = 0.0  # sum of c_i e_i

    def add(self, time: float, cost: float = 1.0) -> float:
        """Count a unit that arrived `time` seconds after submission.

        Args:
            time: seconds since submission; finite, 0 or more.
            cost: tokens of reading that the unit stands for; finite, 0 or more.

        Returns:
            The unit's digest time, seconds since submission.
        """
        self.add_all((time, cost))
        assert self.last is not None  # this one
        return self.last

    def add_all(self, figures: Sequence[float]) -> None:
        """Count units, in order: as many calls of `add`, for less.

        Of thousands of streams it is cheaper to count some units of each together: most of the time
        goes into fetching what is known of the stream.

        Args:
            figures: of each unit the time, seconds since submission, then the cost in tokens; flat,
                two for each.

        Raises:
            ValueError: as for `add`; none of the units is counted then.
        """
        for place in range(0, len(figures), 2):
            time, cost = figures[place], figures[place + 1]
            if not (0 <= time < math.inf and 0 <= cost < math.inf):
                _check("time", time, self.count + place // 2)
                _check("cost", cost, self.count + place // 2)
        free_at, expected, pace = self._free_at, self._expected, self._seconds_per_token
        delay, tokens, last = self.delay, self._cost, self.last
        cost_times_digest, cost_times_expected = self._cost_times_digest, self._cost_times_expected
        for place in range(0, len(figures), 2):
            time, cost = figures[place], figures[place + 1]
            digested = time if time > free_at else free_at
            if last is None:
                self.first = digested
            elif digested - free_at >= self.STALL_S:
                self.stalls += 1
                self.stalled += digested - free_at
            seconds = cost * pace
            if digested > expected:
                delay += cost * (digested - expected)
            tokens += cost
            cost_times_digest += cost * digested
            cost_times_expected += cost * expected
            free_at = digested + seconds
            expected += seconds
            last = digested
        self.count += len(figures) // 2
        self.delay, self._cost, self.last = delay, tokens, last
        self._cost_times_digest, self._cost_times_expected = cost_times_digest, cost_times_expected
        self._free_at, self._expected = free_at, expected

    def change_speed(self, tds: float) -> None:
        """From the next unit on, the user reads and expects at `tds` tokens/s."""
        self._seconds_per_token = Expectation(self.expectation.ttft, tds).seconds_per_token

    def defer(self, since: float, seconds: float) -> None:
        """The user took a break, `seconds` long: nothing was expected of anyone meanwhile.

        Args:
            since: when it began, seconds since submission.
            seconds: its length.
        """
        if self._free_at > since:
            self._free_at += seconds
        self._expected += seconds

    @property
    def free_at(self) -> float:
        """When the user runs out of text, seconds since submission; 0 before the first unit."""
        return self._free_at

    @property
    def tokens(self) -> float:
        """Tokens so far (the sum of the costs)."""
        return self._cost

    @property
    def qoe(self) -> float:
        """QoE if the response ended here; 0 before the first unit."""
        if self.last is None:
            return 0.0
        # Lateness never shrinks along a response, so with any delay at all every term
        # of S_whole is positive and the sum of max(0, u_n - e_i) needs no loop.
        return _ratio(self.delay, self._cost * self.last - self._cost_times_expected)

    @property
    def qoe_v2(self) -> float:
        """The second version's measure if the response ended here; 0 before the first unit."""
        return 0.0 if self.last is None else _ratio(self.delay, self._cost_times_digest)


def _delay(costs: Sequence[float], digested: list[float], expected: list[float]) -> float:
    return sum(c * max(0.0, u - e) for c, u, e in zip(costs, digested, expected, strict=True))


def _expected(expectation: Expectation, costs: Sequence[float]) -> list[float]:
    expected, before = [], 0.0
    for cost in costs:
        expected.append(expectation.ttft + before * expectation.seconds_per_token)
        before += cost
    return expected


def _ratio(delay: float, whole: float) -> float:
    # Rounding alone can bring S_delay above S_whole, by a hair.
    return 1.0 if delay <= 0 else max(0.0, 1.0 - delay / whole) if whole > 0 else 0.0


def _checked(times: Sequence[float], costs: Sequence[float] | None) -> list[tuple[float, float]]:
    costs = [1.0] * len(times) if costs is None else costs
    if len(costs) != len(times):
        raise ValueError(f"{len(times)} times but {len(costs)} costs: each unit needs both")
    for index, (time, cost) in enumerate(zip(times, costs, strict=True)):
        _check("time", time, index)
        _check("cost", cost, index)
    return list(zip(times, costs, strict=True))


def _check(what: str, value: float, index: int) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{what} of unit {index + 1} must be finite and 0 or more, not {value!r}")
