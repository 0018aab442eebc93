"""What a person asked `andes twin` for, and whether it can be done."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from andes_backend.lab.twin.sweep.points import Point, Sweep
from andes_backend.lab.twin.sweep.tables import groups
from andes_backend.lab.workload import check_fits

__all__ = ["Order", "OrderError", "check", "described", "shown_in_detail"]


class OrderError(ValueError):
    """An order that cannot be carried out; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and what to write."""

    sweep: Sweep
    workload: Mapping[str, object]
    """How the workloads are made, apart from rate, arrivals and seed; goes into the files."""
    command: Sequence[str]
    """The command line, for the files."""
    out: Path
    """Results go to a directory of their own below this one."""
    jobs: int
    """Processes."""
    keep_requests: bool = False
    """Write every request of every point."""
    detail: float | None = None
    """The rate whose simulations are drawn in detail; None: only if there is one workload."""
    request: int | None = None
    """The request to draw, by its place in the workload; None: a telling one."""
    bounds: Sequence[float] = ()
    """Bound the mean QoE, too: of schedules that end every response at most so many seconds
    late; infinite: of all."""


def check(order: Order) -> list[str]:
    """Find out whether all of it can be run, without running it.

    Returns:
        Remarks on the workloads that a person should know of.

    Raises:
        OrderError: there is no such rate, or no such request, to draw.
        SetupError, ProfileError: as `Sweep` has them.
        OSError, WorkloadError: as the workload's maker has them; or a request can never fit
            the KV cache.
    """
    shown = shown_in_detail(order)
    remarks: dict[str, None] = {}
    # Those with the least memory first: each workload is then made once.
    made: set[tuple[object, ...]] = set()
    for point in sorted(order.sweep.points(), key=_room):
        key = (point.cell.rate, point.cell.arrivals, point.seed)
        if key in made:
            continue
        made.add(key)
        workload = point.workload()
        check_fits(workload, _room(point))
        remarks.update(dict.fromkeys(workload.remarks))
        count = len(workload.requests)
        if order.request is not None and order.request >= count:
            raise OrderError(f"--request {order.request}: there are 0 to {count - 1}")
    if order.request is not None and not shown:
        raise OrderError("--request needs one workload to draw it from: choose it with --detail")
    return list(remarks)


def shown_in_detail(order: Order) -> dict[str, Point]:
    """What is drawn in detail: policy -> point, all of one workload; empty if there are many.

    Of the cells at the rate asked for it is the first; of seeds and settings, too.

    Raises:
        OrderError: there is no such rate.
    """
    rows = groups(order.sweep)
    if order.detail is not None:
        rows = tuple(group for group in rows if group.cell.rate == order.detail)
        if not rows:
            raise OrderError(f"--detail {order.detail:g} is none of the rates of --rate")
    elif len(set(order.sweep.cells())) > 1:
        return {}
    return {policy: points[0] for policy, points in rows[0].points.items()}


def described(order: Order, versions: Mapping[str, str], *, date: str) -> str:
    """The text of the file that says what the sweep is: JSON.

    Args:
        order: the sweep, and where it comes from.
        versions: of `andes_backend.lab.report.run.versions()`.
        date: when it began, ISO 8601.
    """
    sweep = order.sweep
    value: dict[str, Any] = {
        "command": list(order.command),
        "date": date,
        "versions": dict(versions),
        "workload": dict(order.workload),
        "policies": list(sweep.policies),
        "rates": list(sweep.rates),
        "arrivals": list(sweep.arrivals),
        "seeds": list(sweep.seeds),
        "settings": {name: list(values) for name, values in sweep.settings.items()},
        "kv_tokens": list(sweep.kv_tokens),
        "prefix_caching": list(sweep.prefix_caching),
        "kv_restore_gb_s": list(sweep.kv_restore_gb_s),
        "async_scheduling": list(sweep.async_scheduling),
        "bounds": [None if math.isinf(latest) else latest for latest in order.bounds],
        "profiles": {name: asdict(profile) for name, profile in sweep.profiles.items()},
    }
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _room(point: Point) -> int:
    return point.setup.profile.request_tokens
