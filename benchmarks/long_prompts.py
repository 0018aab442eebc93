"""How long do readers wait while prompts of 30,000 tokens arrive? vLLM's own scheduler and ours.

    python benchmarks/long_prompts.py                  three seeds; some minutes

Simulated servers with vLLM's scheduler on a virtual clock: people read ordinary chat answers, and
now and then somebody sends a prompt of 30,000 tokens. It takes several steps, and each of them
takes as long as its share of the prompt. Nobody's text goes on meanwhile.

- longest wait: of all readers, for more text after their first. A wait of 0.1 s counts as a stall.
- prompts' first text: the time that the long prompts take, median and 95th percentile.

Each figure is the median over the seeds.
"""

import argparse
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from table import print_table

from andes_backend.lab.workload import Attention, Fixed, Request, Workload, make_workload
from andes_backend.profile import load_profile

if TYPE_CHECKING:
    from andes_backend.lab.report.outcome import Outcome

__all__ = ["main"]

_LONG: Final = 30_000
_EVERY_S: Final = 15.0
_ANSWER: Final = 200
_RATES: Final = {"llama-3-70b-4xh100": 5.0, "llama-3-8b-a40": 2.5}  # chat requests a second
_STEPS: Final = (2048, 8192)  # vLLM's max_num_batched_tokens


@dataclass(frozen=True)
class _Figures:
    longest_s: float
    """The longest wait of a reader after the first text."""
    stalls: int
    stalled_s: float
    first_p50_s: float
    """Of the long prompts."""
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


def _simulate(profile: str, step_tokens: int, policy: str, prompts: int, seed: int) -> _Figures:
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    server = replace(load_profile(profile), max_step_tokens=step_tokens)
    workload = _workload(prompts, _RATES[profile], seed)
    outcomes = simulate(workload, Setup(profile=server, policy=policy)).outcomes
    first = [o.times[0] for o in outcomes if _is_long(o.request)]
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


def _is_long(request: Request) -> bool:
    return request.prompt_tokens == _LONG


def _row(name: str, runs: list[_Figures], stock: list[_Figures]) -> tuple[str, ...]:
    def middle(field: str) -> float:
        return statistics.median(getattr(one, field) for one in runs)

    def ratio(field: str) -> float:
        pairs = zip(runs, stock, strict=True)
        return statistics.median(getattr(a, field) / getattr(b, field) for a, b in pairs)

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


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    parser.add_argument(
        "--prompts", type=int, default=8, metavar="N", help="long ones in a run, 15 s apart (8)"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    rows = []
    for profile in _RATES:
        for step_tokens in _STEPS:
            runs = {
                policy: [
                    _simulate(profile, step_tokens, policy, arguments.prompts, seed)
                    for seed in range(arguments.seeds)
                ]
                for policy in ("stock", "qoe")
            }
            for policy, found in runs.items():
                rows.append(_row(f"{profile}, {step_tokens}: {policy}", found, runs["stock"]))
    print_table(
        f"Readers of chat, and prompts of {_LONG:,} tokens about every {_EVERY_S:g} s; median of "
        f"{arguments.seeds} seeds",
        (
            "tokens in a step at most",
            "longest wait, s",
            "stalls",
            "in all, s",
            "prompts' first text, s",
            "p95, s",
            "QoE",
            "tokens/s",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
