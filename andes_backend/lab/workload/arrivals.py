"""When requests arrive: processes with a mean rate, drawn from a seeded stream.

    Gamma(cv=3.0).times(rng, 250, rate=2.0)      # 250 times in seconds, rising

At another rate the same draws come sooner or later. All but `Gamma` start from the same
exponential gaps, of mean 1: where the rate changes with time, request n arrives when the
rate's integral reaches the sum of the first n gaps (time rescaling).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from andes_backend.lab.workload.specs import Spec, parse

__all__ = ["Arrivals", "Diurnal", "DutyCycle", "Gamma", "OnOff", "Poisson", "arrivals_of"]

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Arrivals(Spec, ABC):
    """An arrival process; `str(arrivals)` is its name on the command line."""

    @abstractmethod
    def times(self, rng: Generator, count: int, rate: float) -> Times:
        """Draw when requests arrive.

        Args:
            rng: a stream of its own.
            count: how many; a longer draw begins with the shorter one.
            rate: mean arrivals a second over the long run, above 0.

        Returns:
            `count` times in seconds from the start of the workload, rising.
        """


@dataclass(frozen=True)
class Poisson(Arrivals):
    """Independent arrivals at a constant rate: gaps are exponential, their CV is 1."""

    spec_name: ClassVar[str] = "poisson"

    def times(self, rng: Generator, count: int, rate: float) -> Times:
        return _unit_times(rng, count) / rate


@dataclass(frozen=True)
class Gamma(Arrivals):
    """Gaps from a gamma distribution with a given coefficient of variation.

    CV 1 is a Poisson process, below 1 arrivals are more even, at 3 they come in clumps with
    long pauses between.

    Raises:
        WorkloadError: `cv` is out of range.
    """

    cv: float
    """Standard deviation of the gaps over their mean, 0.01 to 100."""
    spec_name: ClassVar[str] = "gamma"

    def __post_init__(self) -> None:
        if not 0.01 <= self.cv <= 100:
            self.refuse("cv", "0.01 to 100")

    def times(self, rng: Generator, count: int, rate: float) -> Times:
        gaps = rng.gamma(1 / self.cv**2, self.cv**2, size=count)
        return np.cumsum(gaps) / rate


@dataclass(frozen=True)
class OnOff(Arrivals):
    """Poisson arrivals in on phases, none in off phases; both of exponential length.

    In an on phase the rate is (on + off) / on times the mean. Phases are in seconds,
    whatever the rate. A workload begins in either phase, by chance, as often as a long-lived
    process would be found in it: so the mean rate holds from the start.

    Raises:
        WorkloadError: a parameter is out of range.
    """

    on: float
    """Mean length of an on phase, seconds, 0.001 or more."""
    off: float
    """Mean length of an off phase, seconds, 0.001 or more."""
    spec_name: ClassVar[str] = "onoff"

    def __post_init__(self) -> None:
        for name in ("on", "off"):
            if not 0.001 <= getattr(self, name) < math.inf:
                self.refuse(name, "0.001 s or more")

    def times(self, rng: Generator, count: int, rate: float) -> Times:
        on_time = _unit_times(rng, count) * (self.on / (self.on + self.off)) / rate
        (for_phases,) = rng.spawn(1)
        starts_off = for_phases.random() < self.off / (self.on + self.off)
        first_off = for_phases.exponential(self.off)
        ends, pauses = self._phases(for_phases, float(on_time[-1]))
        # A phase's pause comes after it: what arrives in phase k has seen k pauses.
        before = np.concatenate([[0.0], np.cumsum(pauses)])
        phase = np.searchsorted(ends, on_time)
        times: Times = on_time + before[phase] + (first_off if starts_off else 0.0)
        return times

    def _phases(self, rng: Generator, until: float) -> tuple[Times, Times]:
        """Ends of the on phases in on time, past `until`, and the pause after each."""
        drawn = np.empty((0, 2))
        ends: Times = np.zeros(1)
        while ends[-1] < until:
            more = rng.exponential(size=(64 + len(drawn), 2)) * (self.on, self.off)
            drawn = np.concatenate([drawn, more])
            ends = np.cumsum(drawn[:, 0])
        return ends, drawn[:, 1]


@dataclass(frozen=True)
class DutyCycle(Arrivals):
    """Bursts at regular times, as in the evaluation of Andes' second version.

    Every `period` seconds ends in a burst, of a share `duration` of it, with `intensity`
    times the rate of the rest; the mean over a period is the rate asked for. The paper has
    intensities of 1.5 to 2.5 and durations of 25 to 45 %.

    Raises:
        WorkloadError: a parameter is out of range.
    """

    intensity: float
    """The burst's rate over that outside it, 1 or more."""
    duration: float
    """Share of the period that is burst, above 0 and below 1."""
    period: float
    """Seconds from burst to burst, above 0."""
    spec_name: ClassVar[str] = "duty"

    def __post_init__(self) -> None:
        if not 1 <= self.intensity < math.inf:
            self.refuse("intensity", "1 or more")
        if not 0 < self.duration < 1:
            self.refuse("duration", "a share of the period, above 0 and below 1")
        _check_period(self, self.period)

    def times(self, rng: Generator, count: int, rate: float) -> Times:
        return _periodic(_unit_times(rng, count) / rate, self.period, self._reached)

    def _reached(self, expected: Times) -> Times:
        """Times within a period, from the mean-rate arrivals expected until then."""
        calm = (1 - self.duration) * self.period
        low = 1 / (1 - self.duration + self.intensity * self.duration)
        burst = calm + (expected - low * calm) / (self.intensity * low)
        return np.where(expected <= low * calm, expected / low, burst)


