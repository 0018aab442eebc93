"""Streams of vLLM's engine in this process: `AsyncLLM.generate(...)`.

    stream = engine.generate(prompt, SamplingParams(max_tokens=999), request_id)
    async with pace(text(stream), reading()) as paced: ...

By default the engine says all text so far in each output; here only what is new comes through.
`output_kind=RequestOutputKind.DELTA` costs it less.
"""

import inspect
from collections.abc import AsyncIterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import Texts, Thinks, field

__all__ = ["SOURCE", "knows", "note", "split", "text"]


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """The text of the first completion; for `pace`. Leaving aborts the request.

    Afterwards its `ending` says how the answer ended. A stream that stops without a finish reason
    is an error.

    Args:
        stream: of `AsyncLLM.generate(...)`, cumulative or in deltas.
        thinks: gets reasoning that comes as a `<think>` block: the engine knows no other.
        begins_thinking: the prompt ends with `<think>`.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is a RequestOutput."""
    return hasattr(event, "outputs") and hasattr(event, "request_id")


def split(event: Any) -> tuple[str, Rest]:
    """What an output is, for `pace_events`: its text; in turn, if it is the last.

    Alone it knows outputs in deltas. Given to `pace_events` it knows cumulative ones, too: they
    are told apart by how many tokens they have.
    """
    said = "".join(str(one.text) for one in _first(event))
    return said, _rest(event, said)


def note(event: Any, notes: Notes) -> None:
    """Note what an output says of the end."""
    notes.promised = True
    for one in _first(event):
        notes.finish = str(one.finish_reason or notes.finish)


def _first(event: Any) -> list[Any]:
    """The first completion; none if the output has only others."""
    return [one for one in event.outputs if one.index == 0]


def _rest(event: Any, said: str) -> Rest:
    finish = any(one.finish_reason for one in event.outputs)
    return "nothing" if said and not finish and len(event.outputs) == 1 else "in turn"


class _Outputs:
    """Takes the outputs of one stream apart, of whichever kind they are.

    The kind is told by how `generate` was called, where the stream is its generator; else by the
    number of tokens, of which a cumulative output has all.
    """

    def __init__(self, stream: Any) -> None:
        self._kind = _kind_of(stream)
        self._first: Any = None  # the first completion's first output
        self._length = 0  # of the text so far

    def split(self, event: Any) -> tuple[str, Rest]:
        said = ""
        for one in _first(event):
            self._kind = self._kind or self._guess(event, one)
            said = str(one.text)
            if self._kind != "DELTA":
                said = said[self._length :]
            self._length += len(said)
            self._first = self._first or one
        return said, _rest(event, said)

    def _guess(self, event: Any, one: Any) -> str:
        """The first output is the same in either kind; the second one tells."""
        if self._first is None:
            return ""
        tokens = len(one.token_ids)
        so_far = field(field(event, "metrics"), "num_generation_tokens")
        if so_far is None:
            grown = tokens > len(self._first.token_ids)
            return "CUMULATIVE" if grown and one.text.startswith(self._first.text) else "DELTA"
        return "CUMULATIVE" if tokens == so_far else "DELTA"


def _kind_of(stream: Any) -> str:
    """The kind of outputs that `generate` was asked for: "CUMULATIVE", "DELTA"; "" if unknown."""
    frame = stream.ag_frame if inspect.isasyncgen(stream) else None
    params = None if frame is None else frame.f_locals.get("sampling_params")
    return str(field(field(params, "output_kind"), "name") or "")


def _anew(stream: Any) -> Source[Any]:
    return Source(name="vllm", split=_Outputs(stream).split, note=note, knows=knows)


SOURCE: Final[Source[Any]] = Source(name="vllm", split=split, note=note, knows=knows, anew=_anew)
