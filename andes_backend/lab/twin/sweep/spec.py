"""What a person asked `andes twin` for, and whether it can be done."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from andes_backend.lab.campaign.spec import Spec, SpecError
from andes_backend.lab.twin.point import Point
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.tables import groups
from andes_backend.lab.workload import check_fits

__all__ = ["SweepSpec", "check", "described", "shown_in_detail"]


@dataclass(frozen=True, kw_only=True)
class SweepSpec(Spec):
    """What to run, and what to write."""

    sweep: Sweep
    workload: Mapping[str, object]
    """How the workloads are made, apart from rate, arrivals and seed; goes into the files."""
    keep_requests: bool = False
    """Write every request of every point."""
    detail: float | None = None
    """The rate whose simulations are drawn in detail; None: only if there is one workload."""
    request: int | None = None
    """The request to draw, by its place in the workload; None: a telling one."""
    bounds: Sequence[float] = ()
    """Bound the mean QoE, too: of schedules that end every response at most so many seconds
    late; infinite: of all."""


def check(spec: SweepSpec) -> list[str]:
    """Find out whether all of it can be run, without running it.

    Returns:
        Remarks on the workloads that a person should know of.

    Raises:
        SpecError: there is no such rate, or no such request, to draw.
        SetupError, ProfileError: as `Sweep` has them.
        OSError, WorkloadError: as the workload's maker has them; or a request can never fit
            the KV cache.
    """
    shown = shown_in_detail(spec)
    remarks: dict[str, None] = {}
    # Those with the least memory first: each workload is then made once.
    made: set[tuple[object, ...]] = set()
    for point in sorted(spec.sweep.points(), key=_room):
        key = (point.cell.rate, point.cell.arrivals, point.seed)
        if key in made:
            continue
        made.add(key)
        workload = point.workload()
        check_fits(workload, _room(point))
        remarks.update(dict.fromkeys(workload.remarks))
        count = len(workload.requests)
        if spec.request is not None and spec.request >= count:
            raise SpecError(f"--request {spec.request}: the requests are 0 to {count - 1}")
    if spec.request is not None and not shown:
        raise SpecError("--request needs a single workload: choose one with --detail")
    return list(remarks)


def shown_in_detail(spec: SweepSpec) -> dict[str, Point]:
    """What is drawn in detail: policy -> point, all of one workload; empty if there are many.

    Of the cells at the rate asked for it is the first; of seeds and settings, too.

    Raises:
        SpecError: there is no such rate.
    """
    rows = groups(spec.sweep)
    if spec.detail is not None:
        rows = tuple(group for group in rows if group.cell.rate == spec.detail)
        if not rows:
            raise SpecError(f"--detail {spec.detail:g} is not one of the rates of --rate")
    elif len(set(spec.sweep.cells())) > 1:
        return {}
    return {policy: points[0] for policy, points in rows[0].points.items()}


def described(spec: SweepSpec) -> dict[str, Any]:
    """What the sweep is, as JSON has it."""
    sweep = spec.sweep
    return {
        "workload": dict(spec.workload),
        "policies": list(sweep.policies),
        "rates": list(sweep.rates),
        "arrivals": list(sweep.arrivals),
        "seeds": list(sweep.seeds),
        "settings": {name: list(values) for name, values in sweep.settings.items()},
        "kv_tokens": list(sweep.kv_tokens),
        "prefix_caching": list(sweep.prefix_caching),
        "kv_restore_gb_s": list(sweep.kv_restore_gb_s),
        "async_scheduling": list(sweep.async_scheduling),
        "max_num_active_seqs": list(sweep.max_num_active_seqs),
        "watermark": list(sweep.watermark),
        "long_prefill_token_threshold": list(sweep.long_prefill_token_threshold),
        "reports": list(sweep.reports),
        "bounds": [None if math.isinf(latest) else latest for latest in spec.bounds],
        "profiles": {name: asdict(profile) for name, profile in sweep.profiles.items()},
    }


def _room(point: Point) -> int:
    return point.setup.profile.request_tokens
