"""Text that transformers generates in this process: `generate` in a thread, and its streamer.

    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    stream = generating(model.generate, streamer, **inputs, max_new_tokens=999)
    with pace_blocking(text_blocking(stream), reading()) as paced: ...

In the usual way, with a `Thread` of your own, an error inside `generate` leaves the reader waiting
for ever, and a reader who leaves does not stop the model. `generating` raises the error where the
text is read, and stops the model at its next token.
"""

import math
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import anyio.to_thread

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = [
    "SOURCE",
    "Finished",
    "Generation",
    "generating",
    "knows",
    "note",
    "split",
    "text",
    "text_blocking",
]


T = TypeVar("T")


class Finished:
    """The last event of a `Generation`: why the model stopped."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        """"stop", "length", or "" if that cannot be told."""


Event = str | Finished


def text(
    stream: AsyncIterable[Event], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Event]:
    """The text of a `Generation`, or of an AsyncTextIteratorStreamer; for `pace`.

    Afterwards the `ending` of a generation says whether the model has said all it had to say.

    Args:
        stream: what `generating` returns.
        thinks: gets reasoning that comes as a `<think>` block.
        begins_thinking: the prompt ends with `<think>`.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Event], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Event]:
    """The same of a `Generation`, or of a TextIteratorStreamer; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is text, or the end of a generation."""
    return isinstance(event, str | Finished)


def split(event: Event) -> tuple[str, Rest]:
    """What an event is: text; or the end, in turn."""
    return (event, "nothing") if isinstance(event, str) and event else ("", "in turn")


def note(event: Event, notes: Notes) -> None:
    """Note what the end says."""
    if isinstance(event, Finished):
        notes.finish, notes.whole = event.reason, True


def generating(generate: Callable[..., Any], streamer: Any, **options: Any) -> "Generation":
    """Run `generate` in a thread; return its text as it comes.

    Args:
        generate: `model.generate`.
        streamer: a new TextIteratorStreamer. With `skip_prompt=True` the text is the answer alone.
        options: what `generate` takes: inputs, `max_new_tokens`, `stopping_criteria`, and so on.
    """
    return Generation(generate, streamer, options)


class Generation(Iterable[Event], AsyncIterable[Event]):
    """The text of a model that runs in a thread: plain or async, to be iterated once.

    The thread starts with the first iteration. An error inside `generate` is raised after the text
    that came before it. Closing it ends a wait for text at once, and the model at its next token.
    """

    def __init__(
        self, generate: Callable[..., Any], streamer: Any, options: dict[str, Any]
    ) -> None:
        if not isinstance(getattr(streamer, "text_queue", None), queue.Queue):
            raise TypeError(
                f"generating needs a TextIteratorStreamer, not {type(streamer).__name__}: "
                "the text of that one can be read plain and async"
            )
        self._generate = generate
        self._streamer = streamer
        self._options = options
        self._left = self._done = False
        self._error: BaseException | None = None
        self._reason = ""
        self.thread = threading.Thread(target=self._run, name="generation")
        """Where the model runs."""

    def __iter__(self) -> Iterator[Event]:
        self._start()
        try:
            while (piece := self._next()) is not None:
                if piece:
                    yield piece
            self._settle()
        finally:
            self.close()
        yield from self._end()

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        self._start()
        try:
            while (piece := await self._in_thread(self._next)) is not None:
                if piece:
                    yield piece
            await self._in_thread(self._settle)
        finally:
            self.close()
        for event in self._end():
            yield event

    def close(self) -> None:
        """End the wait of whoever reads, and have the model stop; from whatever thread."""
        self._left = True
        self._streamer.text_queue.put(self._streamer.stop_signal)

    def _start(self) -> None:
        if not self._left:
            self.thread.start()

    async def _in_thread(self, wait: Callable[[], T]) -> T:
        """Wait; a wait that is cancelled leaves a thread, which `close` ends."""
        return await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)

    def _next(self) -> str | None:
        piece = self._streamer.text_queue.get(timeout=self._streamer.timeout)
        return None if piece == self._streamer.stop_signal else str(piece)

    def _settle(self) -> None:
        """The streamer ends just before `generate` returns, or raises."""
        if not self._left:
            self.thread.join()

    def _end(self) -> Iterator[Event]:
        if self._error is not None:
            raise self._error
        if self._done:
            yield Finished(self._reason)

    def _run(self) -> None:
        stops = [*(self._options.pop("stopping_criteria", None) or ()), self._has_left]
        try:
            output = self._generate(
                streamer=self._streamer, stopping_criteria=stops, **self._options
            )
            self._reason = _reason(self._generate, self._options, output)
            self._done = True
        except BaseException as error:
            self._error = error
        finally:
            self._streamer.text_queue.put(self._streamer.stop_signal)

    def _has_left(self, *_: Any, **__: Any) -> bool:
        """A stopping criterion: asked after each token."""
        return self._left


def _reason(generate: Callable[..., Any], options: dict[str, Any], output: Any) -> str:
    """Why it stopped, by its last token; "" if a criterion of the caller's has stopped it."""
    tokens = getattr(output, "sequences", output)[0].tolist()
    model = getattr(generate, "__self__", None)
    config = options.get("generation_config") or getattr(model, "generation_config", None)
    ends = options.get("eos_token_id", field(config, "eos_token_id"))
    if tokens[-1] in (ends if isinstance(ends, list | tuple) else (ends,)):
        return "stop"
    prompt = options.get("input_ids", options.get("inputs"))
    new = len(tokens) - (0 if prompt is None else prompt.shape[-1])
    most = options.get("max_new_tokens", field(config, "max_new_tokens"))
    longest = options.get("max_length", field(config, "max_length"))
    reached = new >= most if most is not None else len(tokens) >= (longest or math.inf)
    return "length" if reached else ""


SOURCE: Final[Source[Event]] = Source(name="transformers", split=split, note=note, knows=knows)
