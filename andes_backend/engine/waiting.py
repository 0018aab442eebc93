"""vLLM's waiting queue, kept so that whoever plans need not look through it.

vLLM reaches its queue only through the methods of its `RequestQueue` (0.29 to 0.33), so these see
every request that comes or leaves. All of them take the same time in a queue of any length.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from vllm.v1.core.sched.request_queue import PriorityRequestQueue, RequestQueue
from vllm.v1.request import Request

__all__ = ["NotedPriorityQueue", "NotedQueue", "WaitingQueue"]

if TYPE_CHECKING:
    _Queue = RequestQueue
else:
    _Queue = object


class NotedQueue(_Queue):
    """Notes who has come and who has left since it was last asked; mixed into a queue of vLLM's.

    A request that has left and is back has done neither: vLLM takes those out that cannot run in
    a step, and puts them back where they were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._come: dict[Request, None] = {}
        self._left: dict[Request, None] = {}

    @property
    def has_changed(self) -> bool:
        """Whether anybody has come or left since `take_news`."""
        return bool(self._come or self._left)

    def take_news(self) -> tuple[list[Request], list[Request]]:
        """Who has come, and who has left, since this was last called."""
        come, left = list(self._come), list(self._left)
        self._come.clear()
        self._left.clear()
        return come, left

    def renew(self, request: Request) -> None:
        """Have this request come anew, if it is here: it is another one under the same name."""
        if request in self:
            self._come[request] = None

    def in_any_order(self) -> list[Request]:
        """A copy; in the order of the queue where that costs nothing."""
        return list(self)

    def add_request(self, request: Request) -> None:
        super().add_request(request)  # type: ignore[safe-super]
        self._comes(request)

    def prepend_request(self, request: Request) -> None:
        super().prepend_request(request)  # type: ignore[safe-super]
        self._comes(request)

    def prepend_requests(self, requests: Iterable[Request]) -> None:
        # One after the other, so that the last of them is the first in the queue, as in vLLM's.
        for request in requests:
            self.prepend_request(request)

    def pop_request(self) -> Request:
        request = super().pop_request()  # type: ignore[safe-super]
        self._leaves(request)
        return request

    def remove_request(self, request: Request) -> None:
        super().remove_request(request)  # type: ignore[safe-super]
        self._leaves(request)

    def remove_requests(self, requests: Iterable[Request]) -> None:
        here = [request for request in requests if request in self]
        super().remove_requests(here)  # type: ignore[safe-super]
        for request in here:
            self._leaves(request)

    def _comes(self, request: Request) -> None:
        if request in self._left:
            del self._left[request]
        else:
            self._come[request] = None

    def _leaves(self, request: Request) -> None:
        if request in self._come:
            del self._come[request]
        else:
            self._left[request] = None


class _Line(_Queue):
    """First come, first served, like vLLM's own deque, but anybody can leave or go first."""

    def __init__(self) -> None:
        self._line: OrderedDict[Request, None] = OrderedDict()

    def add_request(self, request: Request) -> None:
        self._line[request] = None

    def pop_request(self) -> Request:
        if not self._line:
            raise IndexError("pop from an empty queue")
        return self._line.popitem(last=False)[0]

    def peek_request(self) -> Request:
        if not self._line:
            raise IndexError("peek from an empty queue")
        return next(iter(self._line))

    def prepend_request(self, request: Request) -> None:
        self._line[request] = None
        self._line.move_to_end(request, last=False)

    def remove_request(self, request: Request) -> None:
        if request not in self._line:
            raise ValueError(f"request {request.request_id} does not wait")
        del self._line[request]

    def remove_requests(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self._line.pop(request, None)

    def __contains__(self, request: object) -> bool:
        return request in self._line

    def __getitem__(self, position: int) -> Request:
        """As vLLM's deque has it, though here it takes longer the further back it is."""
        try:
            return next(islice(self._line, range(len(self._line))[position], None))
        except IndexError:
            raise IndexError(f"the queue has {len(self._line)} requests") from None

    def __bool__(self) -> bool:
        return bool(self._line)

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._line)


class WaitingQueue(NotedQueue, _Line):
    """What our scheduler gives vLLM in the place of its first-come queue.

    Args:
        requests: who waits already, in their order.
    """

    def __init__(self, requests: Iterable[Request] = ()) -> None:
        super().__init__()
        for request in requests:
            self.add_request(request)

    def put_first(self, requests: Iterable[Request]) -> None:
        """Requests of the queue go before all others, in this order; nobody comes or leaves.

        Raises:
            KeyError: one of them is not in the queue.
        """
        for request in reversed(list(requests)):
            self._line.move_to_end(request, last=False)


class NotedPriorityQueue(NotedQueue, PriorityRequestQueue):
    """vLLM's own under `--scheduling-policy priority`, whose order is its own, too.

    Args:
        requests: who waits already.
    """

    def __init__(self, requests: Iterable[Request] = ()) -> None:
        super().__init__()
        for request in requests:
            self.add_request(request)

    def in_any_order(self) -> list[Request]:
        # Private: iterating over the queue itself would sort it each time.
        return list(self._heap)

    def prepend_request(self, request: Request) -> None:
        self.add_request(request)

    def __contains__(self, request: object) -> bool:
        return request in self._heap
