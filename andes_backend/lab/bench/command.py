"""`andes bench`: load a server and report what its readers saw.

    andes bench run --url http://127.0.0.1:8000 --model NAME
    andes bench compare --policies stock,qoe
    andes bench compare --policies stock,andes,qoe --rate 1.6,3,5 --requests 150,250,450
    andes bench compare --resume results/compare-20261120-170000
    andes bench read openai-3.0qps-tiny.json

`run` drives any OpenAI-compatible server that is there. `compare` needs none: it makes a
tiny model, starts vLLM once for each policy and rate, and sends every policy the same
workloads. What an interrupted one has measured is kept, and `--resume` goes on from it. `read`
reports QoE from the files of other benchmarks.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from andes_backend.command_line import server_url
from andes_backend.lab.bench.read_command import add_read
from andes_backend.lab.campaign.command import add_out
from andes_backend.lab.option_types import checked_setting, list_of, setting_value
from andes_backend.lab.workload.options import (
    add_workload_options,
    count_value,
    rate_value,
    settings_of,
    workload_from,
)
from andes_backend.lab.workload.requests import check_fits
from andes_client.terminal_text import line

if TYPE_CHECKING:
    from andes_backend.lab.bench.compare import Comparison
    from andes_backend.lab.bench.measure import Plan

__all__ = ["add_parser"]

STOCK = "stock"
"""The policy's name for vLLM without our scheduler."""

_BLOCK_TOKENS = 32  # vLLM's CPU build takes no smaller blocks

_AUTO: Final = "auto"

_OWN: Final = ("rate", "requests")
"""What a workload has one of and a comparison has many of."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """Of our scheduler."""

    name: str
    value: int | float | str

    def __str__(self) -> str:
        """As it would be typed."""
        return f"{self.name}={json.dumps(self.value).strip(chr(34))}"


def add_parser(subparsers: Any) -> None:
    """Add `andes bench` and its three commands."""
    what = "load a server and report QoE, TTFT, TDS and stalls"
    parser = subparsers.add_parser("bench", help=what, description=f"{what[0].upper()}{what[1:]}.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser(
        "run",
        help="load a running server",
        description="Load a running server of any kind, and report what its readers saw. "
        "See docs/bench.md.",
    )
    run.add_argument(
        "--url", type=server_url, required=True, help="the server, such as http://127.0.0.1:8000"
    )
    run.add_argument("--model", required=True, help="the model's name at that server")
    _add_workload(run, max_length=None)
    run.set_defaults(run=_run)

    _add_compare(commands)
    add_read(commands)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="start vLLM on this CPU for each policy and rate, with the same workloads",
        description="Start vLLM with a tiny model on this CPU for each policy and rate, send every "
        "policy the same workloads, and report what readers saw. See docs/bench.md.",
    )
    compare.add_argument(
        "--policies",
        type=_policies,
        default=(STOCK, "qoe"),
        metavar="NAME,...",
        help="policies, run in this order; the others are compared with the first; "
        f"{STOCK} is vLLM without our scheduler (default: {STOCK},qoe)",
    )
    compare.add_argument(
        "--rate",
        type=list_of(rate_value),
        metavar="R,...",
        help="requests/s, each with a fresh server for every policy "
        "(default: 3; with --trace, the trace's own times)",
    )
    compare.add_argument(
        "--requests",
        type=_counts,
        default=(250,),
        metavar="N,...",
        help="number of requests: one for all rates, or one for each; of a trace, that many from "
        "its start (default: 250)",
    )
    _add_server(compare)
    compare.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="resume the comparison in this directory, with its options; complete runs are not "
        "repeated",
    )
    _add_workload(compare, max_length=800, without=_OWN)
    compare.set_defaults(run=partial(_compare, compare))


def _add_server(compare: argparse.ArgumentParser) -> None:
    compare.add_argument(
        "--kv-blocks",
        type=count_value,
        default=160,
        metavar="N",
        help="KV cache in blocks of 32 tokens; few blocks make memory scarce (default: 160)",
    )
    compare.add_argument(
        "--layers",
        type=_layers,
        default=_AUTO,
        metavar=f"N|{_AUTO}",
        help="layers of the model, which decide its speed (default: as many as make this machine "
        "as fast as the one in docs/bench.md, which has 10)",
    )
    compare.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of our scheduler, as in docs/operator.md; may be repeated",
    )


def _add_workload(
    parser: argparse.ArgumentParser, *, max_length: int | None, without: Sequence[str] = ()
) -> None:
    add_workload_options(parser, max_length=max_length, without=without)
    add_out(parser)


def _run(arguments: argparse.Namespace) -> int:
    from andes_backend.lab.bench import session
    from andes_backend.lab.bench.load import Target

    target = Target(url=arguments.url, model=arguments.model)
    return _told(lambda: session.run(_plan(arguments), target))


def _compare(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from andes_backend.lab.bench import compare
    from andes_backend.lab.bench.kept import read_options

    def start() -> int:
        chosen, resume = arguments, arguments.resume
        if resume is not None:
            _check_alone(parser, arguments)
            chosen = parser.parse_args(read_options(resume))
        return compare.compare(_comparison(parser, chosen), resume=resume)

    return _told(start)


def _check_alone(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse other options: a comparison that resumes with another rate would be two in one."""
    from andes_backend.lab.bench.measure import SessionError

    for name in _options(parser):
        if getattr(arguments, name) != parser.get_default(name):
            raise SessionError(
                f"--resume uses the options of its directory: leave out {_dashed(name)}"
            )


