"""What a person asked `andes fair` for."""

from collections.abc import Sequence
from dataclasses import dataclass

from andes_backend.lab.campaign.spec import Spec
from andes_backend.lab.twin.fair.measure import Task

__all__ = ["FairSpec"]


@dataclass(frozen=True, kw_only=True)
class FairSpec(Spec):
    """What to run. Results go to `out` itself, in place of those of an earlier run."""

    tasks: Sequence[Task]
    """Scenarios under policies."""
