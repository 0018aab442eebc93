"""The API key: where it comes from, and that it is seen nowhere.

It comes from the environment or from a file, never from the command line, where every user
of the machine could read it in the list of processes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["VARIABLES", "BadKeyError", "Key", "Redactor", "find_key"]

VARIABLES: Final = ("ANDES_API_KEY", "OPENAI_API_KEY")
"""Where in the environment it is looked for, the first that is set first."""

_HIDDEN: Final = "[key]"
# A shorter one is no secret but a word for servers that want none, such as EMPTY; to hide it
# would be to hide a word of the answers.
_SHORTEST_SECRET: Final = 8


class BadKeyError(ValueError):
    """A key that cannot be one or a file that cannot be read; the message never quotes it."""


class Key:
    """An API key that shows itself only when it is asked to.

    Neither `repr` nor `str` nor a traceback with local variables contains it.

    Raises:
        BadKeyError: it is empty, or has characters that no HTTP header may have.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, source: str) -> None:
        stripped = value.strip()
        if not stripped:
            raise BadKeyError(f"the key in {source} is empty")
        for position, character in enumerate(stripped, 1):
            if not "!" <= character <= "~":
                raise BadKeyError(
                    f"the key in {source} has a character at position {position} that no key "
                    "can have (white space, or not ASCII): store only the key there"
                )
        self._value = stripped

    def __repr__(self) -> str:
        return _HIDDEN

    def authorization(self) -> str:
        """The value of the HTTP header."""
        return f"Bearer {self._value}"

    def redact(self, text: str) -> str:
        """`text` without the key, which servers like to quote when they refuse it.

        To be done before anything else is done to the text: part of a key is not found.
        """
        return text.replace(self._value, _HIDDEN) if self._is_secret else text

    def begun_at_the_end_of(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of the key."""
        longest = min(len(self._value) - 1, len(text)) if self._is_secret else 0
        ends = range(longest, 0, -1)
        return next((n for n in ends if self._value.startswith(text[-n:])), 0)

    @property
    def _is_secret(self) -> bool:
        return len(self._value) >= _SHORTEST_SECRET


class Redactor:
    """`Key.redact` for text that comes in pieces: a key that is cut in two is found, too.

    Args:
        key: what is not to be seen; None: there is nothing to hide.
    """

    def __init__(self, key: Key | None) -> None:
        self._key = key
        self._held = ""

    def feed(self, text: str) -> str:
        """Take in the next piece; return what can be shown."""
        if self._key is None:
            return text
        text = self._key.redact(self._held + text)
        shown = len(text) - self._key.begun_at_the_end_of(text)
        self._held = text[shown:]
        return text[:shown]

    def flush(self) -> str:
        """The text is over; return what is left."""
        held, self._held = self._held, ""
        return held


def find_key(environment: Mapping[str, str], file: Path | None = None) -> Key | None:
    """The key from the environment, else from `file`; None if there is none anywhere.

    Raises:
        BadKeyError: there is one, but it cannot be used; or the file cannot be read.
    """
    for name in VARIABLES:
        if environment.get(name, "").strip():
            return Key(environment[name], name)
    if file is None:
        return None
    try:
        return Key(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise BadKeyError(f"cannot read the key file {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadKeyError(f"the key file {file} is not UTF-8 text") from None
