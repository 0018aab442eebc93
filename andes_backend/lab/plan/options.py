"""The options of `andes plan`.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
from pathlib import Path
from typing import Final

from andes_backend.command_line import server_url
from andes_backend.lab.calibrate.command import add_limits
from andes_backend.lab.campaign.command import add_jobs, add_out, add_seeds
from andes_backend.lab.option_types import finite_number, list_of
from andes_backend.lab.twin.options import policy_value
from andes_backend.lab.workload.options import add_workload_options, count_value

__all__ = ["LIMITS", "OWN", "add_options"]

LIMITS: Final = ("kv_tokens", "block_size", "max_sequences", "max_step_tokens")
"""What a server can hold: options, and entries of a profile."""

OWN: Final = ("rate", "requests", "seed")
"""Options of a workload that this command has in its own way, or not at all."""

_PROFILE: Final = "opt-66b-4xa100"
_MINUTES: Final = 4.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all of them: server, goal, money, workload, running."""
    _add_server(parser)
    _add_goal(parser)
    group = parser.add_argument_group("workload, the same for all")
    group.add_argument(
        "--minutes",
        type=_above_0,
        default=_MINUTES,
        metavar="M",
        help="how long requests keep arriving, at every rate (default: 4); in an overload, the "
        "queue grows all the time",
    )
    group.add_argument(
        "--requests",
        type=count_value,
        metavar="N",
        help="number of requests at every rate, instead of --minutes (default: with --trace, all)",
    )
    add_workload_options(parser, without=OWN)
    _add_running(parser)


def _add_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server; its limits replace those of a profile")
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--profile",
        metavar="NAME",
        default=_PROFILE,
        help="model and GPUs: a built-in name or a .json file; `andes twin --list-profiles` shows "
        f"them (default: {_PROFILE})",
    )
    which.add_argument(
        "--url",
        type=server_url,
        help="an idle live vLLM server: calibrate it first (see `andes calibrate`)",
    )
    group.add_argument("--model", help="with --url: the model's name at that server")
    group.add_argument(
        "--repetitions",
        type=count_value,
        metavar="N",
        help="with --url: repetitions of each experiment (default: 3)",
    )
    add_limits(group)
    parser.set_defaults(max_step_tokens=None)  # of a profile it is the profile's
    group.add_argument(
        "--gpus-per-server",
        type=count_value,
        metavar="N",
        help="GPUs that one server takes (default: the profile's)",
    )


def _add_goal(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("goal")
    group.add_argument(
        "--policies",
        type=list_of(policy_value),
        default=("stock", "andes", "qoe"),
        metavar="NAME,...",
        help="the first is what the others are compared with; see `andes twin` "
        "(default: stock,andes,qoe)",
    )
    group.add_argument(
        "--qoe",
        type=finite_number,
        default=0.9,
        metavar="Q",
        help="mean QoE to keep (default: 0.9)",
    )
    group.add_argument(
        "--p10", type=finite_number, metavar="Q", help="10th percentile of QoE to keep as well"
    )
    group.add_argument(
        "--demand",
        type=finite_number,
        metavar="RATE",
        help="requests/s that all servers together must take, to count GPUs and money",
    )
    group.add_argument(
        "--price",
        type=finite_number,
        metavar="AMOUNT",
        help="price of a GPU for an hour, in any currency",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running and reporting")
    add_seeds(group, default=5)
    add_jobs(group)
    add_out(group)
    group.add_argument(
        "--resume",
        type=Path,
        metavar="DIRECTORY",
        help="resume an interrupted run, with its options",
    )


def _above_0(text: str) -> float:
    value = finite_number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be above 0")
    return value
