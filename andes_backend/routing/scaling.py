"""How many replicas do readers need? From the figures that replicas publish, look by look.

    arrivals, lately = Arrivals(), Lately(60.0)
    busy = arrivals.look(figures, now)          # replica -> its figures, every ten seconds
    lately.add(replicas_needed(list(figures.values()), busy, target=1.0), now)
    lately.wanted                               # replicas, rounded up

The same decision serves Ray Serve (docs/ray.md) and the fleet in the twin (docs/fleet.md). When it
is acted on is somebody else's matter: Ray Serve has delays of its own for that.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from andes_backend.routing.figures import BANDS, ReplicaFigures

__all__ = ["LOST_EACH", "Arrivals", "Lately", "busy_s", "needed_tokens", "replicas_needed"]

LOST_EACH: Final = 0.1
"""QoE that the readers who are there may lose by waiting, each on average."""

_ROUNDING: Final = 1e-9  # a mean of whole numbers is one


def replicas_needed(
    figures: Sequence[ReplicaFigures], busy: float, *, target: float, lost_each: float = LOST_EACH
) -> float:
    """As many as what comes needs, or as those need who are there, whichever is more.

    There shall be so many that those who are there lose `lost_each`, on average over all of them,
    by waiting for memory, as if all replicas were one; of the tokens that are wanted, the least
    valuable wait. A reader who has text for minutes loses nothing, and one whose answer is so late
    already that nothing can save it loses nothing more: neither brings up a replica.

    Args:
        figures: of the replicas that are ready.
        busy: replicas that what comes keeps busy, see `Arrivals`.
        target: how busy each replica shall be; 1 is all the time.
        lost_each: QoE.
    """
    there = sum(one.ongoing for one in figures)
    each = sum(one.kv_tokens for one in figures) / max(1, len(figures))
    needed = needed_tokens(figures, lost_each * there) / max(1.0, each)
    return max(needed, busy / target)


def needed_tokens(figures: Sequence[ReplicaFigures], lost: float) -> float:
    """KV tokens with which readers lose no more than this, the least valuable left out.

    Args:
        figures: of the replicas; those that do not know their demand count nothing.
        lost: QoE, summed over readers.
    """
    needed = 0.0
    for band in range(len(BANDS) - 1, -1, -1):
        tokens = sum(one.demand[band] for one in figures if one.demand)
        left_out = min(tokens, lost / BANDS[band])
        lost -= left_out * BANDS[band]
        needed += tokens - left_out
    return needed


def busy_s(before: ReplicaFigures | None, figures: ReplicaFigures) -> float:
    """For how long what came in between keeps a replica busy, were its memory full of such, s.

    Prompts take the engine alone, but for what is found in the prefix cache; their tokens and those
    of the answers take their share of the memory.

    Args:
        before: the replica's figures some time ago; None: before anything came.
        figures: its figures now.
    """
    if before is not None and before.arrived > figures.arrived:
        before = None  # it has started anew
    came = figures.arrived - (before.arrived if before else 0)
    prompts = figures.arrived_tokens - (before.arrived_tokens if before else 0)
    found = figures.found_tokens - (before.found_tokens if before else 0)
    output = figures.output_tokens
    held = (prompts + came * output / 2) / max(1, figures.kv_tokens)
    return figures.prompt_token_s * (prompts - found) + held * output * figures.step_s


class Arrivals:
    """How many replicas what comes keeps busy, between one look and the next."""

    def __init__(self) -> None:
        self._before: dict[str, ReplicaFigures] = {}
        self._at: float | None = None

    def look(self, figures: Mapping[str, ReplicaFigures], now: float) -> float:
        """What has come since the last look.

        Args:
            figures: replica -> its figures; of one that is new since the last look, all that has
                come to it counts.
            now: seconds, later than at the last look.

        Returns:
            Replicas; 0 at the first look, when it is not known since when what has come has come.
        """
        elapsed = None if self._at is None else now - self._at
        came = sum(busy_s(self._before.get(name), one) for name, one in figures.items())
        self._before, self._at = dict(figures), now
        return came / elapsed if elapsed else 0.0


class Lately:
    """The mean of what was needed of late.

    Args:
        look_back_s: over so long, seconds.
    """

    def __init__(self, look_back_s: float) -> None:
        self._look_back_s = look_back_s
        self._needed: deque[tuple[float, float]] = deque()

    def add(self, replicas: float, now: float) -> None:
        """So many were needed at a time, seconds; what is too old is forgotten."""
        self._needed.append((now, replicas))
        while self._needed[0][0] < now - self._look_back_s:
            self._needed.popleft()

    @property
    def wanted(self) -> int:
        """Replicas; something has been added."""
        mean = sum(replicas for _, replicas in self._needed) / len(self._needed)
        return math.ceil(mean - _ROUNDING)