@dataclass(frozen=True)
class Diurnal(Arrivals):
    """A rate that swings like a day: rate x (1 + amplitude x sin(2 pi t / period)).

    Raises:
        WorkloadError: a parameter is out of range.
    """

    amplitude: float
    """Of the swing, as a share of the mean, 0 to 1 (at 1 the rate falls to 0 once a period)."""
    period: float
    """Seconds, above 0; 86,400 for a real day."""
    spec_name: ClassVar[str] = "diurnal"

    def __post_init__(self) -> None:
        if not 0 <= self.amplitude <= 1:
            self.refuse("amplitude", "0 to 1")
        _check_period(self, self.period)

    def times(self, rng: Generator, count: int, rate: float) -> Times:
        return _periodic(_unit_times(rng, count) / rate, self.period, self._reached)

    def _reached(self, expected: Times) -> Times:
        # No closed form; bisection finds it to the last digit wherever the rate is, even 0.
        low, high = np.zeros_like(expected), np.full_like(expected, self.period)
        turn = 2 * math.pi / self.period
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            short = middle + self.amplitude / turn * (1 - np.cos(turn * middle)) < expected
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high


_KINDS: Final[tuple[type[Arrivals], ...]] = (Poisson, Gamma, OnOff, DutyCycle, Diurnal)
_BISECTIONS: Final = 60  # more than the bits of a float's fraction


def arrivals_of(text: str) -> Arrivals:
    """The arrival process of a text.

    Args:
        text: `poisson`, `gamma:cv=3`, `onoff:on=10,off=20`,
            `duty:intensity=2,duration=0.35,period=60` or `diurnal:amplitude=0.8,period=600`.

    Raises:
        WorkloadError: it names none, or a parameter is wrong; the message says which.
    """
    return parse(text, "arrivals", _KINDS)


def _unit_times(rng: Generator, count: int) -> Times:
    times: Times = np.cumsum(rng.exponential(size=count))
    return times


def _periodic(at_mean_rate: Times, period: float, reached: Callable[[Times], Times]) -> Times:
    """Move arrivals of a constant rate within their period; in whole periods both agree."""
    periods = np.floor(at_mean_rate / period)
    within = reached((at_mean_rate - periods * period).clip(0, period))
    # Rounding at a period's edge may swap two times by their last digit.
    times: Times = np.maximum.accumulate(periods * period + within)
    return times


def _check_period(arrivals: Arrivals, period: float) -> None:
    if not 0 < period < math.inf:
        arrivals.refuse("period", "above 0 s")
