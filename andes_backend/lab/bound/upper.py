"""An upper bound on the average QoE that any schedule could reach.

    bound = upper_bound(make_workload(300, rate=3.3, seed=0), load_profile("opt-66b-4xa100"))
    bound.qoe

It holds for every schedule that the profile allows, even one that knows all arrivals and
lengths from the start: docs/bound.md says why, and what it does not cover. There are two ways
to it: prices of engine time for any workload, and for small ones the best order of steps, too.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.bound.demand import Demand, batches, demands
from andes_backend.lab.bound.orders import best_order
from andes_backend.lab.bound.plans import Costs, Grid, best_values, levels_for
from andes_backend.lab.bound.prices import find_prices
from andes_backend.lab.workload import Workload, check_fits
from andes_backend.profile import Profile

__all__ = ["Bound", "bound_at", "upper_bound"]

_ROUNDING: Final = 1e-9  # sums of a million numbers, each right to 1e-16 of its size
_CELLS: Final = 200_000  # tokens x levels in a batch, so that it fits the processor's cache
_TELL_EVERY: Final = 20  # batches
_SMALL: Final = (4, 32)  # requests and their tokens, together: so long orders are searched


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What no schedule can surpass."""

    qoe: float
    """The mean over all requests, as reports have it: one that is never answered counts 0."""
    relaxation: Literal["prices", "orders"]
    """What gave it, the lower of the two: prices of engine time, or the best order of steps."""
    latest_s: float
    """It holds for schedules that end every response at most so late; infinite: for all."""
    edges_s: NDArray[np.float64]
    """Slots of time, seconds since the start: shape (slots + 1,)."""
    prices: NDArray[np.float64]
    """What a second of engine time is worth in each slot: QoE of one request, shape (slots,)."""
    gap: float
    """About how much lower other prices could make what they give; what it is above the best
    schedule for other reasons is not in there."""
    wall_s: float
    """What computing it took, seconds."""


def upper_bound(
    workload: Workload,
    profile: Profile,
    *,
    latest_s: float = math.inf,
    slots: int = 80,
    levels: int = 64,
    rounds: int = 60,
    tolerance: float = 1e-4,
    nodes: int = 1000,
    progress: Callable[[int, int], None] | None = None,
) -> Bound:
    """The most QoE that any schedule could reach, on average over the requests.

    More slots, levels and rounds make it tighter; it holds whatever they are.

    Args:
        workload: the requests, in the order of their arrival.
        profile: the server.
        latest_s: only schedules in which the last token of every response is late by at most
            so many seconds, or that never answer; above 0. All schedules if infinite.
        slots: engine time has a price in each of so many slots of time; 1 or more.
        levels: how late a token is, is told apart in so many levels; 2 or more.
        rounds: most attempts to find better prices; 1 or more.
        tolerance: an attempt that could lower the mean QoE by less is not made.
        nodes: of a workload of up to 4 requests and 32 tokens to answer, orders of steps are
            searched as well, to so many places in them at most; 0 or more, 0 for no search.
        progress: is told now and then how far it is: (done, of how many).

    Raises:
        ValueError: there is no request, or an argument is out of range.
        WorkloadError: a request can never fit the KV cache.
    """
    _check(workload, latest_s, slots, levels, rounds, nodes)
    check_fits(workload, profile.request_tokens)
    began = time.perf_counter()
    asked = sorted(demands(workload, profile), key=_tokens)
    edges = _edges(asked, slots)
    far_s = 2.0 * float(edges[-1] - edges[0])
    tell = progress or _nobody
    found = find_prices(
        asked,
        edges,
        latest_s=latest_s,
        far_s=far_s,
        rounds=rounds,
        tolerance=tolerance,
        tell=lambda number: tell(number, 2 * rounds),
    )
    qoe = bound_at(
        found.prices,
        edges,
        asked,
        latest_s=latest_s,
        far_s=far_s,
        levels=levels,
        tell=lambda share: tell(rounds + int(share * rounds), 2 * rounds),
    )
    ordered = _ordered(workload, profile, latest_s, nodes)
    return Bound(
        qoe=min(qoe, ordered),
        relaxation="orders" if ordered < qoe else "prices",
        latest_s=latest_s,
        edges_s=edges,
        prices=found.prices,
        gap=found.gap,
        wall_s=time.perf_counter() - began,
    )


def bound_at(
    prices: NDArray[np.float64],
    edges: NDArray[np.float64],
    asked: Sequence[Demand],
    *,
    latest_s: float,
    far_s: float,
    levels: int,
    tell: Callable[[float], None] | None = None,
) -> float:
    """The bound that these prices give; it holds for any.

    Args:
        prices: QoE for a second of engine time, 0 or more, shape (slots,).
        edges: of the slots, seconds, rising, shape (slots + 1,).
        asked: what each request asks for; fastest in the order of their lengths.
        latest_s: the most by which a response may end late.
        far_s: see `levels_for`.
        levels: how many levels of lateness are told apart.
        tell: hears now and then what share of it is done.
    """
    grid, total = Grid(edges, prices), float(prices @ np.diff(edges))
    longest = max(map(_tokens, asked))
    parts = batches(asked, None, max(1, _CELLS // (levels * longest)))
    for number, batch in enumerate(parts):
        if tell is not None and number % _TELL_EVERY == 0:
            tell(number / len(parts))
        costs = Costs(batch, levels_for(batch, levels, latest_s, far_s), grid)
        values = best_values(costs)
        total += float(np.sum(np.maximum(0.0, values.max(axis=1))))
    return min(1.0, total / len(asked) + _ROUNDING)


def _ordered(workload: Workload, profile: Profile, latest_s: float, nodes: int) -> float:
    """The other relaxation's bound; 1, which any is, if the workload is too large for it."""
    requests = workload.requests
    most, tokens = _SMALL
    if not nodes or len(requests) > most or sum(r.output_tokens for r in requests) > tokens:
        return 1.0
    return best_order(workload, profile, latest_s, nodes).qoe


def _edges(asked: Sequence[Demand], slots: int) -> NDArray[np.float64]:
    """Slots over the time in which engine time can be short, and some more."""
    arrivals = sorted((float(one.start_s[0]), float(np.sum(one.charge_s))) for one in asked)
    start = free = arrivals[0][0]
    for arrival, work in arrivals:
        free = max(free, arrival) + work
    return np.linspace(start, start + 1.25 * (free - start), slots + 1)


def _tokens(one: Demand) -> int:
    return len(one.charge_s)


def _nobody(done: int, total: int) -> None:
    del done, total


def _check(
    workload: Workload, latest_s: float, slots: int, levels: int, rounds: int, nodes: int
) -> None:
    if not workload.requests:
        raise ValueError("a bound needs a workload of at least one request")
    if not latest_s > 0:
        raise ValueError(f"latest_s must be above 0 seconds, not {latest_s!r}")
    for name, value, least in (
        ("slots", slots, 1),
        ("levels", levels, 2),
        ("rounds", rounds, 1),
        ("nodes", nodes, 0),
    ):
        if value < least:
            raise ValueError(f"{name} must be {least} or more, not {value!r}")
