"""vLLM's queues as the last plan left them: have they changed, and who is which row?"""

import numpy as np
from vllm.v1.request import Request

from andes_backend.engine.ledger import Ledger
from andes_backend.engine.waiting import NotedQueue
from andes_backend.policy.decision import Order
from andes_backend.policy.state import Rows

__all__ = ["RememberedQueue", "Waiting"]


class Waiting:
    """Who waits, request by request as they come and leave: no look goes through the queue.

    Args:
        ledger: knows the requests.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._row_of: dict[Request, int] = {}
        self._request_in: dict[int, Request] = {}
        self._come: dict[Request, None] = {}

    def __len__(self) -> int:
        return len(self._row_of)

    def look(self, queue: NotedQueue, now: float) -> Rows:
        """Take in who has come and who has left; the table knows it then.

        Args:
            queue: vLLM's.
            now: seconds on the scheduler's clock.

        Returns:
            The rows of those who wait and have come since the last look, but not only to `settle`.
        """
        self.settle(queue, now)
        row_of = self._row_of
        come, self._come = [row_of[one] for one in self._come if one in row_of], {}
        return np.array(come, np.intp)

    def settle(self, queue: NotedQueue, now: float) -> None:
        """The same, but who has come is still to be looked at."""
        come, left = queue.take_news()
        gone = [self._leaves(request) for request in left if request in self._row_of]
        renewed = [self._leaves(request) for request in come if request in self._row_of]
        rows = self._ledger.rows(come, now)
        for request, row in zip(come, rows.tolist(), strict=True):
            self._row_of[request], self._request_in[row] = row, request
            self._come[request] = None
        self._ledger.table.queue(rows, np.array(gone + renewed, np.intp))

    def requests(self, rows: Rows) -> list[Request]:
        """Those in these rows, all of which wait."""
        return list(map(self._request_in.__getitem__, rows.tolist()))

    def _leaves(self, request: Request) -> int:
        row = self._row_of.pop(request)
        if self._request_in.get(row) is request:  # it has not gone to another who waits
            del self._request_in[row]
        return row


class RememberedQueue:
    """One of vLLM's queues, remembered with the rows of its requests.

    vLLM changes its running queue in many ways of its own, so none of them is watched: the queue is
    compared with what is remembered. Python compares lists of the same objects by identity, a
    thousand in microseconds; to look as many up by their names takes 50 times as long.

    It relies on a request being one object from its arrival to its end, as in vLLM 0.29 to 0.33.

    Args:
        ledger: knows the requests.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._requests: list[Request] = []
        self._settled: list[Request] = self._requests
        self._rows: Rows = np.zeros(0, np.intp)
        self._serials = np.zeros(0, np.int64)

    def is_still(self, requests: list[Request]) -> bool:
        """Whether these are the requests remembered, in their order."""
        return requests == self._settled

    def settle(self, requests: list[Request]) -> None:
        """What vLLM has made of the queue by carrying the last plan out is no change."""
        self._settled = requests

    def look(self, requests: list[Request], now: float) -> Rows:
        """Remember the queue as it is; returns the rows of its requests, shape (n,).

        Args:
            requests: the queue; it may change later.
            now: seconds on the scheduler's clock.
        """
        if requests != self._requests or not self._rows_are_theirs():
            self._rows = self._look_up(requests, now)
            self._requests = requests.copy()
            self._serials = self._serials_now()
        self._settled = self._requests
        return self._rows

    def reorder(self, order: Order) -> list[Request]:
        """Remember the queue in this order; returns it, for vLLM to change."""
        positions = order.tolist()
        self._requests = list(map(self._requests.__getitem__, positions))
        self._settled = self._requests
        self._rows, self._serials = self._rows.take(order), self._serials.take(order)
        return self._requests.copy()

    def _serials_now(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return self._ledger.table.data["serial"][self._rows]

    def _rows_are_theirs(self) -> bool:
        """False if a row has been given to another request meanwhile."""
        return bool((self._serials_now() == self._serials).all())

    def _look_up(self, requests: list[Request], now: float) -> Rows:
        """The rows of a queue that has changed.

        Mostly some have left at its head and others have come at its end: then only these
        are looked up by name.
        """
        if requests and self._requests and self._rows_are_theirs():
            try:
                gone = self._requests.index(requests[0])
            except ValueError:
                gone = len(self._requests)
            stay = len(self._requests) - gone
            if stay and requests[:stay] == self._requests[gone:]:
                come = self._ledger.rows(requests[stay:], now)
                return np.concatenate([self._rows[gone:], come])
        return self._ledger.rows(requests, now)
