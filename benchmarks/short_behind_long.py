"""What does `--long-prefill-token-threshold` do for short requests behind long prompts?

    python benchmarks/short_behind_long.py
    python benchmarks/short_behind_long.py --policies stock,andes,qoe --rates 8 --slower 1

Questions of 60 tokens with answers of 20; one request in ten brings a prompt of 1,000. All fit a
step of 2,048 tokens, so vLLM computes each prompt whole, and two long ones together. A step ends
for everybody at once: who comes meanwhile waits for its end. With the threshold a step has only so
many tokens of each prompt. Simulated servers with vLLM's scheduler on a virtual clock, and the
latencies of the small server that docs/calibrate.md measures, or of one that is some times slower
and is asked so many times less. Each figure is the mean over the seeds, and each longest wait that
of all of them. The second command is an overload, in which somebody has to wait.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from panel_rows import SMALL
from table import print_table

from andes_backend.lab.report.outcome import Outcome
from andes_backend.profile import Profile

__all__ = ["main"]

SHORT: Final = 60
LONG: Final = 1_000
SHARE: Final = 0.1
ANSWER: Final = 20

HEADS: Final = (
    "slower",
    "requests/s",
    "policy",
    "threshold",
    "QoE, short",
    "QoE, long",
    "first text p95, s: short",
    "long",
    "longest wait, s: short",
    "long",
    "tokens/s",
)


@dataclass(frozen=True)
class _Run:
    """One simulation: whom it has served, and how."""

    short: Sequence[Outcome]
    long: Sequence[Outcome]

    @property
    def tokens_per_s(self) -> float:
        both = [*self.short, *self.long]
        ends = max(o.submitted_s + o.times[-1] for o in both)
        return sum(len(o.times) for o in both) / ends


@dataclass(frozen=True)
class _Load:
    """What is asked of which server."""

    slower: float
    rate: float
    requests: int


def _lengths(rng: Generator, count: int) -> NDArray[np.int64]:
    prompts = np.where(rng.random(count) < SHARE, LONG, SHORT)
    return np.column_stack([prompts, np.full(count, ANSWER)]).astype(np.int64)


def _server(slower: float) -> Profile:
    """The small one, whose steps take so many times as long."""

    def longer(costs: Any) -> dict[str, Any]:
        return {f.name: slower * getattr(costs, f.name) for f in fields(costs) if "_ms" in f.name}

    return replace(
        SMALL,
        prefill=replace(SMALL.prefill, **longer(SMALL.prefill)),
        decode=tuple(replace(one, **longer(one)) for one in SMALL.decode),
    )


def _simulate(load: _Load, policy: str, threshold: int, seed: int) -> _Run:
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload

    workload = make_workload(load.requests, rate=load.rate, seed=seed, lengths=_lengths)
    setup = Setup(
        profile=_server(load.slower),
        policy=policy,
        prefix_caching=False,
        long_prefill_token_threshold=threshold,
    )
    outcomes = simulate(workload, setup).outcomes
    return _Run(
        [o for o in outcomes if o.request.prompt_tokens == SHORT],
        [o for o in outcomes if o.request.prompt_tokens == LONG],
    )


def _row(load: _Load, policy: str, threshold: int, runs: Sequence[_Run]) -> tuple[str, ...]:
    kinds = [[one.short for one in runs], [one.long for one in runs]]
    return (
        f"{load.slower:g} x",
        f"{load.rate:g}",
        policy,
        str(threshold or "none"),
        *(f"{fmean(fmean(o.qoe for o in of) for of in kind):.3f}" for kind in kinds),
        *(
            f"{fmean(np.percentile([o.times[0] for o in of], 95) for of in kind):.1f}"
            for kind in kinds
        ),
        *(f"{max(o.longest_wait_s or 0.0 for of in kind for o in of):.1f}" for kind in kinds),
        f"{fmean(one.tokens_per_s for one in runs):.0f}",
    )


def main() -> int:
    """Simulate all combinations."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--policies", default="stock,qoe", metavar="NAME,...")
    parser.add_argument("--thresholds", default="0,256", metavar="N,...", help="0: none")
    parser.add_argument("--rates", default="5", metavar="R,...", help="requests/s of the first (5)")
    parser.add_argument("--slower", default="1,4", metavar="X,...", help="times (1,4)")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="of a run (300)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    loads = [
        _Load(slower, rate / slower, arguments.requests)
        for slower in map(float, arguments.slower.split(","))
        for rate in map(float, arguments.rates.split(","))
    ]
    policies, thresholds = arguments.policies.split(","), arguments.thresholds.split(",")
    rows = []
    for load, policy, threshold in itertools.product(loads, policies, map(int, thresholds)):
        runs = [_simulate(load, policy, threshold, seed) for seed in range(arguments.seeds)]
        rows.append(_row(load, policy, threshold, runs))
        print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
    title = f"One prompt in ten has {LONG:,} tokens, the others {SHORT}; {arguments.seeds} seeds"
    print_table(title, HEADS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
