"""The loads of benchmarks/panel.py, and one simulation or bound of them.

    python benchmarks/panel_rows.py                    says what each row is

All ask for about 1.5 to 1.8 times what their server completes, but for the first and the last,
which ask for less. A row is a workload on a profile; its seed draws all that is drawn.
"""

import argparse
import functools
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from table import print_table

from andes_backend.lab.campaign.pool import Tell
from andes_backend.lab.workload import Gamma, MultiRound, Workload, make_workload, trace_workload
from andes_backend.profile import Decode, Prefill, Profile, load_profile

__all__ = [
    "BOUND",
    "NEEDS_AZURE",
    "NO_EXCHANGE",
    "ROWS",
    "SMALL",
    "VARIANTS",
    "Figures",
    "Row",
    "Task",
    "carry_out",
]

BOUND: Final = "bound"
"""Among the policies: what no schedule could surpass."""

NEEDS_AZURE: Final = "azure"
"""The row that needs the file of Azure's trace."""

NO_EXCHANGE: Final = 1e9
"""A `preemption_margin` that no request's worth ever reaches."""

VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "off": {"prefix_caching": False},
        "on": {"prefix_caching": True},
        "reload": {"prefix_caching": False, "kv_restore_gb_s": 20.0},
    }
)
"""What a preempted request finds again: nothing; what is still in the cache; all, at 20 GB/s."""

