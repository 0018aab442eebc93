"""How an answer ended, as far as its stream says so.

    texts = text(stream)
    async with pace(texts, reading()) as paced: ...
    if texts.ending.reason == "length": ...

A failure is raised, as a `StreamError`, after the text that came before it. Every other end is
an `Ending`: the limit on length and a filter are the server's decisions, and the text is all
there will be.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from andes_client.sources.content import field

__all__ = ["Ending", "Notes", "Reason", "StreamError", "words"]

Reason = Literal[
    "complete",  # the model has said all it had to say
    "length",  # a limit on tokens cut it
    "filtered",  # the server withholds the rest
    "refused",  # the model or the server declines
    "tool call",  # the model asks for a tool, and waits for what that returns
    "only reasoning",  # the model has thought, and not answered
    "empty",  # nothing came, and the server says that this is all
    "other",  # the server gave a reason that is not known here
    "unsaid",  # the stream ended; its protocol need not say how
    "failed",  # the server reported an error, or the connection broke
    "cut off",  # the stream ended without the end that its protocol promises
]
"""Why an answer ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended."""

    reason: Reason
    said: str = ""
    """The server's words, if it has any: its finish reason, the error, the text of a refusal,
    or the names of the tools."""


class StreamError(Exception):
    """The server reported an error in its stream, its stream just stopped, or it is none."""

    def __init__(self, message: str, ending: Ending | None = None) -> None:
        super().__init__(message)
        self.ending = ending or Ending("failed", message)
        """"failed" with the server's words, or "cut off"."""


# The finish reasons of all servers, in small letters.
_MEANINGS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "eos_token"), "complete"),
    **dict.fromkeys(("complete", "completed"), "complete"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    "model_context_window_exceeded": "length",
    **dict.fromkeys(("content_filter", "content_filtered", "safety"), "filtered"),
    **dict.fromkeys(("recitation", "blocklist", "prohibited_content", "spii"), "filtered"),
    "guardrail_intervened": "filtered",
    "refusal": "refused",
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool call"),
    **dict.fromkeys(("error", "failed", "abort", "aborted", "cancelled"), "failed"),
    "insufficient_system_resource": "failed",
}
_DEEPEST: Final = 8  # levels of an error


@dataclass
class Notes:
    """What the events of one stream say of its end, noted as they come."""

    thinks: Callable[[str], object] = lambda _: None
    """Gets the reasoning."""
    finish: str = ""
    """The finish reason that came last."""
    whole: bool = False
    """Whether the protocol's end of the stream came."""
    promised: bool = False
    """Whether the events show that their protocol says how an answer ends. For SDKs that speak
    several; that of a source with `is_whole` always does."""
    open: bool = False
    """Whether a block has begun that has not ended, where a protocol tells both."""
    turned: bool = False
    """Whether another message has begun; for who reads the text, and takes this note back."""
    _message: object = None
    _failure: str | None = None
    _refusal: list[str] = dataclasses.field(default_factory=list)
    _tools: list[str] = dataclasses.field(default_factory=list)
    _wrote: bool = False
    _thought: bool = False

    def turn(self, message: object = None) -> None:
        """What comes from here on is of another message of the model than what came before.

        An agent's answer may have many: only the last one's end is that of the answer, and each
        may begin with thinking.

        Args:
            message: which one, where events of several may alternate: if it is the same as before,
                nothing changes. None: a new one.
        """
        if message is not None and message == self._message:
            return
        self._message, self.turned = message, True
        self.finish, self.open, self._tools = "", False, []

    def write(self, text: str) -> None:
        """Part of the answer."""
        self._wrote = self._wrote or bool(text.strip())

    def think(self, text: str) -> None:
        """Part of the reasoning; "" if its words are not told."""
        self._thought = True
        if text:
            self.thinks(text)

    def rethink(self) -> None:
        """All that was written so far was reasoning."""
        self._wrote, self._thought = False, True

    def refuse(self, text: str) -> None:
        """Part of a refusal."""
        self._refusal.append(text)

    def ask(self, tool: str) -> None:
        """The model asks for a tool of this name."""
        self._tools.append(str(tool))

    def fail(self, error: object) -> None:
        """The server reports an error."""
        self._failure = words(error)

    @property
    def failed(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self._failure is not None

    def ending(self, *, promised: bool) -> Ending:
        """What it comes to, when no more events come.

        Args:
            promised: the protocol says how an answer ends.
        """
        if self._failure is not None:
            return Ending("failed", self._failure)
        self.finish = str(getattr(self.finish, "value", self.finish))  # of an enumeration
        if self.finish or self.whole:
            reason = _MEANINGS.get(self.finish.lower(), "other") if self.finish else "complete"
            return self._ended(reason)
        return Ending("cut off" if promised or self.promised else "unsaid")

    def _ended(self, reason: Reason) -> Ending:
        if reason == "refused" or (reason == "complete" and self._refusal):
            return Ending("refused", "".join(self._refusal) or self.finish)
        if reason == "tool call" or (reason == "complete" and self._tools):
            return Ending("tool call", ", ".join(filter(None, self._tools)) or self.finish)
        if reason in ("complete", "length") and not self._wrote:
            if self._thought:
                return Ending("only reasoning", self.finish)
            if reason == "complete":
                return Ending("empty", self.finish)
        return Ending(reason, self.finish)


def words(error: object, depth: int = _DEEPEST) -> str:
    """What a server says in an error, of whatever form: a text, or an object that holds one."""
    if isinstance(error, str) or error is None or depth == 0:
        return " ".join(str(error or "").split())
    if isinstance(error, list | tuple):
        return "; ".join(_each(error, depth - 1))
    names = ("message", "error", "detail", "msg", "reason", "title", "code", "type")
    said = next(_each((field(error, name) for name in names), depth - 1), "")
    return said or " ".join(str(error).split())


def _each(errors: Iterable[object], depth: int) -> Iterator[str]:
    return filter(None, (words(error, depth) for error in errors))
