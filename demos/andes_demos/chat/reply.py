"""What an OpenAI-compatible server sends as an answer: its text, its reasoning, its end.

Servers differ in where they write reasoning (fields of several names, parts, `<think>` in the
text), in whether text is a string or a list of parts, and in how they end. `Reply` takes their
JSON and knows of no HTTP.
"""

from collections.abc import Mapping
from typing import Any, Final

from andes_client.sources.reasoning import Kind, ThinkSplitter
from andes_demos.chat.key import Key, Redactor
from andes_demos.chat.words import is_error, words_of

__all__ = ["Reply", "ReportedError"]

Pieces = list[tuple[Kind, str]]

_FILTERED: Final = {"content_filter", "safety", "recitation", "blocklist", "prohibited_content"}
_CUT_OFF: Final = {"length", "max_tokens", "model_length"}
_GIVEN_UP: Final = {"abort", "aborted", "cancelled", "insufficient_system_resource"}
# Where a delta may have its reasoning: the first that is there, for some servers send it twice.
_THOUGHTS: Final = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_details",
    "thinking_blocks",
)
# Where a part of a list may have its text.
_TEXTS: Final = ("text", "thinking", "reasoning", "refusal", "summary", "content")


class ReportedError(Exception):
    """The server reports an error in its answer; the message is what it says."""


class Reply:
    """One answer as it comes: JSON in, pieces out; without I/O.

    Args:
        key: taken out of all that is said.
    """

    def __init__(self, key: Key | None = None) -> None:
        self._key = key
        self._think = ThinkSplitter()
        self._shown: dict[Kind, _Shown] = {"reasoning": _Shown(key), "answer": _Shown(key)}
        self._has: set[Kind] = set()
        self._reason = ""
        self._tools: list[str] = []
        self._refused = False
        self.is_done = False
        """Whether the server has said that this was all; to be set when it does."""

    @property
    def unopened(self) -> bool:
        """As of `ThinkSplitter`: whether the answer of earlier calls was reasoning."""
        return self._think.unopened

    @property
    def is_whole(self) -> bool:
        """Whether the server has ended the answer: what follows is of no account."""
        return self.is_done or bool(self._reason)

    def take(self, event: Any) -> Pieces:
        """The pieces of a chunk, or of a whole completion.

        Raises:
            ReportedError: it is an error.
        """
        if not event:  # null, for one, keeps the connection alive
            return []
        if is_error(event):
            raise ReportedError(words_of(event))
        pieces: Pieces = []
        for choice in event.get("choices") or ():
            if choice.get("error"):
                raise ReportedError(words_of(choice["error"]))
            if not choice.get("index"):
                self._reason = str(choice.get("finish_reason") or self._reason)
                pieces += self._read(choice.get("delta") or choice.get("message") or choice)
        return self._split(pieces)

    def flush(self) -> Pieces:
        """The answer is over; return what is left."""
        pieces = self._show(self._think.flush())
        rest: Pieces = [(kind, shown.flush()) for kind, shown in self._shown.items()]
        return pieces + [piece for piece in rest if piece[1]]

    def trouble(self) -> str:
        """In words, what is not as with other answers; "" if all is well."""
        reason, thought = self._reason.lower(), self._has == {"reasoning"}
        if not self.is_whole:
            return "The server broke off in the middle of the answer."
        if reason in _FILTERED:
            return "The server's filter stopped the answer here."
        if reason in _CUT_OFF and thought:
            return "The model was still thinking when it reached the server's limit on length."
        if reason in _CUT_OFF:
            return "The answer stops here because it reached the server's limit on length."
        if reason == "error":
            return "The server ended the answer because of an error, and does not say which."
        if reason in _GIVEN_UP:
            return f"The server gave the answer up ({reason})."
        if self._tools or reason in ("tool_calls", "function_call"):
            names = ", ".join(dict.fromkeys(filter(None, self._tools)))
            names = self._key.redact(names) if self._key else names
            return f"The model asks for a tool{f' ({names})' if names else ''}; the chat has none."
        if self._refused:
            return "The model refused to answer."
        if thought:
            return "The model thought, but gave no answer."
        return "" if self._has else "The answer is empty."

    def _read(self, delta: Mapping[str, Any]) -> Pieces:
        """What is in a delta, or in the message of a completion."""
        thoughts = next(filter(None, map(delta.get, _THOUGHTS)), None)
        pieces: Pieces = [("reasoning", _text(thoughts))] if thoughts else []
        content = delta.get("content") or delta.get("text") or []
        parts = content if isinstance(content, list) else [content]
        pieces += map(_part, parts)
        if refusal := delta.get("refusal"):
            pieces.append(("answer", _text(refusal)))
        refused = [part for part in parts if _type(part) == "refusal"]
        self._refused = self._refused or bool(refusal or refused)
        calls = delta.get("tool_calls") or filter(None, [delta.get("function_call")])
        for call in calls:
            self._tools.append(str((call.get("function") or call).get("name") or ""))
        return pieces

    def _split(self, pieces: Pieces) -> Pieces:
        """The same, with what is reasoning in the text told apart from it."""
        split: Pieces = []
        for kind, text in pieces:
            unopened = self.unopened
            split += self._think.feed(text) if kind == "answer" else [(kind, text)]
            if self.unopened and not unopened:
                self._has = {"reasoning"}
        return self._show(split)

    def _show(self, pieces: Pieces) -> Pieces:
        self._has |= {kind for kind, text in pieces if text.strip()}
        shown: Pieces = [(kind, self._shown[kind].feed(text)) for kind, text in pieces]
        return [piece for piece in shown if piece[1]]


class _Shown:
    """The text of one kind as it can be shown and kept: without the key, and whole characters."""

    def __init__(self, key: Key | None) -> None:
        self._redactor = Redactor(key)
        self._half = ""  # of a surrogate pair

    def feed(self, text: str) -> str:
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] < "\udc00" else ""
        return self._redactor.feed(_valid(text.removesuffix(self._half) if self._half else text))

    def flush(self) -> str:
        half, self._half = self._half, ""
        return self._redactor.feed(_valid(half)) + self._redactor.flush()


def _part(part: Any) -> tuple[Kind, str]:
    is_thought = any(word in _type(part) for word in ("think", "reason"))
    return ("reasoning" if is_thought else "answer"), _text(part)


def _type(part: Any) -> str:
    return str(part.get("type") or "") if isinstance(part, Mapping) else ""


def _text(value: Any) -> str:
    """The text in a string, in a part, or in a list of these."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _text(next(filter(None, map(value.get, _TEXTS)), ""))
    return "".join(map(_text, value)) if isinstance(value, list) else ""


def _valid(text: str) -> str:
    """`text` as Unicode has it: half a surrogate pair can neither be shown nor kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
