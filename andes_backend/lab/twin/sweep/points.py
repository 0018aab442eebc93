"""What `andes twin` runs: every combination of what is varied, in a fixed order.

A sweep has axes. Those that describe the server's GPU and its load make a `Cell`: all
policies are compared under the same one. Settings of our scheduler multiply the policies
that have settings; vLLM's own run once per cell. Seeds repeat all of it.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from andes_backend.lab.twin.point import CELL_AXES, Cell, MakeWorkload, Point, Value
from andes_backend.lab.twin.setup import PRIORITY, STOCK, Setup, SetupError
from andes_backend.profile import Profile

__all__ = ["Sweep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Axes, each with one value or more."""

    profiles: Mapping[str, Profile]
    """Name or path -> profile."""
    policies: Sequence[str]
    make: MakeWorkload
    rates: Sequence[float | None] = (None,)
    arrivals: Sequence[str | None] = (None,)
    seeds: Sequence[int] = (0,)
    settings: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    """Setting of our scheduler -> its values; see `config.SETTINGS`."""
    kv_tokens: Sequence[int | None] = (None,)
    """None: the profile's own."""
    prefix_caching: Sequence[bool] = (True,)
    kv_restore_gb_s: Sequence[float | None] = (None,)
    """None: what a preempted request has computed is computed again."""
    async_scheduling: Sequence[bool] = (True,)
    max_num_active_seqs: Sequence[int | None] = (None,)
    """None: the profile's own."""
    watermark: Sequence[float] = (0.0,)
    long_prefill_token_threshold: Sequence[int] = (0,)
    reports: Sequence[bool] = (False,)
    jitter_s: tuple[float, float] | None = None
    """Of the network, as `Setup` has it."""

    def cells(self) -> Iterator[Cell]:
        """All cells, in the order of the sweep: the rate changes fastest."""
        for (name, profile), kv_tokens, prefix_caching, kv_restore, async_scheduling in (
            itertools.product(
                self.profiles.items(), self.kv_tokens, self.prefix_caching, self.kv_restore_gb_s,
                self.async_scheduling,
            )
        ):  # fmt: skip
            for most, watermark, chunk, reports, arrivals, rate in itertools.product(
                self.max_num_active_seqs, self.watermark, self.long_prefill_token_threshold,
                self.reports, self.arrivals, self.rates,
            ):  # fmt: skip
                yield Cell(
                    profile=name,
                    kv_tokens=profile.kv_tokens if kv_tokens is None else kv_tokens,
                    prefix_caching=prefix_caching,
                    kv_restore_gb_s=kv_restore,
                    async_scheduling=async_scheduling,
                    max_num_active_seqs=most,
                    watermark=watermark,
                    long_prefill_token_threshold=chunk,
                    arrivals=arrivals,
                    rate=rate,
                    reports=reports,
                )

    def points(self) -> tuple[Point, ...]:
        """All points: by cell, then by seed, then by policy, then by its settings.

        Raises:
            SetupError, ProfileError: a combination cannot be simulated, as `Setup` has it;
                or a setting is given, but no policy that has settings.
        """
        if self.settings and not any(name not in (STOCK, PRIORITY) for name in self.policies):
            raise SetupError(
                f"{', '.join(self.policies)} have no settings: drop {', '.join(self.settings)}, "
                "or add a policy of ours, such as qoe"
            )
        made = (
            (cell, seed, setup)
            for cell in self.cells()
            for seed in self.seeds
            for setup in self._setups(cell)
        )
        return tuple(
            Point(index=index, cell=cell, seed=seed, setup=setup, make=self.make)
            for index, (cell, seed, setup) in enumerate(made)
        )

    def combinations(self) -> tuple[dict[str, Value], ...]:
        """The values of all settings that are tried, in order; one empty one if none are."""
        return tuple(
            dict(zip(self.settings, values, strict=True))
            for values in itertools.product(*self.settings.values())
        )

    def varying(self) -> tuple[str, ...]:
        """Axes with two values or more, apart from the seed and the policy."""
        cells = list(self.cells())
        of_cells = [name for name in CELL_AXES if len({getattr(c, name) for c in cells}) > 1]
        return (*of_cells, *(name for name, values in self.settings.items() if len(values) > 1))

    def _setups(self, cell: Cell) -> Iterator[Setup]:
        profile = dataclasses.replace(self.profiles[cell.profile], kv_tokens=cell.kv_tokens)
        base = Setup(
            profile=profile,
            prefix_caching=cell.prefix_caching,
            kv_restore_gb_s=cell.kv_restore_gb_s,
            async_scheduling=cell.async_scheduling,
            max_num_active_seqs=cell.max_num_active_seqs,
            watermark=cell.watermark,
            long_prefill_token_threshold=cell.long_prefill_token_threshold,
            jitter_s=self.jitter_s,
            reports=cell.reports,
        )
        for policy in self.policies:
            setup = dataclasses.replace(base, policy=policy)
            for settings in self.combinations() if setup.is_ours else ({},):
                yield dataclasses.replace(setup, settings=settings)
