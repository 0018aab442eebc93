"""`andes board`: watch a server's requests under stock vLLM and under Andes."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from andes_client.terminal_text import line

if TYPE_CHECKING:
    from andes_demos.board.app import LiveBoard, RaceBoard
    from andes_demos.board.race import Race

__all__ = ["add_parser"]

_DESCRIPTION: Final = """\
Watch simulated servers handle the same requests side by side, by default stock vLLM and Andes:
which requests wait and which run, how much text each reader has in hand, and the QoE of each
server. The servers run vLLM's own scheduler on a virtual clock; keys change its speed. With --url,
watch the figures of a real server.
"""
_MOST: Final = 3  # servers that fit beside each other


def add_parser(subparsers: Any) -> None:
    """Add `andes board`."""
    parser = subparsers.add_parser(
        "board",
        help="watch requests under stock vLLM and under Andes",
        description=_DESCRIPTION,
        allow_abbrev=False,
    )
    parser.add_argument("--url", help="a running vLLM server, such as http://localhost:8000")
    parser.add_argument(
        "--policies",
        default="stock,qoe",
        metavar="NAME,...",
        help="at most three policies (default: stock,qoe)",
    )
    parser.add_argument(
        "--profile",
        default="opt-66b-4xa100",
        metavar="NAME",
        help="model and GPUs, see `andes twin --list-profiles` (default: opt-66b-4xa100)",
    )
    parser.add_argument(
        "--rate", type=float, default=4.0, metavar="R", help="requests/s (default: 4)"
    )
    parser.add_argument(
        "--requests", type=int, default=1000, metavar="N", help="number of requests (default: 1000)"
    )
    parser.add_argument(
        "--restless",
        action="store_true",
        help="readers pause (z), skim (») and leave (×); each of our policies is shown twice: "
        "unheard, and heard, when readers report what they do",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the arrivals (default: 0)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=5.0,
        metavar="X",
        help="speed of the clock at the start (default: 5)",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        return _watch_live(arguments.url) if arguments.url else _watch_race(arguments)
    except (OSError, ValueError) as error:
        print(f"andes board: {line(str(error))}", file=sys.stderr)
        return 2


def _watch_live(url: str) -> int:
    from andes_demos.board.app import LiveBoard
    from andes_demos.board.live import Server

    if not url.startswith(("http://", "https://")):
        raise ValueError(f"--url must be a URL such as http://localhost:8000, not {url!r}")
    return _watch(LiveBoard(Server(url)))


def _watch_race(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("vllm") is None:
        print(
            "andes board: the simulated servers run vLLM's scheduler, but vLLM is not installed. "
            "To install it, see docs/installing-vllm.md; to watch a running server, use --url.",
            file=sys.stderr,
        )
        return 1
    from andes_demos.board.app import SPEEDS, RaceBoard

    if arguments.speed not in SPEEDS:
        raise ValueError(
            f"--speed must be one of {', '.join(f'{one:g}' for one in SPEEDS)}, "
            f"not {arguments.speed:g}"
        )
    policies = _check(arguments)
    # Before anything imports vLLM: its log would be written over the screen.
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    return _watch(
        RaceBoard(
            lambda seed: _race(arguments, policies, seed),
            len(_servers(policies, restless=arguments.restless)),
            about=f"{arguments.profile}, {arguments.rate:g} requests/s",
            seed=arguments.seed,
            speed=arguments.speed,
        )
    )


def _watch(board: "LiveBoard | RaceBoard") -> int:
    from andes_demos.leaving import gives_terminal_back

    with gives_terminal_back(board):
        board.run()
    return board.return_code or 0


def _check(arguments: argparse.Namespace) -> list[str]:
    """The policies; whatever could go wrong later goes wrong here, where it can be read."""
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload
    from andes_backend.profile import load_profile

    policies = list(dict.fromkeys(arguments.policies.split(",")))
    shown = len(_servers(policies, restless=arguments.restless))
    if shown > _MOST:
        raise ValueError(
            f"at most {_MOST} servers fit beside each other, not {shown}: name fewer "
            "with --policies"
        )
    profile = load_profile(arguments.profile)
    for policy in policies:
        Setup(profile=profile, policy=policy)
    make_workload(arguments.requests, rate=arguments.rate, seed=arguments.seed)
    return policies


def _race(arguments: argparse.Namespace, policies: list[str], seed: int) -> "Race":
    from andes_backend.lab.twin.sensitivity.scenarios import RESTLESS
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import behaving, make_workload
    from andes_backend.profile import load_profile
    from andes_demos.board.race import Race

    profile = load_profile(arguments.profile)
    workload = make_workload(arguments.requests, rate=arguments.rate, seed=seed)
    if arguments.restless:
        workload = behaving(workload, RESTLESS)
    servers = _servers(policies, restless=arguments.restless)
    return Race(
        workload,
        [Setup(profile=profile, policy=policy, reports=heard) for policy, heard in servers],
    )


def _servers(policies: Sequence[str], *, restless: bool) -> list[tuple[str, bool]]:
    """Of each server the policy, and whether it hears what readers report."""
    heard = (False, True) if restless else (False,)
    return [(name, one) for name in policies for one in heard if name != "stock" or not one]
