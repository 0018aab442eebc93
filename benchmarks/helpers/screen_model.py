"""A model behind an app: it says word after word, and notes when its client has gone.

    with talking() as model:
        model.script = evenly(30)
        ...  # an app asks model.url
        model.answers[-1].left_at

It speaks chat completions as a server of OpenAI's does, on loopback only. All moments are seconds
of the machine's own clock, as a browser on the same machine has them.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Answer", "Model", "Script", "evenly", "interrupted", "talking", "words"]

Script = Sequence[tuple[float, str]]
"""Seconds to wait, and what is said then."""

_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
)


def words(number: int) -> list[str]:
    """Different ones, whose ends can be seen: no pacer waits for the next to know."""
    return [f"w{i:02} " for i in range(number)]


def evenly(number: int, every_s: float = 0.35) -> Script:
    """More slowly than people read: each can be shown as soon as it comes."""
    return [(every_s, word) for word in words(number)]


def interrupted(before: int, silence_s: float, after: int) -> Script:
    """Some words, a long silence, and the others."""
    said = words(before + after)
    return [*((0.02, word) for word in said[:before]), (silence_s, said[before])] + [
        (0.02, word) for word in said[before + 1 :]
    ]


@dataclass
class Answer:
    """One answer."""

    said: dict[str, float] = field(default_factory=dict)
    """Each word, and when it was sent."""
    left_at: float | None = None
    """When the client had gone before the end."""
    over: threading.Event = field(default_factory=threading.Event)
    """All is said, or the client has gone."""


@dataclass
class Model:
    """What says `script` to whoever asks."""

    script: Script = ()
    url: str = ""
    answers: list[Answer] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for one answer."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            answer = Answer()
            self.answers.append(answer)
            await self._answer(answer, reader, writer)
        writer.close()

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        saying = asyncio.ensure_future(self._say(answer, writer))
        leaving = asyncio.ensure_future(reader.read(1))  # a client that says more has gone wrong
        await asyncio.wait({saying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not saying.done():
            answer.left_at = time.time()
        for task in (saying, leaving):
            task.cancel()
        answer.over.set()

    async def _say(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD)
        for seconds, word in self.script:
            await asyncio.sleep(seconds)
            _send(writer, _chunk({"content": word}))
            answer.said[word.strip()] = time.time()
        _send(writer, _chunk({}, "stop") + b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _send(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    return f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()


@contextlib.contextmanager
def talking() -> Iterator[Model]:
    """A model in a thread of its own, for the length of the block."""
    model, loop, ready = Model(), asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
        model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        async with server:
            await server.serve_forever()

    task = loop.create_task(run())

    def live() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        for one in asyncio.all_tasks(loop):
            one.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=live, name="model")
    thread.start()
    ready.wait()
    try:
        yield model
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
