"""The options of `andes twin`. Those that take a list are the axes of its sweep.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import math
from functools import partial
from typing import Final

from andes_backend.lab.campaign.command import add_jobs, add_out, add_seeds
from andes_backend.lab.option_types import (
    checked_setting,
    jitter_value,
    list_of,
    number_or_word,
    setting_value,
)
from andes_backend.lab.twin.fleet.options import add_fleet_options
from andes_backend.lab.twin.options import policy_value
from andes_backend.lab.workload.options import (
    add_workload_options,
    arrivals_value,
    behaviour_value,
    count_value,
    rate_value,
    seed_value,
)

__all__ = ["VARIED", "add_options"]

VARIED: Final = ("rate", "seed", "arrivals")
"""What a workload has one of and a sweep has many of."""

_MOST_JITTER_S: Final = 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all of them: servers, policies, workload, running and reporting."""
    _add_servers(parser)
    _add_policies(parser)
    _add_varied_workload(parser)
    add_workload_options(parser, without=VARIED)
    add_fleet_options(parser)
    _add_running(parser)


def _add_servers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("servers")
    group.add_argument(
        "--profile",
        type=list_of(_name),
        default=("opt-66b-4xa100",),
        metavar="NAME,...",
        help="model and GPUs: built-in names (see --list-profiles) or .json files "
        "(default: opt-66b-4xa100)",
    )
    group.add_argument("--list-profiles", action="store_true", help="show the built-in profiles")
    group.add_argument(
        "--kv-tokens",
        type=list_of(count_value),
        default=(None,),
        metavar="N,...",
        help="tokens that fit the KV cache (default: the profile's)",
    )
    group.add_argument(
        "--prefix-caching",
        type=list_of(_switch),
        default=(True,),
        metavar="on,off",
        help="whether vLLM may find a preempted request's KV blocks again (default: on)",
    )
    group.add_argument(
        "--kv-restore-gb-s",
        type=list_of(_bandwidth),
        default=(None,),
        metavar="GB/S,...",
        help="KV restore: the server restores a preempted request from CPU memory at this speed; "
        "off: it computes it again (default: off)",
    )
    group.add_argument(
        "--reload-gb-s",  # its name before
        type=list_of(_bandwidth),
        default=argparse.SUPPRESS,
        dest="kv_restore_gb_s",
        help=argparse.SUPPRESS,
    )
    group.add_argument(
        "--async-scheduling",
        type=list_of(_switch),
        default=(True,),
        metavar="on,off",
        help="whether vLLM schedules a step while the one before still runs (default: on)",
    )
    group.add_argument(
        "--max-num-active-seqs",
        type=list_of(count_value),
        default=(None,),
        metavar="N,...",
        help="vLLM's option: most requests that run at once (default: the profile's max_sequences)",
    )
    group.add_argument(
        "--watermark",
        type=list_of(_below_one),
        default=(0.0,),
        metavar="SHARE,...",
        help="vLLM's option: share of the KV cache that newcomers leave free (default: 0)",
    )
    group.add_argument(
        "--long-prefill-token-threshold",
        type=list_of(_tokens),
        default=(0,),
        metavar="N,...",
        help="vLLM's option: most tokens of one prompt in a step; 0: as many as fit (default: 0)",
    )


def _add_policies(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("policies")
    group.add_argument(
        "--policies",
        type=list_of(policy_value),
        default=("stock", "qoe"),
        metavar="NAME,...",
        help="stock (vLLM's own order), priority (vLLM's own, people before programs), qoe, "
        "andes (the paper's), vtc (fair between users), fcfs, round-robin, rpm (a limit of "
        "requests per minute for each user), shortest-first (knows the true lengths); "
        "schedulers of others, reconstructed: tokenflow, predicted-shortest, mlfq (FastServe's); "
        "the first is what the others are compared with (default: stock,qoe)",
    )
    group.add_argument(
        "--bound",
        type=list_of(_lateness),
        nargs="?",
        const=(math.inf,),
        default=(),
        dest="bounds",
        metavar="S,...",
        help="also compute the mean QoE that no schedule surpasses, even one that knows the "
        "future; with seconds: no schedule that ends every response at most this late (`any`: "
        "no such limit, as without a value)",
    )
    group.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE,...",
        help="a setting of our scheduler, as in docs/operator.md; may be repeated",
    )


def _add_varied_workload(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("workload")
    group.add_argument(
        "--rate",
        type=list_of(rate_value),
        dest="rates",
        metavar="R,...",
        help="requests/s (default: 3; with --trace, the trace's own times)",
    )
    group.add_argument(
        "--arrivals",
        type=arrivals_value,
        action="append",
        dest="processes",
        metavar="SPEC",
        help="poisson, gamma:cv=3, onoff:on=10,off=20, duty:intensity=2,duration=0.35,period=60 "
        "or diurnal:amplitude=0.8,period=600; may be repeated "
        "(default: poisson; with --trace, the trace's own times)",
    )
    group.add_argument(
        "--behaviour",
        type=behaviour_value,
        metavar="SPEC",
        help="readers who pause, skim, have all revealed or leave, such as "
        "restless:pausing=0.2,skimming=0.2,revealing=0.1,leaving=0.25 (default: all read on)",
    )
    group.add_argument(
        "--reports",
        type=list_of(_switch),
        default=(False,),
        metavar="off,on",
        help="whether readers report to our scheduler what they do, 100 ms late, with 2%% of the "
        "reports lost (default: off)",
    )
    group.add_argument(
        "--jitter-ms",
        type=_jitter,
        metavar="FROM-TO",
        help="delay that the network adds to each token; tokens stay in order (default: none)",
    )
    add_seeds(group, default=1)


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running and reporting")
    add_jobs(group)
    add_out(group)
    group.add_argument(
        "--keep-requests", action="store_true", help="also write a record of every request"
    )
    group.add_argument(
        "--detail",
        type=rate_value,
        metavar="RATE",
        help="draw requests and queues at this rate (default: only if there is one workload)",
    )
    group.add_argument(
        "--request",
        type=seed_value,
        metavar="INDEX",
        help="the request to draw, from 0 (default: one that the policies serve differently)",
    )


# Types of options. Each raises argparse.ArgumentTypeError.


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("there is a comma with no name before or after it")
    return text


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"{text!r} must be on or off")
    return text == "on"


def _bandwidth(text: str) -> float | None:
    if text == "off":
        return None
    value = number_or_word(text)
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of GB/s above 0, or off")
    return float(value)


def _below_one(text: str) -> float:
    value = number_or_word(text)
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to below 1")
    return float(value)


def _tokens(text: str) -> int:
    value = number_or_word(text)
    if not isinstance(value, int) or value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of tokens, 0 or more")
    return value


def _jitter(text: str) -> tuple[float, float]:
    least, most = jitter_value(text)
    if not 0 <= least <= most <= _MOST_JITTER_S:
        limit = f"{1e3 * _MOST_JITTER_S:g}"
        raise argparse.ArgumentTypeError(f"{text!r} must rise, from 0 to {limit} at most")
    return least, most


def _lateness(text: str) -> float:
    if text == "any":
        return math.inf
    value = number_or_word(text)
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds above 0, or any")
    return float(value)


def _setting(text: str) -> tuple[str, tuple[int | float | str, ...]]:
    name, values = setting_value(text)
    return name, list_of(partial(checked_setting, name))(values)
