"""`andes fair`: what several users of one server get, under each policy.

    andes fair flood
    andes fair all --policies stock,vtc,qoe --out results/fair

vLLM's real scheduler runs on a virtual clock, as for `andes twin`.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from andes_backend.lab.campaign.command import add_jobs, add_out, run_command, running_of

if TYPE_CHECKING:
    from andes_backend.lab.twin.fair.measure import Task

__all__ = ["add_parser"]

_ALL: Final = "all"
_NAMES: Final = ("overload", "on-off", "short-long", "shift", "mixed", "flood", "balanced")
_POLICIES: Final = "stock,rpm,least-counter,vtc,qoe-unfair,qoe"
_PROFILE: Final = "llama-3-8b-a40"


def add_parser(subparsers: Any) -> None:
    """Add `andes fair`."""
    parser = subparsers.add_parser(
        "fair",
        help="compare what several users of one server get",
        description="Compare what several users of one server get under each policy: vLLM's real "
        "scheduler on a virtual clock. See docs/fairness.md.",
    )
    parser.add_argument(
        "scenario", nargs="+", choices=(*_NAMES, _ALL), help="which users ask for what"
    )
    parser.add_argument(
        "--policies",
        default=_POLICIES,
        metavar="NAME,...",
        help=f"which to compare (default: {_POLICIES})",
    )
    parser.add_argument(
        "--profile",
        default=_PROFILE,
        metavar="NAME",
        help=f"model and GPUs, see `andes twin --list-profiles` (default: {_PROFILE})",
    )
    parser.add_argument(
        "--kv-tokens",
        type=int,
        default=10_000,
        metavar="N",
        help="tokens that fit the KV cache (default: 10000)",
    )
    parser.add_argument(
        "--rpm",
        type=int,
        metavar="N",
        help="the limit of rpm, requests per minute for each user (default: an even share of 180)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the workloads (default: 0)"
    )
    add_jobs(parser)
    add_out(parser, Path("results/fair"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    return run_command("fair", partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace) -> Callable[[], int]:
    from andes_backend.lab.campaign.spec import Spec
    from andes_backend.lab.twin.fair import session

    return partial(session.run, _tasks(arguments), Spec(**running_of(arguments)))


def _tasks(arguments: argparse.Namespace) -> "list[Task]":
    from dataclasses import replace

    from andes_backend.lab.campaign.spec import SpecError
    from andes_backend.lab.twin.fair.measure import CONTENDERS, Task
    from andes_backend.profile import load_profile

    for name, least in (("kv_tokens", 4096), ("rpm", 1), ("seed", 0)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            option = "--" + name.replace("_", "-")
            raise SpecError(f"{option} must be {least} or more, not {value}")
    policies = list(dict.fromkeys(arguments.policies.split(",")))
    for policy in policies:
        if policy not in CONTENDERS:
            known = ", ".join(CONTENDERS)
            raise SpecError(f"cannot compare the policy {policy!r}; choose from {known}")
    profile = replace(load_profile(arguments.profile), kv_tokens=arguments.kv_tokens)
    scenarios = _NAMES if _ALL in arguments.scenario else dict.fromkeys(arguments.scenario)
    return [
        Task(
            scenario=scenario,
            contender=policy,
            seed=arguments.seed,
            profile=profile,
            requests_per_minute=arguments.rpm,
        )
        for scenario in scenarios
        for policy in policies
    ]
