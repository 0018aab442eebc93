"""`andes plan`: how much load a server can take, and the GPUs and money that a policy saves.

    andes plan --profile llama-3-8b-a40 --demand 100 --price 0.8

vLLM's real scheduler runs on a virtual clock, as for `andes twin`. With `--url`, a live server is
calibrated first.
"""

import argparse
import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from andes_backend.lab.campaign.command import run_command, running_of, seeds_of
from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.plan.options import LIMITS, OWN, add_options
from andes_backend.lab.workload.options import settings_of, workload_from

if TYPE_CHECKING:
    from pathlib import Path

    from andes_backend.lab.plan.spec import PlanSpec
    from andes_backend.lab.workload import Workload
    from andes_backend.profile import Profile

__all__ = ["add_parser"]

_LEAST: Final = 20  # requests: of fewer, a 10th percentile means nothing


def add_parser(subparsers: Any) -> None:
    """Add `andes plan`."""
    parser = subparsers.add_parser(
        "plan",
        help="find out how much load a server can take, and what a policy saves",
        description="Find for each policy the highest request rate at which QoE is still as good "
        "as asked for, on a simulated server: vLLM's real scheduler on a virtual clock. With "
        "--demand, also say how many GPUs it needs, how many are saved, and the money. "
        "See docs/plan.md.",
    )
    add_options(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    return run_command("plan", partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace) -> Callable[[], int]:
    from andes_backend.lab.campaign.files import new_directory
    from andes_backend.lab.plan import session
    from andes_backend.lab.plan.store import Store

    spec = _spec(arguments)
    return partial(session.run, Store(spec, spec.directory or new_directory(spec.out, "plan")))


def _spec(arguments: argparse.Namespace) -> "PlanSpec":
    from andes_backend.lab.plan.spec import Goal, PlanSpec

    goal = Goal(qoe=arguments.qoe, p10=arguments.p10)
    if arguments.resume is not None and not (arguments.resume / "plan.json").exists():
        raise SpecError(f"--resume {arguments.resume}: it has no plan.json of an earlier run")
    name, profile, directory = _server(arguments)
    arrivals = settings_of(arguments)["arrivals"]
    return PlanSpec(
        profile_name=name,
        profile=profile,
        policies=arguments.policies,
        make=partial(_make, arguments),
        arrivals=None if arrivals is None else str(arrivals),
        seeds=seeds_of(arguments),
        goal=goal,
        workload=_workload(arguments),
        demand=arguments.demand,
        price=arguments.price,
        gpus_per_server=arguments.gpus_per_server,
        directory=directory,
        **running_of(arguments),
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
            raise SpecError("--model names the model of a live server: give its --url as well")
        if arguments.repetitions is not None:
            raise SpecError("--repetitions is of a live server's experiments: give its --url")
        profile = load_profile(arguments.profile)
        limits = {name: getattr(arguments, name) for name in LIMITS}
        given = {name: value for name, value in limits.items() if value is not None}
        return arguments.profile, dataclasses.replace(profile, **given), arguments.resume
    if arguments.model is None:
        raise SpecError("--url needs --model, the model's name at that server")
    from andes_backend.lab.plan.live import calibrated

    return calibrated(arguments)
