"""Specs and results made by hand: what is made of them needs no simulation."""

import math
from typing import Any

from andes_backend.lab.plan.estimate import Reach
from andes_backend.lab.plan.spec import Goal, PlanSpec
from andes_backend.lab.report.rates import Capacity
from andes_backend.lab.workload import Fixed, Workload, make_workload
from andes_backend.profile import load_profile

NOTHING = Capacity(0.0, math.inf)


def make(rate: float | None, arrivals: str | None, seed: int) -> Workload:
    return make_workload(30, rate=rate or 1.0, seed=seed, lengths=Fixed(200, 100), name=arrivals)


def spec(**more: Any) -> PlanSpec:
    plain: dict[str, Any] = {
        "profile_name": "opt-66b-4xa100",
        "profile": load_profile("opt-66b-4xa100"),
        "policies": ["stock", "qoe"],
        "make": make,
        "arrivals": "poisson",
        "seeds": [0, 1, 2],
        "goal": Goal(),
        "workload": {"lengths": "fixed", "minutes": 5.0},
        "command": ["andes", "plan"],
    }
    return PlanSpec(**{**plain, **more})


def reach(policy: str, *found: float | Capacity, so_far: Capacity = NOTHING) -> Reach:
    """Of seeds 0, 1, ..., each with a rate or a range."""
    capacities = {
        seed: one if isinstance(one, Capacity) else Capacity(one, one)
        for seed, one in enumerate(found)
    }
    return Reach(policy=policy, capacities=capacities, so_far=so_far, simulations=9)