# The server that docs/calibrate.md measures: a tiny model on two CPU cores.
SMALL: Final = Profile(
    name="a tiny model on two CPU cores",
    source="docs/calibrate.md",
    kv_tokens=5120,
    prefill=Prefill(base_ms=8.1819, per_token_ms=0.46412, per_square_token_ms=0.00010379),
    decode=(Decode(base_ms=9.8105, per_sequence_ms=0.61525, per_context_token_ms=0.0032718),),
    block_size=32,
    max_sequences=64,
    outside_ms=11.126,
    kv_bytes_per_token=20_480,
)
_LONGEST_ON_SMALL: Final = 800  # tokens: six of these fill its memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A load on a server."""

    about: str
    profile: Profile
    make: Callable[[int, "Path | None"], Workload]
    """The workload, from a seed and, where it is needed, the file of Azure's trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row under a policy."""

    row: str
    variant: str
    """One of VARIANTS; a bound is the same in all."""
    policy: str
    """One of the twin's, or BOUND."""
    seed: int
    settings: Mapping[str, object] = field(default_factory=dict)
    requests: int | None = None
    """Only the first so many; None: all."""
    azure: Path | None = None

    def workload(self) -> Workload:
        """What is sent to the server."""
        whole = ROWS[self.row].make(self.seed, self.azure)
        return Workload(whole.name, whole.seed, whole.requests[: self.requests], None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a task."""

    qoe: float
    tokens_per_s: float = 0.0
    """All tokens, from the first submission to the last token; 0 for a bound."""
    preemptions: int = 0
    """In all, by vLLM and the policy."""
    requests: int = 1
    longest_wait_s: float = 0.0


def carry_out(task: Task, tell: Tell) -> Figures:
    """Simulate a task, or compute its bound; `tell` hears how far it is."""
    workload, profile = task.workload(), ROWS[task.row].profile
    if task.policy == BOUND:
        from andes_backend.lab.bound import upper_bound

        return Figures(qoe=upper_bound(workload, profile, latest_s=300.0, progress=tell).qoe)
    from andes_backend.lab.report.run import Run, summarise
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    setup = Setup(
        profile=profile, policy=task.policy, settings=task.settings, **VARIANTS[task.variant]
    )
    served = simulate(workload, setup, tell)
    one = summarise(Run(task.policy, {}, served.outcomes, len(served.outcomes)))
    return Figures(
        qoe=one.qoe_mean or 0.0,
        tokens_per_s=one.tokens_per_s or 0.0,
        preemptions=served.preemptions,
        requests=len(served.outcomes),
        longest_wait_s=one.longest_wait_max or 0.0,
    )


def _lognormal(
    rng: Generator, count: int, *, prompt: tuple[float, float], answer: tuple[float, float]
) -> NDArray[np.int64]:
    """Prompts of this median and sigma, 16 to 32,000 tokens, and answers of 50 to 400."""
    for_prompts, for_answers = rng.spawn(2)
    prompts = for_prompts.lognormal(np.log(prompt[0]), prompt[1], count).clip(16, 32_000)
    answers = for_answers.lognormal(np.log(answer[0]), answer[1], count).clip(50, 400)
    lengths: NDArray[np.int64] = np.rint(np.column_stack([prompts, answers])).astype(np.int64)
    return lengths


_long_prompts = functools.partial(_lognormal, prompt=(2100, 0.5), answer=(150, 0.6))
_very_long_prompts = functools.partial(_lognormal, prompt=(5500, 0.8), answer=(150, 0.6))


def _sharegpt(rate: float, seed: int, _azure: Path | None) -> Workload:
    return make_workload(1200, rate=rate, seed=seed)


def _multiround(seed: int, _azure: Path | None) -> Workload:
    return make_workload(500, rate=1.9, seed=seed, lengths=MultiRound(), max_length=8192)


def _bursts(seed: int, _azure: Path | None) -> Workload:
    return make_workload(1000, rate=3.3, seed=seed, arrivals=Gamma(cv=3.0))


def _long(seed: int, _azure: Path | None) -> Workload:
    return make_workload(1200, rate=8.5, seed=seed, lengths=_long_prompts)


def _azure_chat(seed: int, azure: Path | None) -> Workload:
    if azure is None:
        raise ValueError("this row needs the file of Azure's trace: --azure FILE")
    return trace_workload(azure, seed=seed, count=800, rate=6.5)


def _mooncake(seed: int, _azure: Path | None) -> Workload:
    """A trace in Mooncake's format, written and read again as a user's own would be."""
    drawn = make_workload(800, rate=2.4, seed=seed, lengths=_very_long_prompts)
    lines = [
        {
            "timestamp": round(1000 * one.arrival_s),
            "input_length": one.prompt_tokens,
            "output_length": one.output_tokens,
            "hash_ids": list(range(-(-one.prompt_tokens // 512))),
        }
        for one in drawn.requests
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mooncake.jsonl")
        path.write_text("".join(json.dumps(one) + "\n" for one in lines))
        return trace_workload(path, seed=seed)


def _on_small(rate: float, seed: int, _azure: Path | None) -> Workload:
    return make_workload(600, rate=rate, seed=seed, max_length=_LONGEST_ON_SMALL)


_OPT: Final = load_profile("opt-66b-4xa100")
_70B: Final = load_profile("llama-3-70b-4xh100")
_8B: Final = load_profile("llama-3-8b-a40")

ROWS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "ShareGPT 3.3/s": Row(
            about="ShareGPT lengths, OPT-66B", profile=_OPT, make=functools.partial(_sharegpt, 3.3)
        ),
        "ShareGPT 4.2/s": Row(
            about="the same, more of it", profile=_OPT, make=functools.partial(_sharegpt, 4.2)
        ),
        "multi-round": Row(
            about="conversations of 3.5 rounds, OPT-66B", profile=_OPT, make=_multiround
        ),
        "bursts": Row(about="ShareGPT in bursts, gamma CV 3, OPT-66B", profile=_OPT, make=_bursts),
        "long prompts": Row(
            about="prompts of 2,100 tokens (median), answers of 50 to 400, Llama-3-70B",
            profile=_70B,
            make=_long,
        ),
        NEEDS_AZURE: Row(
            about="chat of Azure's trace of 2023, Llama-3-8B on an A40",
            profile=_8B,
            make=_azure_chat,
        ),
        "mooncake": Row(
            about="prompts of 5,500 tokens (median) in Mooncake's format, Llama-3-70B",
            profile=_70B,
            make=_mooncake,
        ),
        "small 3/s": Row(
            about="a tiny model on two CPU cores",
            profile=SMALL,
            make=functools.partial(_on_small, 3.0),
        ),
        "small 5/s": Row(
            about="the same, more of it", profile=SMALL, make=functools.partial(_on_small, 5.0)
        ),
    }
)
"""By name, in the order of the table."""


def main() -> None:
    """The command."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    rows = [(name, row.about, row.profile.name) for name, row in ROWS.items()]
    print_table("The panel", ("row", "load", "server"), rows)


if __name__ == "__main__":
    main()
