"""The options of `andes twin` that describe a fleet.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import math
from typing import TYPE_CHECKING, Final

from andes_backend.lab.option_types import finite_number, list_of
from andes_backend.lab.workload.options import count_value

if TYPE_CHECKING:
    from andes_backend.lab.twin.fleet.scaling import Scaling
    from andes_backend.lab.twin.fleet.setup import Event, What

__all__ = ["ONLY_OF_A_FLEET", "add_fleet_options"]

ONLY_OF_A_FLEET: Final = ("routing", "load", "figures_every", "start_up", "events", "autoscale")
"""What says nothing without --replicas: the names of the options' values."""

_DELAYS: Final = {
    "up": "up_delay_s",
    "down": "down_delay_s",
    "every": "every_s",
    "look-back": "look_back_s",
}
_VALUES: Final = ("target", "least", "most", *_DELAYS)


def add_fleet_options(parser: argparse.ArgumentParser) -> None:
    """Add them, in a group of their own."""
    group = parser.add_argument_group("a fleet of servers (docs/fleet.md)")
    group.add_argument(
        "--replicas",
        type=list_of(count_value),
        metavar="N,...",
        help="servers behind a router, all with the last of --policies (qoe by default); several "
        "profiles take turns",
    )
    group.add_argument(
        "--routing",
        type=list_of(_routing),
        metavar="NAME,...",
        help="random, round-robin, power-of-two, least-kv, qoe; the first is what the others are "
        "compared with (default: power-of-two,qoe)",
    )
    group.add_argument(
        "--load",
        type=list_of(_positive),
        metavar="X,...",
        help="arrivals as a multiple of what all replicas together can do, instead of --rate",
    )
    group.add_argument(
        "--figures-every",
        type=list_of(_positive),
        metavar="S,...",
        help="how often replicas publish the figures that routers go by, seconds (default: 1)",
    )
    group.add_argument(
        "--start-up",
        type=_seconds,
        metavar="S",
        help="from the order of a replica until it takes requests, seconds (default: 60)",
    )
    for what, meaning in (
        ("join", "order a replica at this time"),
        ("leave", "from this time on a replica takes no requests, and goes when it has none left"),
        ("die", "at this time a replica is gone, and the streams of its readers break"),
    ):
        group.add_argument(
            f"--{what}",
            type=_event_of(what),
            action="append",
            dest="events",
            metavar="S[:NAME]" if what != "join" else "S",
            help=f"{meaning}; may be repeated",
        )
    group.add_argument(
        "--autoscale",
        type=_scaling,
        action="append",
        metavar="SPEC",
        help="ongoing:target=2 (Ray Serve's default, by requests that wait or run) or "
        "qoe:target=1 (by what comes, and by what readers would lose by waiting), each with "
        "least=1,most=64,up=30,down=600,every=10,look-back=30; may be repeated",
    )


# Types of options. Each raises argparse.ArgumentTypeError.


def _routing(text: str) -> str:
    from andes_backend.lab.twin.fleet.routings import ROUTINGS

    if text not in ROUTINGS:
        known = ", ".join(ROUTINGS)
        raise argparse.ArgumentTypeError(f"unknown routing {text!r}; the routings are: {known}")
    return text


def _positive(text: str) -> float:
    value = finite_number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be above 0")
    return value


def _seconds(text: str) -> float:
    value = finite_number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be 0 s or more")
    return value


class _event_of:  # noqa: N801 - a type of options, as the functions beside it
    """The type of --join, --leave and --die: when, and who."""

    def __init__(self, what: "What | str") -> None:
        self._what = what

    def __call__(self, text: str) -> "Event":
        from andes_backend.lab.twin.fleet.setup import Event

        when, colon, name = text.partition(":")
        if colon and (self._what == "join" or not name.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} must be seconds, or SECONDS:NUMBER")
        return Event(_seconds(when), self._what, name or None)  # type: ignore[arg-type]


def _scaling(text: str) -> "Scaling":
    from andes_backend.lab.twin.fleet.scaling import SCALINGS

    name, _, rest = text.partition(":")
    if name not in SCALINGS:
        known = ", ".join(SCALINGS)
        raise argparse.ArgumentTypeError(f"unknown autoscaling {name!r}; there is: {known}")
    values: dict[str, float | int] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not equals or key not in _VALUES:
            known = ", ".join(_VALUES)
            raise argparse.ArgumentTypeError(f"{part!r} must be NAME=VALUE of {known}")
        whole = key in ("least", "most")
        values[_DELAYS.get(key, key)] = count_value(value) if whole else _seconds(value)
    if "target" not in values:
        raise argparse.ArgumentTypeError(f"{text!r} has no target, as in {name}:target=2")
    try:
        return SCALINGS[name](**values)  # type: ignore[arg-type]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
