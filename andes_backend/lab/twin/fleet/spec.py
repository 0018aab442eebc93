"""What a person asked for of a fleet: every combination of what is varied."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from andes_backend.lab.campaign.spec import Spec, SpecError
from andes_backend.lab.twin.fleet.scaling import Scaling
from andes_backend.lab.twin.fleet.setup import Event, FleetSetup
from andes_backend.lab.twin.point import MakeWorkload
from andes_backend.lab.twin.saturation import saturation
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Workload, check_fits

__all__ = ["Case", "FleetSpec", "FleetTask", "check", "tasks"]


@dataclass(frozen=True, kw_only=True)
class FleetSpec(Spec):
    """What to run. Each sequence has one value or more."""

    servers: tuple[Setup, ...]
    make: MakeWorkload
    workload: Mapping[str, object]
    """How the workloads are made, apart from rate, arrivals and seed; goes into the files."""
    replicas: Sequence[int]
    routings: Sequence[str]
    rates: Sequence[float | None] = (None,)
    """Requests/s; None: the trace's own."""
    loads: Sequence[float] = ()
    """In place of rates: times what all replicas together can do."""
    arrivals: str | None = None
    seeds: Sequence[int] = (0,)
    figures_every_s: Sequence[float] = (1.0,)
    start_up_s: float = 60.0
    events: tuple[Event, ...] = ()
    scalings: Sequence[Scaling | None] = (None,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What all routings are compared under."""

    replicas: int
    rate: float | None
    """Requests/s of the whole fleet."""
    load: float | None
    figures_every_s: float
    scaling: Scaling | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTask:
    """One simulation."""

    case: Case
    seed: int
    arrivals: str | None
    fleet: FleetSetup
    make: MakeWorkload

    def workload(self) -> Workload:
        """What is sent to the fleet."""
        return self.make(self.case.rate, self.arrivals, self.seed)


def tasks(spec: FleetSpec) -> Iterator[FleetTask]:
    """All of them: by case, then by seed, then by routing.

    Raises:
        SetupError: as `FleetSetup` has it.
    """
    for case in _cases(spec):
        for seed, routing in itertools.product(spec.seeds, spec.routings):
            fleet = FleetSetup(
                servers=spec.servers,
                replicas=case.replicas,
                routing=routing,
                figures_every_s=case.figures_every_s,
                start_up_s=spec.start_up_s,
                events=spec.events,
                scaling=case.scaling,
            )
            yield FleetTask(
                case=case, seed=seed, arrivals=spec.arrivals, fleet=fleet, make=spec.make
            )


def check(spec: FleetSpec) -> list[str]:
    """Find out whether all of it can be run, without running it; returns remarks.

    Raises:
        SpecError, SetupError, WorkloadError, OSError: it cannot.
    """
    remarks: dict[str, None] = {}
    if spec.loads and any(rate is not None for rate in spec.rates):
        raise SpecError("--load and --rate say the same: give one of them")
    for scaling in spec.scalings:
        if scaling is not None and scaling.target and any(n > scaling.most for n in spec.replicas):
            raise SpecError(
                f"--autoscale has at most {scaling.most} replicas: fewer than --replicas"
            )
    seen: set[tuple[float | None, int]] = set()
    for task in tasks(spec):
        key = (task.case.rate, task.seed)
        if key not in seen:
            seen.add(key)
            workload = task.workload()
            check_fits(workload, min(one.profile.request_tokens for one in spec.servers))
            remarks.update(dict.fromkeys(workload.remarks))
    return list(remarks)


def _cases(spec: FleetSpec) -> Iterator[Case]:
    loads: Sequence[float | None] = spec.loads or (None,)
    each = _each_can_do(spec) if spec.loads else []
    for replicas, load, rate, every_s, scaling in itertools.product(
        spec.replicas, loads, spec.rates, spec.figures_every_s, spec.scalings
    ):
        can_do = sum(each[number % len(each)] for number in range(replicas)) if each else 0.0
        yield Case(
            replicas=replicas,
            rate=rate if load is None else load * can_do,
            load=load,
            figures_every_s=every_s,
            scaling=scaling,
        )


def _each_can_do(spec: FleetSpec) -> list[float]:
    """Requests/s that each of the servers completes, over the lengths of all seeds."""
    workloads = [spec.make(1.0, spec.arrivals, seed) for seed in spec.seeds]
    return [fmean(saturation(one.profile, w) for w in workloads) for one in spec.servers]
