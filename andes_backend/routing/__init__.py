"""Which replica is a request sent to? To the one where all readers together lose least by it.

    router = Router()
    router.hear("a", figures_of_a, now)      # whenever a replica has published its figures
    router.hear("b", figures_of_b, now)
    choice = router.choose(Asked(prompt_tokens=120, ttft=1.0, tds=4.8), ["a", "b"], now)
    router.sent("a" if choice is None else choice.replica, asked, now)

The same decision serves a live router and the fleet in the twin (docs/fleet.md). `scaling` says how
many replicas are needed. All of it needs the standard library only.
"""

from andes_backend.routing.figures import BANDS, FiguresError, ReplicaFigures, band_of
from andes_backend.routing.prospects import Prospects, prospects
from andes_backend.routing.router import Choice, Router
from andes_backend.routing.scoring import Asked, Load, Score, score

__all__ = [
    "BANDS",
    "Asked",
    "Choice",
    "FiguresError",
    "Load",
    "Prospects",
    "ReplicaFigures",
    "Router",
    "Score",
    "band_of",
    "prospects",
    "score",
]
