"""A router's memory: the figures of each replica, and what it has sent there since."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from andes_backend.routing.figures import ReplicaFigures
from andes_backend.routing.prefixes import Prefixes, Trust
from andes_backend.routing.scoring import Asked, Load, expected_output, score

__all__ = ["Choice", "Router"]

TOO_OLD_S: Final = 30.0
"""Figures older than this say nothing any more, unless a router is told otherwise, seconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a request is sent, and why."""

    replica: str
    qoe: float
    """That its reader can expect there, in [0, 1]."""
    lost: float
    """QoE that all readers together lose by it."""
    age_s: float
    """How old the replica's figures are, seconds."""


class Router:
    """Chooses the replica where readers lose least.

    Args:
        too_old_s: figures older than this are not used, seconds.
        seed: of the lots between equals.
    """

    def __init__(self, too_old_s: float = TOO_OLD_S, seed: int = 0) -> None:
        self._too_old_s = too_old_s
        self._loads: dict[str, Load] = {}
        self._prefixes = Prefixes()
        self._trust: dict[str, Trust] = {}
        self._lot = Random(seed)

    def hear(self, replica: str, figures: ReplicaFigures, made_at: float) -> None:
        """A replica has published its figures.

        Args:
            replica: its name.
            figures: new ones, or the same again.
            made_at: when they were made, seconds on the router's clock. What was sent before
                is in them.
        """
        load = self._loads.get(replica)
        if load is None or made_at > load.heard_at:
            self._loads[replica] = Load(figures, made_at)
            self._trust.setdefault(replica, Trust()).hear(figures.found_tokens)

    def forget(self, replica: str) -> None:
        """A replica has left or died."""
        self._loads.pop(replica, None)
        self._trust.pop(replica, None)
        self._prefixes.forget(replica)

    def sent(self, replica: str, asked: Asked) -> int:
        """A request was sent to a replica, by this choice or another.

        Returns:
            Tokens of its prompt that it should find in the prefix cache.
        """
        load, trust = self._loads.get(replica), self._trust.setdefault(replica, Trust())
        foreseen = self._foreseen([replica], asked).get(replica, 0)
        found = round(foreseen * trust.share)
        trust.foresee(foreseen)
        tokens: float = asked.prompt_tokens - found
        if load is not None:
            load.send(asked, found)
            tokens += expected_output(load.figures, asked)
        self._prefixes.sent(replica, asked.blocks, tokens)
        return found

    def is_on_its_way(self, replica: str, asked: Asked, found_tokens: int) -> None:
        """A request that was `sent` is not in the figures that were heard since.

        Args:
            replica: its name.
            asked: the request.
            found_tokens: as `sent` had it.
        """
        if (load := self._loads.get(replica)) is not None:
            load.send(asked, found_tokens)

    def found(self, replicas: Sequence[str], asked: Asked) -> dict[str, int]:
        """Tokens of a prompt that these replicas have in their prefix caches, as far as is known.

        It is known from what was `sent`, by this router alone, and from what replicas publish of
        how much they find.

        Args:
            replicas: names.
            asked: the request.

        Returns:
            Replica -> tokens, of those that have any.
        """
        foreseen = self._foreseen(replicas, asked)
        return {name: round(tokens * self._trust[name].share) for name, tokens in foreseen.items()}

    def _foreseen(self, replicas: Sequence[str], asked: Asked) -> dict[str, int]:
        if not asked.blocks:
            return {}
        loads = {name: self._loads.get(name) for name in replicas}
        room = {name: load.figures.kv_tokens for name, load in loads.items() if load is not None}
        return self._prefixes.found(asked.blocks, room)

    def load(self, replica: str) -> Load | None:
        """What is known of a replica; None: nothing."""
        return self._loads.get(replica)

    def rank(
        self,
        asked: Asked,
        replicas: Sequence[str],
        now: float,
        found_tokens: Mapping[str, int] | None = None,
    ) -> list[Choice] | None:
        """All of these replicas, the best first.

        Args:
            asked: the request.
            replicas: names, distinct.
            now: seconds on the router's clock.
            found_tokens: replica -> tokens of the prompt that are in its prefix cache; those
                that are not named find none. None: as `found` has it.

        Returns:
            None if the figures of half of them or more are missing, incomplete or too old: then
            somebody else has to choose. Otherwise such replicas come last.
        """
        if found_tokens is None:
            found_tokens = self.found(replicas, asked)
        choices, unknown = [], []
        for replica in replicas:
            load = self._loads.get(replica)
            age = math.inf if load is None else now - load.heard_at
            if load is None or not load.figures.is_complete or age > self._too_old_s:
                unknown.append(Choice(replica, 0.0, math.inf, age))
            else:
                found = score(load, asked, found_tokens.get(replica, 0))
                choices.append(Choice(replica, found.qoe, found.lost, age))
        if len(choices) <= len(unknown):
            return None
        self._lot.shuffle(choices)  # equals are drawn by lot; sorting keeps their order
        return sorted(choices, key=lambda choice: choice.lost) + unknown

    def choose(
        self,
        asked: Asked,
        replicas: Sequence[str],
        now: float,
        found_tokens: Mapping[str, int] | None = None,
    ) -> Choice | None:
        """The best of `rank`; None where that is."""
        ranked = self.rank(asked, replicas, now, found_tokens)
        return None if ranked is None else ranked[0]