def _comparison(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> "Comparison":
    from andes_backend.lab.bench.compare import Comparison
    from andes_backend.lab.bench.measure import SessionError
    from andes_backend.policy import POLICIES

    if unknown := [name for name in arguments.policies if name not in (STOCK, *POLICIES)]:
        known = ", ".join((STOCK, *sorted(POLICIES)))
        raise SessionError(f"unknown policy {unknown[0]!r}; the policies are: {known}")
    if arguments.set and not set(arguments.policies) - {STOCK}:
        raise SessionError(f"--set: {STOCK} has no settings; also name a policy of ours")
    plans = [_plan(one) for one in _one_a_rate(arguments)]
    for plan in plans:
        # Now, and not after a minute of starting vLLM.
        # vLLM keeps one block for itself.
        check_fits(plan.workload, (arguments.kv_blocks - 1) * _BLOCK_TOKENS)
    return Comparison(
        plans=plans,
        policies={name: None if name == STOCK else name for name in arguments.policies},
        kv_blocks=arguments.kv_blocks,
        layers=None if arguments.layers == _AUTO else arguments.layers,
        settings=_settings(arguments.set),
        words=_words(parser, arguments),
    )


def _settings(given: Sequence[_Setting]) -> dict[str, object]:
    from andes_backend.lab.bench.measure import SessionError
    from andes_backend.setting_names import current_names

    for one in given:
        if [other.name for other in given].count(one.name) > 1:
            raise SessionError(f"--set {one.name} is given twice")
    try:
        return current_names({one.name: one.value for one in given})
    except ValueError as error:
        raise SessionError(f"--set: {error}") from None


def _one_a_rate(arguments: argparse.Namespace) -> list[argparse.Namespace]:
    """The options of each workload, with one rate and one number of requests."""
    from andes_backend.lab.bench.measure import SessionError

    rates: Sequence[float | None] = arguments.rate or (None,)
    counts = arguments.requests * (len(rates) if len(arguments.requests) == 1 else 1)
    if len(counts) != len(rates):
        raise SessionError(
            f"--requests has {len(counts)} numbers, but --rate has {len(rates)}: give one number, "
            "or one for each rate"
        )
    return [
        argparse.Namespace(**{**vars(arguments), "rate": rate, "requests": count})
        for rate, count in zip(rates, counts, strict=True)
    ]


def _words(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[str]:
    """The options as they would be typed."""
    words: list[str] = []
    for name in _options(parser):
        if name == "layers":
            continue  # the comparison says, which may have to find out
        value = getattr(arguments, name)
        if isinstance(value, list):
            for one in value:
                words += [_dashed(name), str(one)]
        elif value is not None:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [_dashed(name), text]
    return words


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """What makes a comparison what it is."""
    return [name for name in vars(parser.parse_args([])) if name not in ("run", "resume")]


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _plan(arguments: argparse.Namespace) -> "Plan":
    from andes_backend.lab.bench.measure import Plan

    workload = workload_from(arguments)
    for remark in workload.remarks:
        print(f"andes bench: {line(remark)}", file=sys.stderr)
    return Plan(workload, settings_of(arguments), arguments.out)


def _told(command: Callable[[], int]) -> int:
    """Run it; a user's mistake is one line on standard error, not a traceback."""
    from andes_backend.lab.bench.measure import SessionError
    from andes_backend.lab.bench.server import ServerError
    from andes_backend.lab.workload.requests import WorkloadError

    try:
        return command()
    except (ServerError, SessionError, WorkloadError, OSError) as error:
        print(f"andes bench: {line(str(error))}", file=sys.stderr)
        return 1


# Types of options. Each raises argparse.ArgumentTypeError.


def _setting(text: str) -> _Setting:
    name, value = setting_value(text)
    return _Setting(name, checked_setting(name, value))


def _layers(text: str) -> int | str:
    return _AUTO if text == _AUTO else count_value(text)


def _counts(text: str) -> tuple[int, ...]:
    """As many as there are rates; two may be the same."""
    return tuple(count_value(part.strip()) for part in text.split(","))


def _policies(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise argparse.ArgumentTypeError(f"{name!r} is not the name of a policy (in {text!r})")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a policy is named twice in {text!r}")
    return names
