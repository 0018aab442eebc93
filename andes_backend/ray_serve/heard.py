"""What a router has heard of its replicas, and when that was so.

A replica stamps its figures with its own clock. That one may be wrong, and what it says comes
later, by way of Ray's controller. So the fastest that has come from a replica lately is taken to
have come at once, and the others to be older by as much as they took longer. A clock that is set
meanwhile makes figures look old for a while; then Ray chooses by itself.
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from andes_backend.routing import Asked, Choice, FiguresError, ReplicaFigures, Router

__all__ = ["FIGURES", "Heard", "published"]

FIGURES: Final = "andes"
"""The name of our part of a replica's routing statistics."""

_LATELY: Final = 30  # arrivals, of which the fastest is looked for
_MOST_SENT: Final = 1000  # requests of a replica that are remembered until they are in its figures


def published(figures: ReplicaFigures) -> dict[str, Any]:
    """A replica's routing statistics: its figures, and when they were made by its clock."""
    return {FIGURES: {"made_at": time.time(), "figures": figures.to_mapping()}}


class _Replica:
    """How long what a replica says is under way, and what was sent to it of late."""

    def __init__(self) -> None:
        self.made_at = float("nan")
        self.took: deque[float] = deque(maxlen=_LATELY)
        self.sent: deque[tuple[float, Asked, int]] = deque(maxlen=_MOST_SENT)


class Heard:
    """Keeps a `Router` informed.

        heard.hear("a", statistics, now, clock)    # as often as you like; only news counts
        heard.rank(asked, ["a", "b"], now)
        heard.sent("a", asked, now)
        heard.keep(["a"])                          # b is gone

    Args:
        router: it decides.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._replicas: dict[str, _Replica] = {}

    def hear(
        self, name: str, statistics: Mapping[str, Any], now: float, clock: float
    ) -> FiguresError | None:
        """A replica's routing statistics, new ones or the same again.

        Args:
            name: of the replica.
            statistics: see `published`; without our part nothing is known of it.
            now: seconds on a clock that never goes back.
            clock: the time of day, as `time.time` has it.

        Returns:
            What is wrong with the figures, if something is; then those before them stay.
        """
        ours = statistics.get(FIGURES)
        if not isinstance(ours, Mapping):
            return None
        replica = self._replicas.setdefault(name, _Replica())
        made_at = ours.get("made_at")
        if made_at == replica.made_at:
            return None
        if not isinstance(made_at, int | float):
            return FiguresError(f"made_at must be a time, not {made_at!r:.80}")
        try:
            figures = ReplicaFigures.from_mapping(ours.get("figures"))
        except FiguresError as error:
            return error
        replica.made_at = made_at
        replica.took.append(clock - made_at)
        then = now - (replica.took[-1] - min(replica.took))
        self._router.hear(name, figures, then)
        for at, asked, found_tokens in replica.sent:
            if at > then:
                self._router.is_on_its_way(name, asked, found_tokens)
        return None

    def sent(self, name: str, asked: Asked, now: float) -> None:
        """A request was sent to a replica, whoever chose it."""
        found_tokens = self._router.sent(name, asked)
        self._replicas.setdefault(name, _Replica()).sent.append((now, asked, found_tokens))

    def rank(self, asked: Asked, names: Sequence[str], now: float) -> list[Choice] | None:
        """These replicas, the best first; None: too little is known, or it is too old."""
        return self._router.rank(asked, names, now)

    def keep(self, names: Iterable[str]) -> None:
        """All other replicas have left or died."""
        for name in self._replicas.keys() - set(names):
            del self._replicas[name]
            self._router.forget(name)
