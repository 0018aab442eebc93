"""`andes twin --replicas N`: what the options say of a fleet."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from andes_backend.lab.campaign.command import running_of, seeds_of
from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.twin.fleet.options import ONLY_OF_A_FLEET
from andes_backend.lab.twin.fleet.spec import FleetSpec
from andes_backend.lab.twin.point import MakeWorkload
from andes_backend.lab.twin.setup import Setup
from andes_backend.profile import Profile
from andes_backend.setting_names import current_names

__all__ = ["fleet_spec", "refuse_fleet_options"]

_ROUTINGS: Final = ("power-of-two", "qoe")
_NOT_OF_A_FLEET: Final = {
    "bounds": "--bound",
    "behaviour": "--behaviour",
    "jitter_ms": "--jitter-ms",
    "keep_requests": "--keep-requests",
    "detail": "--detail",
    "request": "--request",
}
_OF_SETUP: Final = (
    "prefix_caching",
    "kv_restore_gb_s",
    "async_scheduling",
    "max_num_active_seqs",
    "watermark",
    "long_prefill_token_threshold",
)
"""Options that have the name of what they set."""
_ONE_EACH: Final = ("kv_tokens", *_OF_SETUP)


def refuse_fleet_options(arguments: argparse.Namespace) -> None:
    """Without --replicas there is no fleet.

    Raises:
        SpecError: an option is given that describes one.
    """
    for name in ONLY_OF_A_FLEET:
        if getattr(arguments, name) is not None:
            option = "join, --leave or --die" if name == "events" else name.replace("_", "-")
            raise SpecError(f"--{option} is of a fleet: say how large it is, with --replicas")


def fleet_spec(
    arguments: argparse.Namespace,
    *,
    profiles: Mapping[str, Profile],
    make: MakeWorkload,
    workload: Mapping[str, object],
    rate: float | None,
    arrivals: str | None,
) -> FleetSpec:
    """What the options ask for.

    Args:
        arguments: of `andes twin`.
        profiles: of the servers, which take turns.
        make: makes a workload.
        workload: how it is made, apart from rate, arrivals and seed.
        rate: requests/s where neither --rate nor --load says it.
        arrivals: the arrival process where --arrivals does not say it.

    Raises:
        SpecError: an option is given that a fleet does not have, or several values for one that
            cannot vary in a fleet.
    """
    _refuse(arguments)
    processes = arguments.processes or [arrivals]
    loads = arguments.load or ()
    return FleetSpec(
        servers=tuple(_server(arguments, profile) for profile in profiles.values()),
        make=make,
        workload=workload,
        replicas=arguments.replicas,
        routings=arguments.routing or _ROUTINGS,
        rates=arguments.rates or ((None,) if loads else (rate,)),
        loads=loads,
        arrivals=None if processes[0] is None else str(processes[0]),
        seeds=seeds_of(arguments),
        figures_every_s=arguments.figures_every or (1.0,),
        start_up_s=60.0 if arguments.start_up is None else arguments.start_up,
        events=tuple(arguments.events or ()),
        scalings=arguments.autoscale or (None,),
        **running_of(arguments),
    )


def _refuse(arguments: argparse.Namespace) -> None:
    for name, option in _NOT_OF_A_FLEET.items():
        if getattr(arguments, name):
            raise SpecError(f"{option} is not there for a fleet: leave out it or --replicas")
    if arguments.reports != (False,):
        raise SpecError("readers' reports are not simulated in a fleet: leave out --reports")
    for name in _ONE_EACH:
        if len(getattr(arguments, name)) > 1:
            option = name.replace("_", "-")
            raise SpecError(f"--{option} can have one value in a fleet: all its servers have it")
    for name, values in arguments.settings:
        if len(values) > 1:
            raise SpecError(f"--set {name} can have one value in a fleet: all its servers have it")
    if arguments.processes and len(arguments.processes) > 1:
        raise SpecError("--arrivals can be given once for a fleet")


def _server(arguments: argparse.Namespace, profile: Profile) -> Setup:
    (kv_tokens,), policy = arguments.kv_tokens, arguments.policies[-1]
    if kv_tokens is not None:
        profile = dataclasses.replace(profile, kv_tokens=kv_tokens)
    settings: dict[str, Any] = {name: values[0] for name, values in arguments.settings}
    return Setup(
        profile=profile,
        policy=policy,
        settings=current_names(settings),
        **{name: getattr(arguments, name)[0] for name in _OF_SETUP},
    )
