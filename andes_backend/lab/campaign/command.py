"""What the command lines of campaigns have in common: options, how they start, and how they fail.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from andes_backend.lab.workload.options import count_value, seed_value
from andes_client.terminal_text import line

__all__ = ["add_jobs", "add_out", "add_seeds", "has_vllm", "run_command", "running_of", "seeds_of"]

_OUT: Final = Path("results")
_USAGE: Final = 2  # what argparse ends with, too
_WITHOUT_VLLM: Final = (
    "vLLM is not installed, and this command runs vLLM's scheduler. "
    "docs/installing-vllm.md says how to install it."
)


def add_seeds(group: argparse._ActionsContainer, *, default: int) -> None:
    """Add `--seeds` and `--seed`; `default` is how many."""
    group.add_argument(
        "--seeds",
        type=count_value,
        default=default,
        metavar="N",
        help=f"number of workloads (default: {default})",
    )
    group.add_argument(
        "--seed", type=seed_value, default=0, metavar="N", help="the first seed (default: 0)"
    )


def add_jobs(group: argparse._ActionsContainer) -> None:
    """Add `--jobs`."""
    group.add_argument(
        "--jobs",
        type=count_value,
        metavar="N",
        help="number of processes (default: one per CPU core)",
    )


def add_out(group: argparse._ActionsContainer, default: Path = _OUT) -> None:
    """Add `--out`."""
    group.add_argument(
        "--out",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"where to write (default: {default})",
    )


def seeds_of(arguments: argparse.Namespace) -> range:
    """All seeds."""
    return range(arguments.seed, arguments.seed + arguments.seeds)


def running_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of a `Spec`, by name."""
    return {
        "command": ["andes", *sys.argv[1:]],
        "out": arguments.out,
        "jobs": arguments.jobs or len(os.sched_getaffinity(0)),
    }


def has_vllm() -> bool:
    """Whether there is a module `vllm` at all; it is not imported."""
    return importlib.util.find_spec("vllm") is not None


def run_command(
    name: str, prepare: Callable[[], Callable[[], int]], *, without_vllm: str = _WITHOUT_VLLM
) -> int:
    """Check what was asked for, then run it; a user's mistake is one line on standard error.

    Args:
        name: of the command, without `andes`.
        prepare: makes and checks the spec, and returns what runs it. An OSError or ValueError
            that it raises says what is wrong with the spec; one raised later is a fault of ours
            or of the machine, and keeps its traceback.
        without_vllm: what to say where vLLM is missing.

    Returns:
        An exit status: that of the run; 1 without vLLM; 2 if the spec is wrong.
    """
    if not has_vllm():
        print(f"andes {name}: {without_vllm}", file=sys.stderr)
        return 1
    try:
        run = prepare()
    except (OSError, ValueError) as error:
        print(f"andes {name}: {line(str(error))}", file=sys.stderr)
        return _USAGE
    return run()
