"""Which requests does a step serve? Policies on numpy tables; no vLLM, no clock.

A new policy is one file here and one line in `POLICIES`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from andes_backend.config import AndesConfig
from andes_backend.policy.andes import Andes
from andes_backend.policy.base import Policy
from andes_backend.policy.decision import Decision
from andes_backend.policy.fcfs import Fcfs
from andes_backend.policy.qoe import MarginalQoE
from andes_backend.policy.round_robin import RoundRobin
from andes_backend.policy.state import Snapshot, Table
from andes_backend.policy.vtc import Vtc

__all__ = ["POLICIES", "Decision", "Policy", "Snapshot", "Table", "make_policy"]

POLICIES: Final[Mapping[str, Callable[[AndesConfig], Policy]]] = {
    "andes": Andes,
    "fcfs": Fcfs,
    "qoe": MarginalQoE,
    "round-robin": RoundRobin,
    "vtc": Vtc,
}


def make_policy(config: AndesConfig) -> Policy:
    """The policy that the settings name.

    Raises:
        ValueError: no policy has that name.
    """
    if config.policy not in POLICIES:
        raise ValueError(
            f"andes.policy is {config.policy!r}; the policies are: {', '.join(sorted(POLICIES))}"
        )
    return POLICIES[config.policy](config)
