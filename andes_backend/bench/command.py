"""`andes bench`: load a server and report what its readers saw.

    andes bench run --url http://127.0.0.1:8000 --model NAME
    andes bench compare --policies stock,qoe

`run` drives any OpenAI-compatible server that is there. `compare` needs none: it makes a
tiny model, starts vLLM once for each policy, and sends every one of them the same workload.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from andes_backend.command_line import server_url
from andes_backend.workload.options import (
    add_workload_options,
    count_value,
    settings_of,
    workload_from,
)
from andes_backend.workload.requests import check_fits

if TYPE_CHECKING:
    from andes_backend.bench.session import Plan

__all__ = ["add_parser"]

STOCK = "stock"
"""The policy's name for vLLM without our scheduler."""

_BLOCK_TOKENS = 32  # vLLM's CPU build takes no smaller blocks


def add_parser(subparsers: Any) -> None:
    """Add `andes bench` and its two commands."""
    parser = subparsers.add_parser("bench", help="load a server and report QoE, TTFT, TDS, stalls")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="load a server that is running")
    run.add_argument("--url", type=server_url, required=True, help="such as http://127.0.0.1:8000")
    run.add_argument("--model", required=True, help="the model's name at that server")
    _add_workload(run, max_length=None)
    run.set_defaults(run=_run)

    compare = commands.add_parser(
        "compare", help="start vLLM on this CPU once for each policy, with the same workload"
    )
    compare.add_argument(
        "--policies",
        type=_policies,
        default=(STOCK, "qoe"),
        metavar="NAME,...",
        help=f"in this order; {STOCK} is vLLM without our scheduler (default: {STOCK},qoe)",
    )
    compare.add_argument(
        "--kv-blocks",
        type=count_value,
        default=160,
        help="KV cache in blocks of 32 tokens; few make memory scarce (default: 160)",
    )
    _add_workload(compare, max_length=800)
    compare.set_defaults(run=_compare)


def _add_workload(parser: argparse.ArgumentParser, *, max_length: int | None) -> None:
    add_workload_options(parser, max_length=max_length)
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="where to write (default: results)"
    )


def _run(arguments: argparse.Namespace) -> int:
    from andes_backend.bench import session
    from andes_backend.bench.load import Target

    target = Target(url=arguments.url, model=arguments.model)
    return _told(lambda: session.run(_plan(arguments), target))


def _compare(arguments: argparse.Namespace) -> int:
    from andes_backend.bench import session

    policies = {name: None if name == STOCK else name for name in arguments.policies}

    def compare() -> int:
        plan = _plan(arguments)
        # Now, and not after a minute of starting vLLM.
        # vLLM keeps one block for itself.
        check_fits(plan.workload, (arguments.kv_blocks - 1) * _BLOCK_TOKENS)
        return session.compare(plan, policies, kv_blocks=arguments.kv_blocks)

    return _told(compare)


def _plan(arguments: argparse.Namespace) -> "Plan":
    from andes_backend.bench.session import Plan

    workload = workload_from(arguments)
    for remark in workload.remarks:
        print(f"andes bench: {remark}", file=sys.stderr)
    return Plan(workload, settings_of(arguments), arguments.out)


def _told(command: Callable[[], int]) -> int:
    """Run it; what the user can mend is a line on standard error, not a traceback."""
    from andes_backend.bench.server import ServerError
    from andes_backend.bench.session import SessionError
    from andes_backend.workload.requests import WorkloadError

    try:
        return command()
    except (ServerError, SessionError, WorkloadError, OSError) as error:
        print(f"andes bench: {error}", file=sys.stderr)
        return 1


def _policies(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise argparse.ArgumentTypeError(f"{name!r} is no policy's name (in {text!r})")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a policy is named twice in {text!r}")
    return names
