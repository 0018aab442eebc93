"""What does `--long-prefill-token-threshold` do for short requests behind long prompts?

    python benchmarks/short_behind_long.py
    python benchmarks/short_behind_long.py --overload      the second table, see below

Every now and then, beside a reader of a long answer, somebody sends a prompt of 1,000 tokens. While
it is computed four others ask a question of 60 tokens, for answers of 20. vLLM computes the
prompt whole (a step has up to 2,048 tokens), and a step ends for everybody at once: the questions
wait for its end. With the threshold a step has only so many tokens of each prompt, unless nobody
else is there. Simulated servers with vLLM's scheduler on a virtual clock, and the latencies of the
small server that docs/calibrate.md measures, or of one that is some times slower.

`--overload`: as many questions and prompts, one to nine, at random and more than the server can
take, so that somebody has to wait; and for how long?
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
from andes_backend.lab.workload import Workload, make_workload
from andes_backend.profile import Profile

__all__ = ["main"]

SHORT: Final = 60
LONG: Final = 1_000
ANSWER: Final = 20
READ: Final = 200  # tokens of the answer that is being read when the long prompt comes
READ_BEFORE_S: Final = 0.5  # since so long, on the small server
BEHIND: Final = 4  # questions to a long prompt
COMPUTED_S: Final = 0.6  # what a long prompt takes on the small server
EVERY_S: Final = 6.0  # there: so that nothing is left of one group when the next one comes
LONG_SHARE: Final = 0.1  # of the requests in an overload

HEADS: Final = (
    "the server",
    "policy",
    "threshold",
    "QoE: short",
    "long",
    "first text p50, s: short",
    "p95",
    "long p50",
    "longest wait, s: short",
    "long",
)


@dataclass(frozen=True)
class _Run:
    """One simulation: whom it has served, and how."""

    short: Sequence[Outcome]
    long: Sequence[Outcome]


def _behind(groups: int, slower: float, seed: int) -> Workload:
    """Groups of a reader, a long prompt, and the questions that come while it is computed."""
    size = 2 + BEHIND
    drawn = make_workload(groups * size, rate=1.0, seed=seed, lengths=_lengths_of_groups)
    later = np.random.default_rng(seed).uniform(0.0, COMPUTED_S, (groups, size))
    later[:, 0], later[:, 1] = -READ_BEFORE_S, 0.0
    starts = READ_BEFORE_S + np.arange(groups) * EVERY_S
    arrivals = slower * (starts[:, None] + later).ravel()
    requests = [
        replace(one, arrival_s=float(at)) for one, at in zip(drawn.requests, arrivals, strict=True)
    ]
    requests.sort(key=lambda one: one.arrival_s)
    return Workload("questions behind long prompts", seed, tuple(requests))


def _lengths_of_groups(_rng: Generator, count: int) -> NDArray[np.int64]:
    group = [(SHORT, READ), (LONG, ANSWER), *[(SHORT, ANSWER)] * BEHIND]
    return np.array(group * (count // len(group)), dtype=np.int64)


def _overload(requests: int, rate: float, slower: float, seed: int) -> Workload:
    return make_workload(requests, rate=rate / slower, seed=seed, lengths=_mixed_lengths)


def _mixed_lengths(rng: Generator, count: int) -> NDArray[np.int64]:
    prompts = np.where(rng.random(count) < LONG_SHARE, LONG, SHORT)
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


def _simulate(workload: Workload, slower: float, policy: str, threshold: int) -> _Run:
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    setup = Setup(
        profile=_server(slower),
        policy=policy,
        prefix_caching=False,
        long_prefill_token_threshold=threshold,
    )
    outcomes = simulate(workload, setup).outcomes
    return _Run(
        [o for o in outcomes if o.request.prompt_tokens == SHORT and _asks(o)],
        [o for o in outcomes if o.request.prompt_tokens == LONG],
    )


def _asks(outcome: Outcome) -> bool:
    """Whether it is a question, not what somebody reads meanwhile."""
    return outcome.request.output_tokens == ANSWER


def _row(slower: float, policy: str, threshold: int, runs: Sequence[_Run]) -> tuple[str, ...]:
    short, long = ([o for of in kind for o in of] for kind in _kinds(runs))
    first, of_long = ([o.times[0] for o in kind] for kind in (short, long))
    return (
        "the small one" if slower == 1 else f"{slower:g} times slower",
        policy,
        str(threshold or "none"),
        *(f"{fmean(o.qoe for o in kind):.3f}" for kind in (short, long)),
        *(f"{np.percentile(first, share):.2f}" for share in (50, 95)),
        f"{np.percentile(of_long, 50):.2f}",
        *(f"{max(o.longest_wait_s or 0.0 for o in kind):.1f}" for kind in (short, long)),
    )


def _kinds(runs: Sequence[_Run]) -> tuple[list[Sequence[Outcome]], list[Sequence[Outcome]]]:
    return [one.short for one in runs], [one.long for one in runs]


def main() -> int:
    """Simulate all combinations."""
    arguments = _arguments()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    rows = []
    for slower, policy, threshold in itertools.product(
        map(float, arguments.slower.split(",")),
        arguments.policies.split(","),
        map(int, arguments.thresholds.split(",")),
    ):
        runs = [
            _simulate(_workload(arguments, slower, seed), slower, policy, threshold)
            for seed in range(arguments.seeds)
        ]
        rows.append(_row(slower, policy, threshold, runs))
        print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
    print_table(f"Prompts of {LONG:,} tokens among those of {SHORT}", HEADS, rows)
    return 0


def _workload(arguments: argparse.Namespace, slower: float, seed: int) -> Workload:
    if arguments.overload:
        return _overload(arguments.requests, arguments.rate, slower, seed)
    return _behind(arguments.groups, slower, seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--overload", action="store_true", help="more than the server can take")
    parser.add_argument("--policies", default="stock,qoe", metavar="NAME,...")
    parser.add_argument("--thresholds", default="0,256", metavar="N,...", help="0: none")
    parser.add_argument("--slower", default="1,4", metavar="X,...", help="times (1,4)")
    parser.add_argument("--groups", type=int, default=25, metavar="N", help="of a run (25)")
    parser.add_argument("--rate", type=float, default=8.0, help="of an overload, requests/s (8)")
    parser.add_argument("--requests", type=int, default=600, metavar="N", help="of one (600)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
