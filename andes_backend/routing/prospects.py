"""What a request that comes next can hope for at a replica: two figures for others to route by."""

from dataclasses import dataclass

from andes_backend.routing.figures import ReplicaFigures
from andes_backend.routing.scoring import Asked, Load, held_tokens, score

__all__ = ["Prospects", "prospects"]


@dataclass(frozen=True, slots=True)
class Prospects:
    """Of a replica, for one kind of request."""

    room: float
    """How many more such requests could be held beside all that are there, 0 or more."""
    loss: float | None
    """QoE that readers lose, all together, if one more comes; None: not known."""


def prospects(figures: ReplicaFigures, asked: Asked) -> Prospects:
    """What the next request can hope for.

    Args:
        figures: of the replica. What those who are there will still want is known under the policy
            `qoe`; else, if nobody waits, what is free counts as room.
        asked: a request as they are there on average.
    """
    load = Load(figures, 0.0)
    if figures.demand:
        left = figures.kv_tokens * (1.0 - load.use)
    else:
        left = 0.0 if figures.waiting else float(figures.free_tokens)
    room = max(0.0, left) / held_tokens(figures, asked)
    if figures.most_running:
        room = min(room, max(0, figures.most_running - figures.ongoing))
    return Prospects(room, score(load, asked).lost if figures.is_complete else None)
