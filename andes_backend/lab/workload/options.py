"""The command-line options that say what workload to send, for every command that sends one.

    add_workload_options(parser)
    ...
    workload = workload_from(arguments)

A command that runs many workloads defines some options itself, `without={"rate"}`, with the
types below, and passes each value to `workload_from(arguments, rate=...)`.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from andes_backend.lab.workload.option_values import (
    arrivals_value,
    behaviour_value,
    count_value,
    length_value,
    lengths_value,
    rate_value,
    readers_value,
    seed_value,
    ttft_value,
    users_value,
)
from andes_backend.lab.workload.requests import Workload, WorkloadError

if TYPE_CHECKING:
    from andes_backend.lab.workload.arrivals import Arrivals

__all__ = [
    "add_workload_options",
    "arrivals_value",
    "behaviour_value",
    "count_value",
    "length_value",
    "lengths_value",
    "rate_value",
    "readers_value",
    "seed_value",
    "settings_of",
    "ttft_value",
    "users_value",
    "workload_from",
]

_RATE: Final = 3.0


def add_workload_options(
    parser: argparse.ArgumentParser,
    *,
    max_length: int | None = None,
    without: Collection[str] = (),
) -> None:
    """Add the options that `workload_from` reads.

    Args:
        parser: of the command.
        max_length: the default of --max-length, tokens; None for no limit.
        without: options that the command defines itself, without their dashes: "rate".
    """
    shown = "no limit" if max_length is None else str(max_length)
    for name, keywords in _OPTIONS.items():
        if name == "max-length":
            keywords = {**keywords, "default": max_length}
            keywords["help"] = f"{keywords['help']} (default: {shown})"
        if name not in without:
            parser.add_argument(f"--{name}", **keywords)


def workload_from(
    arguments: argparse.Namespace,
    *,
    rate: float | None = None,
    seed: int | None = None,
    arrivals: "Arrivals | None" = None,
) -> Workload:
    """Make the workload that the options ask for.

    Args:
        arguments: parsed by a parser with `add_workload_options`.
        rate: requests/s, in place of --rate.
        seed: in place of --seed.
        arrivals: in place of --arrivals.

    Raises:
        OSError: a file cannot be read.
        WorkloadError: a file cannot be used, or options contradict each other.
    """
    from andes_backend.lab.workload.arrivals import Poisson
    from andes_backend.lab.workload.lengths import lengths_of
    from andes_backend.lab.workload.make import dealt, make_workload, trace_workload

    rate, seed, arrivals = _chosen(arguments, rate, seed, arrivals)
    same: dict[str, Any] = {"seed": seed, "rate": rate, "name": _name(arguments)}
    same |= {"max_length": arguments.max_length, "ttft": arguments.ttft}
    if arguments.readers is not None:
        same["readers"] = arguments.readers
    if arguments.trace is None:
        if arguments.trace_format is not None:
            raise WorkloadError("--trace-format needs a --trace")
        lengths = None if arguments.lengths is None else lengths_of(arguments.lengths)
        arrivals = arrivals or Poisson()
        made = make_workload(arguments.requests, lengths=lengths, arrivals=arrivals, **same)
    elif arguments.lengths is not None:
        raise WorkloadError("a trace has its own lengths: give --trace or --lengths, not both")
    else:
        made = trace_workload(
            arguments.trace,
            count=arguments.requests,
            arrivals=arrivals,
            trace_format=arguments.trace_format,
            **same,
        )
    return made if arguments.users is None else dealt(made, arguments.users)


def settings_of(
    arguments: argparse.Namespace,
    *,
    rate: float | None = None,
    seed: int | None = None,
    arrivals: "Arrivals | None" = None,
) -> dict[str, object]:
    """The same choices as plain values, for a result file. Arguments as `workload_from`.

    With a trace, None as lengths, arrivals or rate stands for what the trace itself has.
    """
    rate, seed, arrivals = _chosen(arguments, rate, seed, arrivals)
    of_trace = arguments.trace is not None
    return {
        "workload": _name(arguments),
        "rate": rate,
        "requests": arguments.requests,
        "seed": seed,
        "arrivals": str(arrivals) if arrivals else None if of_trace else "poisson",
        "readers": str(arguments.readers or "reading"),
        "ttft": arguments.ttft,
        "users": arguments.users,
        "lengths": None if of_trace else arguments.lengths or "sharegpt",
        "trace": str(arguments.trace) if of_trace else None,
        "max_length": arguments.max_length,
    }


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "rate": {
        "type": rate_value,
        "metavar": "R",
        "help": f"requests/s (default: {_RATE:g}; with --trace, the trace's own times)",
    },
    "requests": {
        "type": count_value,
        "default": 250,
        "metavar": "N",
        "help": "number of requests; of a trace, that many from its start (default: 250)",
    },
    "seed": {
        "type": seed_value,
        "default": 0,
        "metavar": "N",
        "help": "seed of the workload (default: 0)",
    },
    "arrivals": {
        "type": arrivals_value,
        "metavar": "SPEC",
        "help": "poisson, gamma:cv=3, onoff:on=10,off=20, "
        "duty:intensity=2,duration=0.35,period=60 or diurnal:amplitude=0.8,period=600 "
        "(default: poisson; with --trace, the trace's own times)",
    },
    "readers": {
        "type": readers_value,
        "metavar": "SPEC",
        "help": "reading, speaking, reading:programs=0.2 or mix:speaking=0.3,programs=0.1 "
        "(default: reading)",
    },
    "ttft": {
        "type": ttft_value,
        "default": 1.0,
        "metavar": "S",
        "help": "seconds to the first token that readers expect (default: 1)",
    },
    "users": {
        "type": users_value,
        "metavar": "SPEC",
        "help": "users to whom the requests belong, at random: reader*9,flood:10 for nine users "
        "and one with ten times as many requests as each (default: requests name no user)",
    },
    "lengths": {
        "type": lengths_value,
        "metavar": "FILE|SPEC",
        "help": "CSV with the columns prompt_tokens,output_tokens; or multiround, or "
        "fixed:prompt=512,output=128 (default: sharegpt, built-in)",
    },
    "trace": {
        "type": Path,
        "metavar": "FILE",
        "help": "a trace with lengths and times, of Azure, BurstGPT or Mooncake; or a ShareGPT "
        "file, which has lengths only",
    },
    "trace-format": {
        "metavar": "NAME",
        "choices": ("azure", "burstgpt", "mooncake", "sharegpt", "sharegpt-multiround"),
        "help": "azure, burstgpt, mooncake, sharegpt or sharegpt-multiround "
        "(default: by how the file starts)",
    },
    "max-length": {
        "type": length_value,
        "metavar": "TOKENS",
        "help": "cut prompt and output together to this",
    },
}


def _chosen(
    arguments: argparse.Namespace,
    rate: float | None,
    seed: int | None,
    arrivals: "Arrivals | None",
) -> "tuple[float | None, int, Arrivals | None]":
    """What was passed, else what the options say, else the default."""
    rate = getattr(arguments, "rate", None) if rate is None else rate
    if rate is None and arguments.trace is None:
        rate = _RATE
    seed = getattr(arguments, "seed", 0) if seed is None else seed
    return rate, seed, arrivals or getattr(arguments, "arrivals", None)


def _name(arguments: argparse.Namespace) -> str:
    if arguments.trace is not None:
        return str(arguments.trace.stem)
    if arguments.lengths is None:
        return "sharegpt"
    from andes_backend.lab.workload.lengths import names_file

    text: str = arguments.lengths
    return Path(text).stem if names_file(text) else text.partition(":")[0]
