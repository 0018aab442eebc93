"""Who comes in, and who gives way for it, one waiting request after the other."""

from typing import Final

import numpy as np

from andes_backend.config import AndesConfig
from andes_backend.policy.state import Snapshot

__all__ = ["Room"]

_MOST_VICTIMS: Final = 8  # requests that give way in one plan; the next plan comes soon


class Room:
    """Admits one waiting request after the other, as long as it finds or makes room.

    Args:
        config: both headrooms, in KV blocks for each request that runs.
        snapshot: the memory and who runs.
        margin: by how much more a block must be worth to who comes in than to who gives way.
    """

    def __init__(self, config: AndesConfig, snapshot: Snapshot, margin: float) -> None:
        self._admission_headroom = config.admission_headroom
        self._decode_headroom = config.decode_headroom
        self._margin = margin
        self._running = len(snapshot.running)
        self._most = snapshot.max_running
        self._free = float(snapshot.free_blocks)
        self._blocks: list[float] = []
        self._worth: list[float] = []
        self.admitted = 0
        self.gone = 0
        """How many of those who may be preempted are."""

    def may_go(self, blocks: list[float], worth: list[float]) -> None:
        """These running requests may be preempted, the least valuable first.

        Args:
            blocks: of each.
            worth: of a block to each.
        """
        self._blocks, self._worth = blocks, worth

    def let_in(self, blocks: float, worth: float) -> bool:
        """Whether the next waiting request comes in; if so it is counted.

        Args:
            blocks: that it needs.
            worth: of a block to it.
        """
        headroom, running = self._admission_headroom, self._running + 1
        fits = self._fits(blocks, headroom, running, self._free)
        if not fits and not self._make_room(blocks, worth):
            return False
        self._free -= blocks
        self._running += 1
        self.admitted += 1
        return True

    def _make_room(self, blocks: float, worth: float) -> bool:
        """Preempt enough requests that it fits; none if one of them is worth too much."""
        gone, running, free = self.gone, self._running + 1, self._free
        # Overdue requests get in at any price: the bound on their wait depends on that.
        most = len(self._worth) if worth == np.inf else min(len(self._worth), _MOST_VICTIMS)
        while gone < most:
            enough = self._fits(blocks, self._decode_headroom, running, free)
            if enough and gone > self.gone:
                break
            if worth < np.inf and worth <= self._worth[gone] + self._margin:
                return False
            # A request that could displace another may use the admission headroom instead.
            if enough:
                break
            free += self._blocks[gone]
            running -= 1
            gone += 1
        if gone == most and not self._fits(blocks, self._decode_headroom, running, free):
            return False
        self.gone, self._running, self._free = gone, running - 1, free
        return True

    def _fits(self, blocks: float, headroom: float, running: int, free: float) -> bool:
        # An empty server takes anybody: no other request grows in the way.
        return running <= 1 or (running <= self._most and blocks + headroom * running <= free)
