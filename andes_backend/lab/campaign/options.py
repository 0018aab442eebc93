"""The options that campaigns have in common, and what they say.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Final

from andes_backend.lab.workload.options import count_value, seed_value

__all__ = ["add_jobs", "add_out", "add_seeds", "running_of", "seeds_of"]

_OUT: Final = Path("results")


def add_seeds(group: argparse._ActionsContainer, *, default: int) -> None:
    """Add `--seeds` and `--seed`; `default` is how many."""
    group.add_argument(
        "--seeds",
        type=count_value,
        default=default,
        metavar="N",
        help=f"how many (default: {default})",
    )
    group.add_argument(
        "--seed", type=seed_value, default=0, metavar="N", help="the first of them (default: 0)"
    )


def add_jobs(group: argparse._ActionsContainer) -> None:
    """Add `--jobs`."""
    group.add_argument(
        "--jobs", type=count_value, metavar="N", help="processes (default: one per CPU core)"
    )


def add_out(group: argparse._ActionsContainer, default: Path = _OUT) -> None:
    """Add `--out`."""
    group.add_argument(
        "--out", type=Path, default=default, help=f"where to write (default: {default})"
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
