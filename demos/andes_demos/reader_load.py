"""A live load with readers: each reads through andes_client, and does what its behaviour says.

    load = ReaderLoad(behaving(workload, Restless(pausing=0.2)), target, reports=True)
    await load.run()
    load.outcomes[0].qoe, load.seen[0].stalls

What a reader does, and when, follows from when the tokens came (`Attention`), as in the twin; so
the QoE of an outcome is that of the same reader. Here they do it to a real paced stream. One who
leaves closes the connection, unless a proxy keeps it open: then all comes, and nobody reads it.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx2

from andes_backend.lab.bench.load import Load, Target, connection, described, stream
from andes_backend.lab.bench.tally import Tally
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Attention, Request, Workload
from andes_backend.lab.workload.behaviour import Act
from andes_client import pace
from andes_client.buffer import Statistics
from andes_client.pacer import Paced
from andes_client.reporter import Reporter, posting

__all__ = ["ReaderLoad"]


class ReaderLoad(Load):
    """One run of a workload whose readers behave.

    Args:
        workload: its requests have readers with a finite speed.
        target: the server.
        reports: whether the readers' clients report to the server.
        stretches: whether they stretch what they have until the server says that more will come.
    """

    def __init__(
        self, workload: Workload, target: Target, *, reports: bool, stretches: bool = True
    ) -> None:
        super().__init__(workload, target)
        self.seen: dict[int, Statistics] = {}
        """What each reader saw, by the request's index."""
        self.took_s: dict[int, float] = {}
        """How long those who read to the end took, from the submission on, seconds."""
        self.changed: list[int] = []
        """Requests whose reader was shown something else than what had come. There are none."""
        self._reports = reports
        self._anti_stall = None if stretches else 1.0
        self._reporter: Reporter | None = None

    async def run(self) -> None:
        """Send every request at its time and wait for all readers. Failures are outcomes."""
        async with connection(self.target) as client:
            if self._reports:
                self._reporter = Reporter(posting(client, f"{self.target.url}/v1"))
            try:
                await super().run()
            finally:
                if self._reporter is not None:
                    await self._reporter.aclose()

    async def _serve(
        self, client: httpx2.AsyncClient, index: int, request: Request, body: bytes
    ) -> None:
        now = asyncio.get_running_loop().time
        submitted = now()
        self._sent += 1
        tally = self._open[index] = Tally()
        reader = _Reader(request, submitted, tally)
        coming = asyncio.create_task(_fetch(client, body, submitted, reader))
        error = None
        try:
            self.seen[index] = await self._read(index, reader)
            if reader.attention.left_at is not None and not request.behaviour.proxied:
                coming.cancel()
            await asyncio.wait([coming])
            if not coming.cancelled():
                coming.result()
            times, error = tally.result(request.output_tokens)
        except (httpx2.HTTPError, ValueError) as failure:
            times, error = tuple(tally.times), described(failure)
        finally:
            coming.cancel()
            del self._open[index]
        if reader.attention.left_at is not None:
            error = None  # it need not have come to its end
        self.outcomes.append(Outcome(index, request, submitted - self._began, times, error))

    async def _read(self, index: int, reader: "_Reader") -> Statistics:
        expectation, behaviour = reader.request.expectation, reader.request.behaviour
        line = None
        if self._reporter is not None:
            line = self._reporter.line(expectation, stream=self.stream_id(index))
        async with pace(
            reader.pieces(),
            expectation,
            unit="token",
            report=line,
            anti_stall=self._anti_stall,
        ) as paced:
            reader.paced = paced
            paced.speed(behaviour.speed)
            leaving = asyncio.create_task(reader.gone.wait())
            reading = asyncio.create_task(_all_of(paced))
            try:
                await asyncio.wait({leaving, reading}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    self.took_s[index] = asyncio.get_running_loop().time() - reader.submitted
                    if reading.result() != reader.tally.text:
                        self.changed.append(index)
            finally:
                reader.paced = None
                leaving.cancel()
                reading.cancel()
                await asyncio.wait({leaving, reading})
            return paced.statistics()


class _Reader:
    """One reader, while the text comes."""

    def __init__(self, request: Request, submitted: float, tally: Tally) -> None:
        self.request, self.tally = request, tally
        self.attention = Attention(request.expectation, request.behaviour)
        self.gone = asyncio.Event()
        self.paced: Paced | None = None
        self.submitted = submitted
        self._known = (0, 0)  # characters and tokens
        self._pieces: asyncio.Queue[str | BaseException | None] = asyncio.Queue()

    def came(self, time: float) -> None:
        """An event has been counted, at seconds since submission."""
        characters, tokens = self._known
        self._known = len(self.tally.text), len(self.tally.times)
        for _ in range(self._known[1] - tokens):
            for act in self.attention.add(time):
                asyncio.get_running_loop().call_at(self.submitted + act.time_s, self._do, act)
        if self._known[0] > characters:
            self._pieces.put_nowait(self.tally.text[characters:])

    def end(self, error: BaseException | None) -> None:
        """No more will."""
        self._pieces.put_nowait(error)

    async def pieces(self) -> AsyncIterator[str]:
        """What comes, for `pace`."""
        while isinstance(piece := await self._pieces.get(), str):
            yield piece
        if piece is not None:
            raise piece

    def _do(self, act: Act) -> None:
        if act.state == "gone":
            self.gone.set()
        elif self.paced is not None:
            match act.state:
                case "paused":
                    self.paced.pause()
                case "revealed":
                    self.paced.resume()
                    self.paced.reveal_all()
                case _:
                    self.paced.resume()


async def _fetch(
    client: httpx2.AsyncClient, body: bytes, submitted: float, reader: _Reader
) -> None:
    error: BaseException | None = None
    try:
        await stream(client, body, reader.tally, submitted, reader.came)
    except (httpx2.HTTPError, ValueError) as failure:
        error = failure
        raise
    finally:
        reader.end(error)


async def _all_of(paced: Paced) -> str:
    return "".join([piece async for piece in paced])
