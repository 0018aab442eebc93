"""How long do readers wait while prompts of 30,000 tokens arrive? vLLM's own scheduler and ours.

    python benchmarks/long_prompts.py                  three seeds; ten minutes
    python benchmarks/long_prompts.py --all-long       the second table instead, see below

Simulated servers with vLLM's scheduler on a virtual clock: people read ordinary chat answers, and
now and then somebody sends a prompt of 30,000 tokens. It takes several steps, and each of them
takes as long as its share of the prompt. Nobody's text goes on meanwhile.

- longest wait: of all readers, for more text after their first. A wait of 0.1 s counts as a stall.
- prompts' first text: when it comes where a prompt takes several steps, median and p95.

Each figure is the median over the seeds. "Plain" is our policy without the step budget, which
leaves the chunks of prompts to vLLM.

A server that is overloaded with prompts of some 2,000 tokens has no time to lose: `--all-long`
shows what the step budget costs there.
"""

import argparse
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from table import print_table

from andes_backend.lab.workload import Attention, Fixed, Workload, make_workload
from andes_backend.profile import load_profile

if TYPE_CHECKING:
    from andes_backend.lab.report.outcome import Outcome

__all__ = ["main"]

_LONG: Final = 30_000
_EVERY_S: Final = 15.0
_ANSWER: Final = 200
_RATES: Final = {"llama-3-70b-4xh100": 5.0, "llama-3-8b-a40": 2.5}  # chat requests a second
_STEPS: Final = (2048, 8192)  # vLLM's max_num_batched_tokens
_STOCK, _PLAIN, _QOE = "stock", "plain", "qoe"
_WAYS: Final = (_STOCK, _PLAIN, _QOE)
_COLUMNS: Final = (
    "longest wait, s",
    "stalls",
    "in all, s",
    "prompts' first text, s",
    "p95, s",
    "QoE",
    "tokens/s",
)


@dataclass(frozen=True)
class _Figures:
    longest_s: float
    """The longest wait of a reader after the first text."""
    stalls: int
    stalled_s: float
    first_p50_s: float
    """Of the prompts that take several steps."""
    first_p95_s: float
    qoe: float
    tokens_per_s: float


def _workload(prompts: int, rate: float, seed: int) -> Workload:
    """Chat, and a long prompt about every 15 s."""
    chat = make_workload(round(prompts * _EVERY_S * rate), rate=rate, seed=seed)
    drawn = make_workload(
        prompts, rate=1 / _EVERY_S, seed=seed + 1000, lengths=Fixed(_LONG, _ANSWER)
    )
    shift = np.random.default_rng(seed).random(prompts)
    late = [
        replace(one, arrival_s=(index + float(shift[index])) * _EVERY_S)
        for index, one in enumerate(drawn.requests)
    ]
    requests = sorted([*chat.requests, *late], key=lambda one: one.arrival_s)
    return Workload("chat with long prompts", seed, tuple(requests))


def _waits(outcome: "Outcome") -> Iterator[float]:
    """How long the reader waits for each token after the first, seconds; 0 where they do not."""
    attention = Attention(outcome.request.expectation)
    for index, time in enumerate(outcome.times):
        if index:
            yield max(0.0, attention.waited(time))
        attention.add(time)


def _all_long(requests: int, seed: int) -> Workload:
    """More than the server can do, of prompts of some 2,000 tokens with answers of 50 to 400."""

    def lengths(rng: Generator, count: int) -> NDArray[np.int64]:
        drawn = np.exp(rng.normal(np.log([2100, 150]), 0.5, (count, 2)))
        return np.clip(drawn, [1, 50], [16_000, 400]).astype(np.int64)

    return make_workload(requests, rate=8.5, seed=seed, lengths=lengths)


def _simulate(
    workload: Workload, profile: str, step_tokens: int, way: str, *, prefix_caching: bool = True
) -> _Figures:
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    server = replace(load_profile(profile), max_step_tokens=step_tokens)
    policy = _STOCK if way == _STOCK else "qoe"
    with _without_budget() if way == _PLAIN else nullcontext():
        setup = Setup(profile=server, policy=policy, prefix_caching=prefix_caching)
        outcomes = simulate(workload, setup).outcomes
    first = [o.times[0] for o in outcomes if o.request.prompt_tokens > step_tokens]
    ends = max(o.submitted_s + o.times[-1] for o in outcomes)
    return _Figures(
        longest_s=max(max(_waits(o), default=0.0) for o in outcomes),
        stalls=sum(o.stalls for o in outcomes),
        stalled_s=sum(o.stalled_s for o in outcomes),
        first_p50_s=float(np.percentile(first, 50)),
        first_p95_s=float(np.percentile(first, 95)),
        qoe=statistics.mean(o.qoe for o in outcomes),
        tokens_per_s=sum(len(o.times) for o in outcomes) / ends,
    )


def _without_budget() -> AbstractContextManager[object]:
    return patch("andes_backend.engine.scheduler.step_budget", lambda *_: None)


def _row(name: str, runs: list[_Figures], stock: list[_Figures]) -> tuple[str, ...]:
    def middle(field: str) -> float:
        return float(statistics.median(getattr(one, field) for one in runs))

    def ratio(field: str) -> float:
        pairs = zip(runs, stock, strict=True)
        return float(statistics.median(getattr(a, field) / getattr(b, field) for a, b in pairs))

    return (
        name,
        f"{middle('longest_s'):.3f}",
        f"{middle('stalls'):.0f}",
        f"{middle('stalled_s'):.1f}",
        f"{middle('first_p50_s'):.2f} ({ratio('first_p50_s'):.2f} x)",
        f"{middle('first_p95_s'):.2f} ({ratio('first_p95_s'):.2f} x)",
        f"{middle('qoe'):.3f}",
        f"{middle('tokens_per_s'):.0f}",
    )


def _long_prompts(seeds: Sequence[int], prompts: int) -> Iterator[tuple[str, ...]]:
    for profile, rate in _RATES.items():
        for step_tokens in _STEPS:
            loads = [_workload(prompts, rate, seed) for seed in seeds]
            runs = {
                way: [_simulate(load, profile, step_tokens, way) for load in loads] for way in _WAYS
            }
            for way, found in runs.items():
                yield _row(f"{profile}, {step_tokens}: {way}", found, runs[_STOCK])


def _overload(seeds: Sequence[int], requests: int) -> Iterator[tuple[str, ...]]:
    profile, loads = "llama-3-70b-4xh100", [_all_long(requests, seed) for seed in seeds]
    runs = {
        way: [_simulate(load, profile, 2048, way, prefix_caching=False) for load in loads]
        for way in _WAYS
    }
    for way, found in runs.items():
        yield _row(f"{profile}, 2048: {way}", found, runs[_STOCK])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    parser.add_argument(
        "--prompts", type=int, default=6, metavar="N", help="long ones in a run, 15 s apart (6)"
    )
    parser.add_argument(
        "--all-long", action="store_true", help="an overload of long prompts, no chat"
    )
    parser.add_argument("--requests", type=int, default=600, metavar="N", help="of these (600)")
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    seeds = range(arguments.seeds)
    if arguments.all_long:
        title = "An overload of prompts of some 2,000 tokens"
        rows = list(_overload(seeds, arguments.requests))
    else:
        title = f"Readers of chat, and prompts of {_LONG:,} tokens about every {_EVERY_S:g} s"
        rows = list(_long_prompts(seeds, arguments.prompts))
    columns = ("tokens in a step at most", *_COLUMNS)
    print_table(f"{title}; median of {arguments.seeds} seeds", columns, rows)


if __name__ == "__main__":
    main()
