"""What each user of a server got: figures, and a table of runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.report.service import Service, service

__all__ = ["UserFigures", "has_users", "user_figures", "users_table"]

_MOST: Final = 12  # users that are shown by name


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFigures:
    """What became of the users of one run."""

    service: Service
    """Until the last request came: from then on nobody competes with newcomers."""
    difference: NDArray[np.float64]
    """Over time, see `Service.difference`, prompt tokens, shape (t,)."""
    qoe: Mapping[str, float]
    """Mean QoE of each user's requests."""
    requests: Mapping[str, int]
    """How many each has sent."""


def user_figures(outcomes: Sequence[Outcome]) -> UserFigures:
    """Count and average them.

    Args:
        outcomes: of one run.
    """
    qoe: dict[str, list[float]] = {}
    for outcome in outcomes:
        qoe.setdefault(outcome.request.user or "nobody", []).append(outcome.qoe)
    until = max((outcome.submitted_s for outcome in outcomes), default=0.0)
    received = service(outcomes, until_s=until)
    return UserFigures(
        service=received,
        difference=received.difference(),
        qoe={user: fmean(values) for user, values in sorted(qoe.items())},
        requests={user: len(values) for user, values in sorted(qoe.items())},
    )


def has_users(runs: Sequence[Run]) -> bool:
    """Whether the requests of these runs belong to somebody."""
    return any(outcome.request.user is not None for run in runs for outcome in run.outcomes)


def users_table(runs: Sequence[Run]) -> Table:
    """The mean QoE of each user, the busiest first, and how far their service drifted apart.

    Raises:
        ValueError: no runs.
    """
    if not runs:
        raise ValueError("a table needs at least one run")
    figures = [user_figures(run.outcomes) for run in runs]
    requests = {user: count for one in figures for user, count in one.requests.items()}
    busiest = sorted(requests, key=lambda user: (-requests[user], user))
    shown = Table("mean QoE")
    for run in runs:
        shown.add_column(run.label, justify="right")
    for user in busiest[:_MOST]:
        cells = (_shown(one.qoe[user]) if user in one.qoe else "-" for one in figures)
        shown.add_row(user, *cells)
    if len(busiest) > 1:
        name = f"all but {busiest[0]}"
        others = (_shown(_mean_of(one.qoe, busiest[1:])) for one in figures)
        shown.add_row(name, *others, end_section=True)
        shown.add_row("the worst user", *(_shown(min(one.qoe.values())) for one in figures))
        apart = (f"{one.difference.max(initial=0.0):,.0f}" for one in figures)
        shown.add_row("largest difference in service", *apart)
    return shown


def _mean_of(qoe: Mapping[str, float], users: Sequence[str]) -> float:
    """Each user counts the same, however many requests they have."""
    values = [qoe[user] for user in users if user in qoe]
    return fmean(values) if values else 0.0


def _shown(value: float) -> str:
    return f"{value:.3f}"
