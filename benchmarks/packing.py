"""How far is greedy packing from the best there is, and what does either take?

    python benchmarks/packing.py                       some five minutes
    python benchmarks/packing.py --requests 500 --rates 4.2

The instances are real ones: every knapsack that the policy `andes` has to solve while the twin
serves ShareGPT requests on OPT-66B, by the number of requests to choose from. The gap is what
the value of the greedy choice lacks to that of the exact one, in percent. Times are CPU time
of the thread, medians: greedy, exact (and its longest), and the dynamic programme alone (on few
instances), that is without the bounds that settle most requests beforehand. All keep to the KV
memory and to the batch size.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from table import print_table

from andes_backend.config import AndesConfig
from andes_backend.policy import POLICIES, Policy
from andes_backend.policy.andes import Andes
from andes_backend.policy.andes.knapsack import dynamic_programme, pack_exactly, pack_greedily
from andes_backend.profile import load_profile

__all__ = ["main"]

Mask = NDArray[np.bool_]
Instance = tuple[NDArray[np.float64], NDArray[np.int64], int, int]

_CLASSES: Final = (0, 150, 300, 600, 1200, 10**9)  # requests to choose from
_COLUMNS: Final = (
    "requests",
    "count",
    "gap p50, %",
    "p95, %",
    "max, %",
    "greedy, ms",
    "exact, ms",
    "its max",
    "alone, ms",
)


def main() -> None:
    """Collect the instances, solve them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", default=[3.3, 4.2], metavar="R")
    parser.add_argument("--requests", type=int, default=1500, metavar="N", help="at each rate")
    parser.add_argument("--instances", type=int, default=300, metavar="N", help="of each size")
    parser.add_argument("--alone", type=int, default=3, metavar="N", help="of them by programme")
    arguments = parser.parse_args()
    found: list[Instance] = []
    for rate in arguments.rates:
        found += _instances(rate, arguments.requests)
    rows = [
        _row(f"{low}-{high - 1}" if high < 10**9 else f"{low}-", some, arguments.alone)
        for low, high in pairwise(_CLASSES)
        if (some := _thinned([i for i in found if low <= len(i[0]) < high], arguments.instances))
    ]
    print_table("Greedy packing beside the exact one", _COLUMNS, rows)


def _instances(rate: float, requests: int) -> list[Instance]:
    """All knapsacks of one simulation."""
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload

    found: list[Instance] = []

    def recorded(
        values: NDArray[np.float64], weights: NDArray[np.int64], capacity: int, most: int
    ) -> Mask:
        found.append((values.copy(), weights, capacity, most))
        return pack_greedily(values, weights, capacity, most)

    def recording(config: AndesConfig) -> Policy:
        return Andes(config, pack=recorded)

    with patch.dict(POLICIES, {"andes": recording}):
        simulate(
            make_workload(requests, rate=rate, seed=0),
            Setup(profile=load_profile("opt-66b-4xa100"), policy="andes", prefix_caching=False),
        )
    return found


def _thinned(instances: Sequence[Instance], most: int) -> list[Instance]:
    """So many of them at most, evenly spread."""
    return list(instances[:: max(1, -(-len(instances) // most))])


def _row(size: str, instances: list[Instance], alone: int) -> tuple[str, ...]:
    greedy, greedy_ms = _solved(pack_greedily, instances)
    exact, exact_ms = _solved(pack_exactly, instances)
    _, alone_ms = _solved(dynamic_programme, _thinned(instances, alone)) if alone else ([], [0.0])
    gaps = [
        100 * (1 - less / most) if most > 0 else 0.0
        for less, most in zip(greedy, exact, strict=True)
    ]
    return (
        size,
        f"{len(instances):,}",
        *(f"{figure:.3f}" for figure in (*np.quantile(gaps, [0.5, 0.95]), max(gaps))),
        f"{np.median(greedy_ms):.3f}",
        f"{np.median(exact_ms):.3f}",
        f"{max(exact_ms):.1f}",
        f"{np.median(alone_ms):,.0f}" if alone else "",
    )


def _solved(
    pack: Callable[..., Mask], instances: Sequence[Instance]
) -> tuple[list[float], list[float]]:
    """What each choice is worth, and the milliseconds it took."""
    worths, times = [], []
    for instance in instances:
        began = time.thread_time()
        chosen = pack(*instance)
        times.append((time.thread_time() - began) * 1e3)
        worths.append(float(instance[0][chosen].sum()))
    return worths, times


if __name__ == "__main__":
    main()
