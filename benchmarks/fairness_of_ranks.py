"""What fairness is lost when data-parallel ranks do not tell each other whom they serve.

    python benchmarks/fairness_of_ranks.py             three seeds; two minutes

Two simulated ranks, and two users who both ask for more than they can get: the requests of one all
go to the first rank, as a router does that keeps a user where the prefix cache is; those of the
other go to both by turns. Fair is the same service for both. Without the exchange
(`exchange_dir`) each rank is fair by itself, and the second user gets the other rank on top.
"""

import argparse
import os
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from table import print_table

from andes_backend.lab.workload import Fixed, Request, Workload, make_workload, together
from andes_backend.profile import load_profile

__all__ = ["main"]

if TYPE_CHECKING:
    from andes_backend.lab.report.service import Service

_ONE, _BOTH = "on one rank", "on both ranks"


def _workload(seed: int) -> Workload:
    users = {
        name: make_workload(600, rate=6.0, seed=10 * seed + i, lengths=Fixed(128, 128))
        for i, name in enumerate((_ONE, _BOTH))
    }
    return together(users, name="two users")


def _place(index: int, request: Request) -> int:
    return 0 if request.user == _ONE else index % 2


def _share(policy: str, seed: int, *, shared: bool) -> float:
    """Of the service that both receive while requests come, what the user on one rank gets."""
    found = _served(policy, _workload(seed), shared=shared)
    received = dict(zip(found.users, found.received[:, -1].tolist(), strict=True))
    return float(received[_ONE] / sum(received.values()))


def _served(policy: str, workload: Workload, *, shared: bool) -> "Service":
    from andes_backend.lab.report.service import service
    from andes_backend.lab.twin.fair.ranks import simulate_ranks
    from andes_backend.lab.twin.setup import Setup

    profile = replace(load_profile("llama-3-8b-a40"), kv_tokens=3000)
    outcomes = simulate_ranks(
        workload, Setup(profile=profile, policy=policy), _place, ranks=2, shared=shared
    )
    return service(outcomes, until_s=workload.requests[-1].arrival_s)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    seeds = range(parser.parse_args().seeds)
    rows = []
    for policy in ("fcfs", "vtc", "qoe"):
        shares = [
            statistics.median(_share(policy, seed, shared=shared) for seed in seeds)
            for shared in (False, True)
        ]
        rows.append((policy, *(f"{share:.1%}" for share in shares)))
    print_table(
        f"Share of the user whose requests are all on one of two ranks; median of {len(seeds)} "
        "seeds; 50% is fair",
        ("", "each rank for itself", "with the exchange"),
        rows,
    )


if __name__ == "__main__":
    main()
