"""Conversations on disk: SQLite, in the user's data folder.

A word is written before it is shown, in a transaction of its own, and nothing has to be put
right after a crash: an answer's text is its row and the pieces that have not been folded
into it yet. Without fsync for each word, a power failure may cost the last moments; a
program that is killed loses nothing.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from andes_client.terminal_text import plain

__all__ = ["LOST", "STREAMING", "Conversation", "Saved", "Store", "StoreError"]

STREAMING: Final = "streaming"
"""The state of an answer that is under way, or was when the program was killed."""

LOST: Final = "lost"
"""The state of an answer that could not be kept to its end, and so was not shown to it."""

_LONGEST_TITLE: Final = 60
_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, system TEXT NOT NULL, changed REAL NOT NULL
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    role TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX of_conversation ON messages(conversation);
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE, text TEXT NOT NULL
);
CREATE INDEX of_message ON pieces(message);
"""
# By the version before them. A program of an older version that runs meanwhile goes on.
_CHANGES: Final = {
    1: (
        "ALTER TABLE messages ADD COLUMN thoughts TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE pieces ADD COLUMN is_thought INTEGER NOT NULL DEFAULT 0",
    )
}
_GONE: Final = "This conversation is no longer there: another chat may have deleted it."


class StoreError(Exception):
    """The conversations cannot be kept or read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One, without its messages."""

    id: int
    title: str
    system: str
    """The system prompt."""
    changed: float
    """When something was last said, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A message that is kept."""

    id: int
    role: str
    """ "user" or "assistant"."""
    text: str
    state: str
    """ "done", `STREAMING`, "stopped", "failed" or `LOST`."""
    note: str
    """How it was for the reader, or what went wrong."""
    thoughts: str = ""
    """The reasoning before the answer, as far as the server sent it."""


class Store:
    """All conversations. A context manager; several programs may use the same file.

    Args:
        folder: where the file is, or will be; made if need be, for its owner only.
        now: seconds since the epoch.

    Raises:
        StoreError: the folder or the file cannot be used.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.path = folder / "chat.db"
        """The file; SQLite keeps two more beside it."""
        self._now = now
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from None
        with self._explained():
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def conversations(self, search: str = "") -> list[Conversation]:
        """Those with `search` in their title or text, whatever its case; the newest first."""
        wanted = search.strip()
        found = self._rows(
            "SELECT id, title, system, changed FROM conversations ORDER BY changed DESC, id DESC"
        )
        every = [Conversation(*row) for row in found]
        return [one for one in every if not wanted or self._contains(one, wanted.casefold())]

    def conversation(self, id_: int) -> Conversation:
        """The one with that number.

        Raises:
            StoreError: there is none (any more), or the file cannot be read.
        """
        for row in self._rows(
            "SELECT id, title, system, changed FROM conversations WHERE id = ?", id_
        ):
            return Conversation(*row)
        raise StoreError(_GONE)

    def begin(self, title: str, system: str = "") -> Conversation:
        """A new conversation."""
        id_ = self._insert(
            "INSERT INTO conversations(title, system, changed) VALUES (?, ?, ?)",
            _title(title),
            system,
            self._now(),
        )
        return self.conversation(id_)

    def rename(self, id_: int, title: str) -> None:
        """Give it another title."""
        self._rows("UPDATE conversations SET title = ? WHERE id = ?", _title(title), id_)

    def set_system(self, id_: int, system: str) -> None:
        """Give it another system prompt."""
        self._rows("UPDATE conversations SET system = ? WHERE id = ?", system, id_)

    def delete(self, id_: int) -> None:
        """Remove it with all that was said; the file is overwritten there."""
        self._rows("DELETE FROM conversations WHERE id = ?", id_)

    def messages(self, id_: int) -> list[Saved]:
        """What was said, in order; of an answer that was cut off, all that was shown."""
        rows = self._rows(
            "SELECT id, role, text, state, note, thoughts FROM messages WHERE conversation = ? "
            "ORDER BY id",
            id_,
        )
        return [
            Saved(
                number,
                role,
                text + self._pieces(number),
                state,
                note,
                thoughts + self._pieces(number, thoughts=True),
            )
            for number, role, text, state, note, thoughts in rows
        ]

    def add(self, id_: int, role: str, text: str = "", state: str = "done") -> int:
        """Add a message to a conversation; returns the message's number."""
        self._rows("UPDATE conversations SET changed = ? WHERE id = ?", self._now(), id_)
        return self._insert(
            "INSERT INTO messages(conversation, role, text, state, note) VALUES (?, ?, ?, ?, '')",
            id_,
            role,
            text,
            state,
        )

    def append(self, message: int, text: str, *, thought: bool = False) -> None:
        """Add a piece to an answer, or to the reasoning before it.

        Once this returns, it survives the end of the program.

        Raises:
            StoreError: it cannot be kept; the message says whether its conversation is gone.
        """
        self._rows(
            "INSERT INTO pieces(message, text, is_thought) VALUES (?, ?, ?)", message, text, thought
        )

    def rethink(self, message: int) -> None:
        """All text of an answer up to here was reasoning."""
        self._rows("UPDATE pieces SET is_thought = 1 WHERE message = ?", message)

    def finish(self, message: int, state: str, note: str = "") -> None:
        """The answer has ended, in one way or another: put its pieces together."""
        with self._explained(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            text, thoughts = self._pieces(message), self._pieces(message, thoughts=True)
            self._db.execute(
                "UPDATE messages SET text = text || ?, thoughts = thoughts || ?, state = ?, "
                "note = ? WHERE id = ?",
                (text, thoughts, state, note, message),
            )
            self._db.execute("DELETE FROM pieces WHERE message = ?", (message,))

    def remove(self, message: int) -> None:
        """Remove one message."""
        self._rows("DELETE FROM messages WHERE id = ?", message)

    def _open(self) -> None:
        # Others' writes take microseconds; to wait for longer would not help.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 2000"):
            self._db.execute(f"PRAGMA {pragma}")
        for pragma in ("foreign_keys = ON", "secure_delete = ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
        for before in range(max(1, version), _VERSION):
            for statement in _CHANGES[before]:
                self._db.execute(statement)
        if version < _VERSION:
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        self._db.execute("COMMIT")
        if version > _VERSION:
            raise StoreError(f"{self.path} was written by a newer version of andes chat: update it")

    def _contains(self, conversation: Conversation, wanted: str) -> bool:
        if wanted in conversation.title.casefold():
            return True
        return any(wanted in said.text.casefold() for said in self.messages(conversation.id))

    def _pieces(self, message: int, *, thoughts: bool = False) -> str:
        rows = self._rows(
            "SELECT text FROM pieces WHERE message = ? AND is_thought = ? ORDER BY id",
            message,
            thoughts,
        )
        return "".join(text for (text,) in rows)

    def _rows(self, statement: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._explained():
            return self._db.execute(statement, values).fetchall()

    def _insert(self, statement: str, *values: object) -> int:
        with self._explained():
            number = self._db.execute(statement, values).lastrowid
        assert number is not None  # an INSERT has one
        return number

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:  # what it would belong to has been deleted
            raise StoreError(_GONE) from None
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from None


def _title(text: str) -> str:
    """One line of it, not too long."""
    title = plain(" ".join(text.split())) or "Untitled"
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
