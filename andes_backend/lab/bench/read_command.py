"""`andes bench read`: QoE from the files of other benchmarks.

    andes bench read openai-2.0qps-tiny.json --expectation reading
    andes bench read stock/profile_export_raw.jsonl ours/profile_export_raw.jsonl

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from andes_backend.lab.bench.expectation_value import EXPECTATIONS, expectation_value
from andes_backend.lab.workload.options import ttft_value
from andes_client.terminal_text import line

__all__ = ["add_read"]


def add_read(commands: Any) -> None:
    """Add `andes bench read` to the commands of `andes bench`."""
    what = "report QoE from files of vllm bench serve, AIPerf, and andes bench"
    read = commands.add_parser(
        "read",
        help=what,
        description=f"{what[0].upper()}{what[1:]}: `vllm bench serve --save-result "
        "--save-detailed`, `aiperf profile --export-level raw`, and our own. The kind of a file is "
        "recognised by its contents. Several runs are shown side by side.",
    )
    read.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file of results")
    read.add_argument(
        "--expectation",
        type=expectation_value,
        metavar="SPEC",
        help=f"what all readers expect: {EXPECTATIONS} (default: reading, 4.8 tokens/s; for files "
        "of andes bench, what each of their readers expects)",
    )
    read.add_argument(
        "--ttft",
        type=ttft_value,
        metavar="S",
        help="seconds to the first token that they expect (default: 1)",
    )
    read.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="also write each run as a file of andes bench, and a plot",
    )
    read.set_defaults(run=_read)


def _read(arguments: argparse.Namespace) -> int:
    from andes_backend.lab.bench.read import read
    from andes_backend.lab.others.found import UnreadableError

    try:
        return read(arguments.files, _expectation(arguments), out=arguments.out)
    except (UnreadableError, OSError) as error:
        print(f"andes bench: {line(str(error))}", file=sys.stderr)
        return 1


def _expectation(arguments: argparse.Namespace) -> Any:
    """What was asked for; None if nothing was."""
    from andes_client.expectation import Expectation, reading

    if arguments.ttft is None:
        return arguments.expectation
    return Expectation(arguments.ttft, (arguments.expectation or reading()).tds)
