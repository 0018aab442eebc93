"""One simulation of a campaign: a server, its load, and what decides who is served."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Workload

__all__ = ["CELL_AXES", "Cell", "MakeWorkload", "Point", "Value"]

Value = str | int | float | bool | None
"""A value on an axis."""

MakeWorkload = Callable[[float | None, str | None, int], Workload]
"""Makes the workload of (rate, arrivals, seed); it can be sent to another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What all policies are compared under: a GPU and its load."""

    profile: str
    """Its name or path, as it was asked for."""
    kv_tokens: int
    prefix_caching: bool
    kv_restore_gb_s: float | None
    async_scheduling: bool
    max_num_active_seqs: int | None = None
    """None: the profile's."""
    watermark: float = 0.0
    long_prefill_token_threshold: int = 0
    arrivals: str | None
    """None: the trace's own."""
    rate: float | None
    """Requests/s; None: the trace's own."""
    reports: bool = False
    """Whether readers report to the server."""

    @classmethod
    def of(cls, profile: str, setup: Setup, *, arrivals: str | None, rate: float | None) -> "Cell":
        """The server of a setup under a load; `profile` is what its profile was asked for as."""
        return cls(
            profile=profile,
            kv_tokens=setup.profile.kv_tokens,
            prefix_caching=setup.prefix_caching,
            kv_restore_gb_s=setup.kv_restore_gb_s,
            async_scheduling=setup.async_scheduling,
            max_num_active_seqs=setup.max_num_active_seqs,
            watermark=setup.watermark,
            long_prefill_token_threshold=setup.long_prefill_token_threshold,
            arrivals=arrivals,
            rate=rate,
            reports=setup.reports,
        )


CELL_AXES: Final = tuple(axis.name for axis in fields(Cell))
"""The axes that describe a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One simulation."""

    index: int
    """Its place in the campaign, from 0."""
    cell: Cell
    seed: int
    setup: Setup
    make: MakeWorkload

    @property
    def policy(self) -> str:
        """The policy's name."""
        return self.setup.policy

    @property
    def settings(self) -> Mapping[str, object]:
        """The scheduler's settings that were given; the others have their defaults."""
        return self.setup.settings

    def workload(self) -> Workload:
        """What is sent to the server."""
        return self.make(self.cell.rate, self.cell.arrivals, self.seed)

    def axes(self) -> dict[str, Value]:
        """All that tells it from other points: axis -> value."""
        return {**dataclasses.asdict(self.cell), "seed": self.seed, **dict(self.settings)}
