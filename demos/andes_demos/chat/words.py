"""What a server says when it does not answer: its own words, and where it sends one."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

__all__ = ["is_error", "moved_to", "until_then", "words_of", "words_of_body"]

# Where the words of an error may be, the likeliest first.
_WORDS: Final = ("error", "message", "detail", "msg", "error_message", "description", "code")
_LONG_S: Final = 120  # from here on in minutes


def is_error(event: Any) -> bool:
    """Whether a JSON object that came in the place of a chunk is an error."""
    if event.get("error") or event.get("type") == "error" or event.get("object") == "error":
        return True
    return "choices" not in event and any(event.get(name) for name in ("message", "detail"))


def words_of(error: Any) -> str:
    """What an error says, whatever its form; its JSON if it says nothing."""
    if isinstance(error, str):
        return error
    if isinstance(error, list):
        return "; ".join(map(words_of, error))
    if isinstance(error, Mapping):
        for name in _WORDS:
            if error.get(name):
                return words_of(error[name])
    return json.dumps(error, ensure_ascii=False)


def words_of_body(text: str) -> str:
    """What the body of a refusal says: JSON as servers of models send it, or any text."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return words_of(body) if body else ""


def moved_to(asked: str, location: str) -> str:
    """The address to give to the chat when the server sends it elsewhere; "" if it does not say.

    Args:
        asked: the URL that was asked for.
        location: what the server says, relative to it.
    """
    if not location.strip():
        return ""
    parts = urlsplit(urljoin(asked, location.strip()))
    path = parts.path.removesuffix("/chat/completions").removesuffix("/models").rstrip("/")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}"


def until_then(retry_after: str) -> str:
    """When to try again, of the header `Retry-After`: seconds or a date; "" if it is neither."""
    said = retry_after.strip()
    if said.isascii() and said.isdecimal():
        seconds = int(said[:9])
        return f"in {seconds} s" if seconds <= _LONG_S else f"in {-(-seconds // 60)} min"
    try:
        return f"after {parsedate_to_datetime(said):%d %b %H:%M:%S %Z}".rstrip()
    except (ValueError, OverflowError):
        return ""
