"""Does a server that admits less serve as well as one whose size is that limit?

    python benchmarks/admission_limits.py
    python benchmarks/admission_limits.py --policies stock,qoe,andes,vtc --requests 600

vLLM admits by more than its places and its memory: `--max-num-active-seqs` lets fewer run at once,
and `--watermark` keeps a share of the KV blocks free of newcomers. A plan that knows of it gives
the same QoE as on a server that has no more from the start. What runs is the twin: vLLM's own
scheduler on a virtual clock. Each limit runs at a rate that the limited server cannot take.
"""

import argparse
import dataclasses
import os
import sys
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from table import print_table

__all__ = ["main"]

_PROFILE: Final = "opt-66b-4xa100"


@dataclass(frozen=True)
class _Pair:
    """A limit, and the server whose size is that limit."""

    flag: str
    rate: float
    limited: dict[str, Any]
    """Of the twin's Setup."""
    small: dict[str, float]
    """Of the profile: times what it has."""


_PAIRS: Final = (
    _Pair(
        "--max-num-active-seqs 8 of 64",
        0.8,
        {"max_num_active_seqs": 8},
        {"max_sequences": 8 / 64},
    ),
    _Pair("--watermark 0.1", 2.2, {"watermark": 0.1}, {"kv_tokens": 0.9}),
    _Pair("--watermark 0.3", 2.2, {"watermark": 0.3}, {"kv_tokens": 0.7}),
)
_PLACES: Final = 64  # of the limited server
_MEMORY: Final = 4  # it has this part of what the profile has: a short workload fills it, too


def main() -> int:
    """Compare both servers of each pair, by policy and seed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--policies", default="stock,qoe,andes", metavar="NAME,...")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    rows = []
    for pair in _PAIRS:
        for policy in arguments.policies.split(","):
            found = [
                _qoe(pair, policy, arguments.requests, seed) for seed in range(arguments.seeds)
            ]
            limited, small = zip(*found, strict=True)
            away = [one - other for one, other in found]
            rows.append(
                (
                    pair.flag,
                    policy,
                    f"{fmean(limited):.3f}",
                    f"{fmean(small):.3f}",
                    " ".join(f"{one:+.4f}" for one in away),
                )
            )
            print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
    heads = ("limit", "policy", "limited", "smaller server", "difference by seed")
    title = f"Mean QoE, {_PROFILE}, 1/{_MEMORY} of its memory, {arguments.requests} requests"
    print_table(title, heads, rows)
    return 0


def _qoe(pair: _Pair, policy: str, requests: int, seed: int) -> tuple[float, float]:
    """Mean QoE of the limited server, and of the small one."""
    from andes_backend.lab.report.run import Run, summarise
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload
    from andes_backend.profile import load_profile

    workload = make_workload(requests, rate=pair.rate, seed=seed)
    profile = load_profile(_PROFILE)
    whole = dataclasses.replace(
        profile, max_sequences=_PLACES, kv_tokens=profile.kv_tokens // _MEMORY
    )
    less = {name: round(share * getattr(whole, name)) for name, share in pair.small.items()}
    found = []
    for setup in (
        Setup(profile=whole, policy=policy, **pair.limited),
        Setup(profile=dataclasses.replace(whole, **less), policy=policy),
    ):
        done = simulate(workload, setup)
        qoe = summarise(Run(policy, {}, done.outcomes, requests, done.preemptions)).qoe_mean
        assert qoe is not None  # there are requests
        found.append(qoe)
    return found[0], found[1]


if __name__ == "__main__":
    sys.exit(main())
