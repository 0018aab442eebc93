"""`andes sensitivity`: what is left of a policy's gain where its assumptions do not hold.

    andes sensitivity --profile opt-66b-4xa100 --rate 3.6

vLLM's real scheduler runs on a virtual clock, as for `andes twin`.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from andes_backend.lab.campaign.command import (
    add_jobs,
    add_out,
    add_seeds,
    run_command,
    running_of,
    seeds_of,
)
from andes_backend.lab.option_types import finite_number, jitter_value, list_of
from andes_backend.lab.twin.options import policy_value
from andes_backend.lab.workload.options import (
    add_workload_options,
    count_value,
    rate_value,
    settings_of,
    workload_from,
)

if TYPE_CHECKING:
    from andes_backend.lab.twin.sensitivity.spec import SensitivitySpec
    from andes_backend.lab.workload import Workload
    from andes_backend.profile import Profile

__all__ = ["add_parser"]

_OWN: Final = ("rate", "requests", "seed")
_PROFILE: Final = "opt-66b-4xa100"
_OVER: Final = 1.2  # times what the server completes: an overload
_REQUESTS: Final = 1000


def add_parser(subparsers: Any) -> None:
    """Add `andes sensitivity`."""
    parser = subparsers.add_parser(
        "sensitivity",
        help="find out what is left of a gain when assumptions do not hold",
        description="Find out how much of each policy's gain over the first one survives when "
        "readers are faster than they say, hints are missing, output lengths change, or the "
        "network is uneven. See docs/sensitivity.md.",
    )
    _add_server(parser)
    _add_deviations(parser)
    group = parser.add_argument_group("workload")
    group.add_argument(
        "--rate",
        type=rate_value,
        metavar="R",
        help="requests/s (default: a fifth more than the server completes)",
    )
    group.add_argument(
        "--requests",
        type=count_value,
        default=_REQUESTS,
        metavar="N",
        help=f"number of requests; of a trace, that many from its start (default: {_REQUESTS})",
    )
    add_workload_options(parser, without=_OWN)
    group = parser.add_argument_group("running and reporting")
    add_seeds(group, default=5)
    add_jobs(group)
    add_out(group)
    parser.set_defaults(run=_run)


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        default=_PROFILE,
        metavar="NAME",
        help=f"model and GPUs: a built-in name or a .json file (default: {_PROFILE})",
    )
    parser.add_argument(
        "--kv-tokens",
        type=count_value,
        metavar="N",
        help="tokens that fit the KV cache (default: the profile's)",
    )
    parser.add_argument(
        "--policies",
        type=list_of(policy_value),
        default=("stock", "andes", "qoe"),
        metavar="NAME,...",
        help="the first is what the others gain over; see `andes twin` (default: stock,andes,qoe)",
    )


def _add_deviations(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what changes")
    group.add_argument(
        "--faster",
        type=finite_number,
        default=0.3,
        metavar="SHARE",
        help="readers read this much faster than they say; below 0: slower (default: 0.3)",
    )
    group.add_argument(
        "--missing",
        type=finite_number,
        default=0.5,
        metavar="SHARE",
        help="share of the requests that have no hints (default: 0.5)",
    )
    group.add_argument(
        "--shift",
        type=finite_number,
        default=2.0,
        metavar="TIMES",
        help="outputs become this many times as long, or as short, in the middle (default: 2)",
    )
    group.add_argument(
        "--jitter-ms",
        type=jitter_value,
        default=(0.05, 0.5),
        metavar="FROM-TO",
        help="delay that the network adds to each token; tokens stay in order (default: 50-500)",
    )


def _run(arguments: argparse.Namespace) -> int:
    return run_command("sensitivity", partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace) -> Callable[[], int]:
    from andes_backend.lab.twin.sensitivity import session

    return partial(session.run, _spec(arguments))


def _spec(arguments: argparse.Namespace) -> "SensitivitySpec":
    from andes_backend.lab.twin.saturation import saturation
    from andes_backend.lab.twin.sensitivity.scenarios import Deviations
    from andes_backend.lab.twin.sensitivity.spec import SensitivitySpec

    deviations = Deviations(
        faster=arguments.faster,
        missing=arguments.missing,
        shift=arguments.shift,
        jitter_s=arguments.jitter_ms,
    )
    profile = _profile(arguments)
    arrivals = settings_of(arguments)["arrivals"]
    rate = arguments.rate
    if rate is None:
        rate = _OVER * saturation(profile, _make(arguments, 1.0, None, arguments.seed))
    return SensitivitySpec(
        profile_name=arguments.profile,
        profile=profile,
        policies=arguments.policies,
        make=partial(_make, arguments),
        arrivals=None if arrivals is None else str(arrivals),
        rate=rate,
        seeds=seeds_of(arguments),
        deviations=deviations,
        workload={k: v for k, v in settings_of(arguments).items() if k not in ("rate", "seed")},
        **running_of(arguments),
    )


def _profile(arguments: argparse.Namespace) -> "Profile":
    from dataclasses import replace

    from andes_backend.profile import load_profile

    profile = load_profile(arguments.profile)
    kv_tokens = arguments.kv_tokens
    return profile if kv_tokens is None else replace(profile, kv_tokens=kv_tokens)


def _make(
    arguments: argparse.Namespace, rate: float | None, arrivals: str | None, seed: int
) -> "Workload":
    del arrivals  # they stand in the arguments, too
    return workload_from(arguments, rate=rate, seed=seed)


# Types of options. Each raises argparse.ArgumentTypeError.
