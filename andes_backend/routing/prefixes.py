"""Which replica has the beginning of a prompt? From what a router itself has sent where.

A prompt is cut into blocks, and the name of a block stands for the prompt up to its end. Who
continues a conversation sends the blocks of its last round again, and more. A replica that got them
has them in its prefix cache until it needs the memory for others; which it does, as far as a
router can tell, when it has been sent as many tokens since as its memory holds.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

__all__ = ["BLOCK_TOKENS", "Prefixes", "Trust"]

BLOCK_TOKENS: Final = 64
"""Tokens of a block. A replica's own blocks are smaller; what is left at the end is little."""

_MOST_BLOCKS: Final = 50_000
_GIVEN_TOKENS: Final = 4000.0  # taken to have been foreseen and found before anything was
_MOST_TOKENS: Final = 400_000.0  # of what was foreseen long ago, half is forgotten


class Prefixes:
    """Remembers what was sent where.

    Args:
        most_blocks: so many are remembered, and those forgotten that were not sent for longest.
    """

    def __init__(self, most_blocks: int = _MOST_BLOCKS) -> None:
        self._most = most_blocks
        # Block -> replica -> what had been sent there before; the blocks sent last are the last.
        self._places: dict[Hashable, dict[str, float]] = {}
        self._sent: dict[str, float] = {}  # replica -> tokens, ever

    def __len__(self) -> int:
        return len(self._places)

    def sent(self, replica: str, blocks: Sequence[Hashable], tokens: float) -> None:
        """A prompt was sent to a replica.

        Args:
            replica: its name.
            blocks: names of its full blocks, the first first.
            tokens: of the prompt and its answer, that have to be computed there.
        """
        before = self._sent.get(replica, 0.0)
        # The first block comes last: of a prompt, its end is forgotten first.
        for block in reversed(blocks):
            places = self._places.pop(block, {})
            places[replica] = before
            self._places[block] = places
        self._sent[replica] = before + tokens
        while len(self._places) > self._most:
            del self._places[next(iter(self._places))]

    def found(self, blocks: Sequence[Hashable], room: Mapping[str, float]) -> dict[str, int]:
        """Tokens of a prompt that replicas have, as far as is known.

        Args:
            blocks: names of its full blocks, the first first.
            room: replica -> tokens that its memory holds.

        Returns:
            Replica -> tokens, of those that have any.
        """
        depths: dict[str, int] = {}
        for depth, block in enumerate(blocks):
            here = [
                replica
                for replica, before in self._places.get(block, {}).items()
                if depths.get(replica, 0) == depth
                and self._sent[replica] - before <= room.get(replica, 0.0)
            ]
            if not here:
                break
            depths.update(dict.fromkeys(here, depth + 1))
        return {replica: depth * BLOCK_TOKENS for replica, depth in depths.items()}

    def forget(self, replica: str) -> None:
        """A replica has left or died, and what it had is gone."""
        if self._sent.pop(replica, None) is None:
            return
        for block, places in list(self._places.items()):
            places.pop(replica, None)
            if not places:
                del self._places[block]


class Trust:
    """How much of what a router thinks that a replica has is found there?

    Little, where prefix caching is switched off, or where the memory is needed sooner than a router
    can tell. A replica publishes how much it finds, whoever sent it.
    """

    def __init__(self) -> None:
        self._foreseen = self._found = _GIVEN_TOKENS
        self._last: int | None = None

    def foresee(self, tokens: int) -> None:
        """So much of a prompt that was sent there should be found."""
        self._foreseen += tokens
        if self._foreseen > _MOST_TOKENS:
            self._foreseen, self._found = self._foreseen / 2, self._found / 2

    def hear(self, found_tokens: int) -> None:
        """The replica has found so much since it started."""
        if self._last is not None:
            self._found = min(self._foreseen, self._found + max(0, found_tokens - self._last))
        self._last = found_tokens

    @property
    def share(self) -> float:
        """Of what is foreseen, the part that will be found, 0 to 1."""
        return self._found / self._foreseen
