"""The Virtual Token Counter (OSDI 2024): the user who has received least goes first."""

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.accounts import Accounts
from andes_backend.policy.decision import Decision
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["Vtc"]


class Vtc:
    """Admits the next request of the user with the least counter, as long as there is room.

    Work-conserving: it keeps no request out while memory is free. When memory runs out, the user
    who has received most is preempted first. With `vtc_preempt_lead` a user who waits displaces
    one who has received that much more.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._lead = config.vtc_preempt_lead

    def plan(self, snapshot: Snapshot) -> Decision:
        waiting, running, accounts = snapshot.waiting, snapshot.running, snapshot.accounts
        turn = _counter_at_turn(waiting, accounts)
        order = np.lexsort((waiting["arrival"], turn))
        received = accounts.counter.take(running["user"])
        stay = np.lexsort((running["since"], received))
        preempt = None
        if self._lead and len(waiting):
            over = received.take(stay) - turn[order[0]] > self._lead
            preempt = _give_way(snapshot, order[0], stay[over])
        return Decision(waiting=order, running=stay, preempt=preempt)

    def finished(self, output_tokens: int) -> None:
        """Lengths are learned by user, in the accounts."""


def _counter_at_turn(waiting: NDArray[np.void], accounts: Accounts) -> NDArray[np.float64]:
    """The user's counter when it is this request's turn, shape (n,).

    The least of these first is the order in which the paper's loop takes requests: each one
    that is admitted raises its user's counter by the price of its prompt.
    """
    users = waiting["user"]
    price = np.where(waiting["charged"] < 0, accounts.prices.prompt * waiting["prompt_tokens"], 0.0)
    by_user = np.lexsort((waiting["arrival"], users))
    paid = np.cumsum(price[by_user]) - price[by_user]
    first = np.flatnonzero(np.diff(users[by_user], prepend=-1))
    paid -= np.repeat(paid[first], np.diff(first, append=len(users)))
    turn = accounts.counter.take(users)
    turn[by_user] += paid / accounts.weight.take(users[by_user])
    return turn


def _give_way(
    snapshot: Snapshot, first: np.intp, over: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """So many of these running requests, from the last, that the first who waits comes in."""
    size = snapshot.block_size
    needed = float(blocks_needed(snapshot.waiting[[first]], size)[0]) - snapshot.free_blocks
    if needed <= 0 and len(snapshot.running) < snapshot.max_running:
        return None
    victims = over[::-1]
    freed = np.cumsum(blocks_needed(snapshot.running.take(victims), size))
    count = int(np.searchsorted(freed, max(1.0, needed))) + 1
    return victims[:count] if count <= len(victims) else None
