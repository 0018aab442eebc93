"""Simulate one scenario under one policy, in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from andes_backend.lab.campaign.pool import Tell
from andes_backend.lab.report.users import UserFigures, user_figures
from andes_backend.lab.twin.fair.scenarios import COMPLETES, SCENARIOS
from andes_backend.profile import Profile

__all__ = ["CONTENDERS", "Figures", "Task", "measure"]

CONTENDERS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "stock": {"policy": "stock"},
        "rpm": {"policy": "rpm"},
        "round-robin": {"policy": "round-robin"},
        "least-counter": {"policy": "vtc", "settings": {"vtc_lift": False}},
        "vtc": {"policy": "vtc"},
        "vtc-forecast": {"policy": "vtc", "settings": {"vtc_forecast": "average"}},
        "vtc-known": {"policy": "vtc", "settings": {"vtc_forecast": "known"}},
        "vtc-preemptive": {"policy": "vtc", "settings": {"vtc_preempt_lead": 2000}},
        "qoe-unfair": {"policy": "qoe", "settings": {"fairness": 0}},
        "qoe": {"policy": "qoe"},
        "qoe-fairest": {"policy": "qoe", "settings": {"fairness": 1}},
    }
)
"""What can be compared: the name, and the arguments of the twin's `Setup`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A scenario under a policy."""

    scenario: str
    contender: str
    seed: int
    profile: Profile
    requests_per_minute: int | None
    """The limit of `rpm` for each user; None: an even share of what the server completes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What became of the users."""

    users: UserFigures
    tokens_per_s: float
    """Of output, while requests still came."""
    preemptions: int


def measure(task: Task, tell: Tell) -> Figures:
    """Simulate; `tell` hears how many requests have ended, of how many."""
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    workload = SCENARIOS[task.scenario].make(task.seed)
    users = {one.user for one in workload.requests}
    limit = task.requests_per_minute or max(1, COMPLETES // len(users))
    setup = replace(
        Setup(profile=task.profile, requests_per_minute=limit), **CONTENDERS[task.contender]
    )
    simulation = simulate(workload, setup, tell)
    last = workload.requests[-1].arrival_s
    tokens = sum(
        int(np.searchsorted(one.times, last - one.submitted_s)) for one in simulation.outcomes
    )
    return Figures(
        users=user_figures(simulation.outcomes),
        tokens_per_s=tokens / last,
        preemptions=simulation.preemptions,
    )
