"""`andes plan`: how much load a server can take, and the GPUs and money that a policy saves.

    andes plan --profile llama-3-8b-a40 --demand 100 --price 0.8

vLLM's real scheduler runs on a virtual clock, as for `andes twin`. With `--url`, a live server is
calibrated first.
"""

import argparse
import dataclasses
import importlib.util
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from andes_backend.lab.plan.options import LIMITS, OWN, add_options
from andes_backend.lab.workload.options import settings_of, workload_from

if TYPE_CHECKING:
    from pathlib import Path

    from andes_backend.lab.plan.order import Order
    from andes_backend.lab.workload import Workload
    from andes_backend.profile import Profile

__all__ = ["add_parser"]

_USAGE: Final = 2  # what argparse ends with, too
_LEAST: Final = 20  # requests: of fewer, a 10th percentile means nothing


def add_parser(subparsers: Any) -> None:
    """Add `andes plan`."""
    parser = subparsers.add_parser(
        "plan",
        help="find out how much load a server can take, and what a policy saves",
        description="Find for each policy the highest request rate at which QoE is still as good "
        "as asked for, on a simulated server: vLLM's real scheduler on a virtual clock. Then the "
        "GPUs that a demand needs, those saved, and the money. See docs/plan.md.",
    )
    add_options(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not _has_vllm():
        print(
            "andes plan: vLLM is not installed, and it is vLLM's scheduler that runs. "
            "docs/installing-vllm.md says how to install it.",
            file=sys.stderr,
        )
        return 1
    from andes_backend.lab.plan import session

    try:
        order = _order(arguments)
        return session.run(order)
    except (OSError, ValueError) as error:
        print(f"andes plan: {error}", file=sys.stderr)
        return _USAGE


def _has_vllm() -> bool:
    return importlib.util.find_spec("vllm") is not None


def _order(arguments: argparse.Namespace) -> "Order":
    from andes_backend.lab.plan.order import Goal, Order

    goal = Goal(qoe=arguments.qoe, p10=arguments.p10)
    if arguments.resume is not None and not (arguments.resume / "plan.json").exists():
        raise ValueError(f"--resume {arguments.resume}: there is no plan.json of an earlier run")
    name, profile, directory = _server(arguments)
    arrivals = settings_of(arguments)["arrivals"]
    return Order(
        profile_name=name,
        profile=profile,
        policies=arguments.policies,
        make=partial(_make, arguments),
        arrivals=None if arrivals is None else str(arrivals),
        seeds=range(arguments.seed, arguments.seed + arguments.seeds),
        goal=goal,
        workload=_workload(arguments),
        demand=arguments.demand,
        price=arguments.price,
        gpus_per_server=arguments.gpus_per_server,
        command=["andes", *sys.argv[1:]],
        out=arguments.out,
        directory=directory,
        jobs=arguments.jobs or len(os.sched_getaffinity(0)),
    )


def _make(
    arguments: argparse.Namespace, rate: float | None, arrivals: str | None, seed: int
) -> "Workload":
    """The workload at a rate; as long in minutes at each, or as many requests."""
    del arrivals  # they stand in the arguments, too
    assert rate is not None
    count = arguments.requests
    if count is None and arguments.trace is None:
        count = max(_LEAST, round(rate * 60 * arguments.minutes))
    chosen = argparse.Namespace(**{**vars(arguments), "requests": count})
    return workload_from(chosen, rate=rate, seed=seed)


def _workload(arguments: argparse.Namespace) -> dict[str, object]:
    """How workloads are made, apart from rate and seed."""
    plain = {name: value for name, value in settings_of(arguments).items() if name not in OWN}
    by_time = arguments.requests is None and arguments.trace is None
    return {
        **plain,
        "requests": arguments.requests,
        "minutes": arguments.minutes if by_time else None,
    }


def _server(arguments: argparse.Namespace) -> "tuple[str, Profile, Path | None]":
    """What to call it, its profile, and the directory of results if there is one already."""
    from andes_backend.profile import load_profile

    if arguments.url is None:
        if arguments.model is not None:
            raise ValueError("--model is the model at a live server: give its --url, too")
        profile = load_profile(arguments.profile)
        limits = {name: getattr(arguments, name) for name in LIMITS}
        given = {name: value for name, value in limits.items() if value is not None}
        return arguments.profile, dataclasses.replace(profile, **given), arguments.resume
    if arguments.model is None:
        raise ValueError("--url needs --model, the model's name at that server")
    from andes_backend.lab.plan.live import calibrated

    return calibrated(arguments)
