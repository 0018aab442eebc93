"""A conversation with a server, kept as it goes on; without a screen."""

import asyncio
import contextlib
from typing import Protocol

from andes_client.voice.engine import VoiceMissingError
from andes_demos.chat.aloud import Aloud
from andes_demos.chat.reader import Reader
from andes_demos.chat.server import Message, Server, ServerError
from andes_demos.chat.store import LOST, STREAMING, Conversation, Saved, Store, StoreError
from andes_demos.chat.turn import Turn, summary

__all__ = ["Session", "Shown"]


class Shown(Protocol):
    """Where an answer is shown."""

    def write(self, text: str) -> object:
        """Words of the answer are due."""

    def think(self, text: str) -> object:
        """The model has thought; that is not paced."""

    def rethink(self) -> object:
        """All that has been written was no answer but reasoning."""


class Session:
    """What the person talks about, with whom, and the answer that is under way.

    Args:
        store: where conversations are kept.
        server: who answers.
        reader: whose pace it is.
        model: its name; the server's first if None.
        system: the system prompt of new conversations.
    """

    def __init__(
        self,
        store: Store,
        server: Server,
        reader: Reader,
        *,
        model: str | None = None,
        system: str = "",
    ) -> None:
        self.store, self.server, self.reader = store, server, reader
        self.model = model
        """The model that answers; None until it is known."""
        self.conversation: Conversation | None = None
        """None until something is said in a new one."""
        self.turn: Turn | None = None
        """The answer that is under way."""
        self.ended: Saved | None = None
        """The last one that was under way, as it ended."""
        self._system = self._new_system = system

    @property
    def system(self) -> str:
        """The system prompt of this conversation, which is empty if there is none."""
        return self._system

    def set_system(self, text: str) -> None:
        """Use another from the next question on."""
        self._system = text
        if self.conversation:
            self.store.set_system(self.conversation.id, text)

    def open(self, conversation: Conversation | None) -> list[Saved]:
        """Go on with that conversation, or begin a new one; returns what has been said.

        Raises:
            StoreError: it cannot be read; the present one goes on.
        """
        said = self.store.messages(conversation.id) if conversation else []
        self.conversation = conversation
        self._system = conversation.system if conversation else self._new_system
        return said

    def said(self) -> list[Saved]:
        """The conversation so far."""
        return self.store.messages(self.conversation.id) if self.conversation else []

    def ask(self, text: str) -> None:
        """Add the person's next message."""
        if self.conversation is None:
            self.conversation = self.store.begin(text, self._system)
        self.store.add(self.conversation.id, "user", text)

    def take_back(self) -> bool:
        """Forget the last answer, to ask for another; whether there is a question to ask."""
        said = self.said()
        if said and said[-1].role == "assistant":
            self.store.remove(said.pop().id)
        return bool(said)

    async def answer(self, shown: Shown) -> Saved:
        """Ask the server, and show what it answers at the reader's pace.

        Args:
            shown: told of words when they are due, and of reasoning when it comes; after it
                has been kept.

        Returns:
            The answer, as `ended` has it, too. What went wrong is in its state and its note.
            Cancelling is how to stop it: the connection is closed, and what was shown stays.
        """
        assert self.conversation is not None  # something has been asked
        submitted = asyncio.get_running_loop().time()
        turn = self.turn = Aloud(self.reader) if self.reader.mouth.is_on else Turn(self.reader)
        kept = _Kept(self.store, shown, turn)
        state, wrong = "stopped", ""
        try:
            history = self._history()
            kept.message = self.store.add(self.conversation.id, "assistant", state=STREAMING)
            if self.model is None:
                self.model = (await self.server.models())[0]
            texts = self.server.answer(
                self.model, history, thinks=kept.think, rethinks=kept.rethink
            )
            await turn.run(texts, submitted, kept.write)
            state = "done"
        except ServerError as error:
            state, wrong = "failed", str(error)
        except StoreError as error:
            state, wrong = LOST, str(error)
        except VoiceMissingError as error:
            state, wrong = "failed", str(error)
        finally:
            self.turn = None
            note = "\n".join(part for part in (wrong, summary(turn.statistics)) if part)
            self.ended = Saved(kept.message, "assistant", kept.text, state, note, kept.thoughts)
            with contextlib.suppress(StoreError):  # said already, or found when it is read
                self.store.finish(kept.message, state, note)
        return self.ended

    def _history(self) -> list[Message]:
        system: list[Message] = [{"role": "system", "content": self.system}] if self.system else []
        return system + [{"role": m.role, "content": m.text} for m in self.said() if m.text]


class _Kept:
    """An answer on its way to the disk, and from there to where it is shown."""

    def __init__(self, store: Store, shown: Shown, turn: Turn) -> None:
        self.message = 0
        self.text = self.thoughts = ""
        self._store, self._shown, self._turn = store, shown, turn

    def write(self, words: str) -> None:
        self._store.append(self.message, words)
        self.text += words
        self._shown.write(words)

    def think(self, text: str) -> None:
        self._store.append(self.message, text, thought=True)
        self.thoughts += text
        self._shown.think(text)

    def rethink(self) -> None:
        self._store.rethink(self.message)
        self.thoughts, self.text = self.thoughts + self.text, ""
        self._shown.rethink()
        self.think(self._turn.rethink())
