"""One conversation on the screen: what is asked, answered and shown. Its keys are in screen.py."""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from andes_client.terminal_text import line
from andes_demos.chat.gauge import Gauge
from andes_demos.chat.session import Session
from andes_demos.chat.store import LOST, Conversation, Saved, StoreError
from andes_demos.chat.widgets import Answer, Prompt, Question, Transcript

__all__ = ["Talk"]

_T = TypeVar("_T")
_LOOKS_A_SECOND: Final = 4
_HINTS: Final = "F1 help  F2 F3 pace  F4 pause  F5 all  Esc stop  ^N new  ^O list  ^Q quit"
_AWAY: Final = "↓ Ctrl+End: back to the tail"


class Talk(Screen[None]):
    """One conversation at a time.

    Args:
        session: what is said, to whom.
        place: what the title says of the server.
        welcome: what an empty conversation says.
    """

    AUTO_FOCUS = "Prompt"

    def __init__(self, session: Session, place: str, welcome: str) -> None:
        super().__init__()
        self.session = session
        self._place, self._welcome = place, welcome
        self._answering: Worker[None] | None = None
        self._is_asking = False
        self._asked_at = 0.0
        self._queue: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Transcript()
        yield Gauge(self.session.reader)
        yield Prompt()
        yield Static(_HINTS, id="hints", markup=False)

    async def on_mount(self) -> None:
        await self._show_said([])
        self._show_title()
        self._look()
        self.set_interval(1 / _LOOKS_A_SECOND, self._look)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way."""
        return self._answering is not None

    @on(Prompt.Sent)
    def send(self, event: Prompt.Sent) -> None:
        """Ask, or wait with it until the answer before is through."""
        if self._answering is None and not self._is_asking:
            self._is_asking = True
            self.run_worker(self._ask(event.text))
        else:
            self._queue.append(event.text)
            self._said.mount(Question(event.text, queued=True))
        self.action_tail()

    async def _ask(self, text: str) -> None:
        self._is_asking = True
        try:
            self.session.ask(text)
            asked = self.session.conversation
            await self.query("#welcome").remove()
            if self.session.conversation is asked:
                await self._said.mount(Question(text), before=self._first_queued())
            await self._begin_answer(asked)
        except StoreError as error:
            self._complain(error)
            await self._hand_back(text, *self._queue)
        finally:
            self._is_asking = False

    async def _begin_answer(self, asked: Conversation | None) -> None:
        """Answer what was asked there, unless another conversation has been opened meanwhile."""
        if self.session.conversation is not asked:
            return
        self._show_title()
        answer = Answer()
        await self._said.mount(answer, before=self._first_queued())
        if self.session.conversation is not asked:
            if answer.is_attached:
                await answer.remove()
            return
        self._asked_at = asyncio.get_running_loop().time()
        self.session.ended = None
        self.query_one(Gauge).begin()
        # Not a coroutine: it would be left behind if the worker is cancelled before it begins.
        self._answering = self.run_worker(partial(self._answer, answer))
        self._look()

    async def _hand_back(self, *texts: str) -> None:
        """What cannot be asked now goes back to the prompt."""
        self.query_one(Prompt).text = "\n".join(texts)
        self._queue.clear()
        await self.query("Question.queued").remove()

    async def _answer(self, answer: Answer) -> None:
        state = "stopped"
        try:
            state = (await self.session.answer(answer)).state
            await answer.document.finish()
        except asyncio.CancelledError:
            answer.document.run_worker(answer.document.finish())
            raise
        finally:
            self._answering = None
            if self.session.ended is not None:
                answer.show_end(self.session.ended)
            self.call_later(self._after, state)

    async def _after(self, state: str) -> None:
        """An answer has ended: go on with what was typed meanwhile, unless it went wrong."""
        self._show_title()
        self._look()
        if self._answering or self._is_asking or not self._queue:
            return
        first = self._first_queued()
        if state in ("failed", LOST):
            await self._hand_back(*self._queue)
        else:
            if first is not None:
                await first.remove()
            await self._ask(self._queue.pop(0))

    async def _stop(self) -> None:
        if (worker := self._answering) is not None:
            worker.cancel()
            with contextlib.suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()
            if self._answering is worker:  # it was cancelled before it had begun, and says nothing
                self._answering = None
                for empty in list(self.query(Answer))[-1:]:
                    await empty.remove()
                self.call_later(self._after, "stopped")

    async def _open(self, conversation: Conversation | None) -> None:
        await self._stop()
        try:
            said = self.session.open(conversation)
        except StoreError as error:
            self._complain(error)
            return
        self._queue.clear()
        await self._show_said(said)
        gc.collect()
        self.action_tail()
        self._show_title()
        self._look()
        self.query_one(Prompt).focus()

    async def _show_said(self, said: Sequence[Saved]) -> None:
        await self._said.remove_children()
        widgets = [self._widget(message) for message in said]
        welcome = Static(self._welcome, id="welcome", markup=False)
        await self._said.mount_all(widgets or [welcome])

    def _widget(self, message: Saved) -> Question | Answer:
        if message.role == "user":
            return Question(message.text)
        return Answer(message, self.size.width)

    def action_tail(self) -> None:
        """Show the end, and hold on to it."""
        self._transcript.anchor()

    @property
    def _transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def _said(self) -> Vertical:
        return self.query_one("#said", Vertical)

    def _first_queued(self) -> Question | None:
        queued = self.query("Question.queued")
        return cast(Question, queued.first()) if queued else None

    def _look(self) -> None:
        """A few times a second: how far is it?"""
        turn = self.session.turn
        statistics = turn.statistics if turn else None
        self.query_one(Gauge).watch_answer(statistics, turn.doing if turn else "")
        hints = _HINTS if self._transcript.holds_tail else _AWAY
        self.query_one("#hints", Static).update(hints, layout=False)
        for answer in list(self.query(Answer))[-1:]:
            answer.document.settle()
            if self._answering is not None:
                waited = asyncio.get_running_loop().time() - self._asked_at
                answer.watch_answer(statistics, waited)

    def _show_title(self) -> None:
        title = self.session.conversation.title if self.session.conversation else "new conversation"
        parts = [title, self.session.model, self._place]
        shown = " · ".join(line(part) for part in parts if part)
        self.query_one("#title", Static).update(shown, layout=False)

    def _or_complain(self, act: Callable[[], _T], otherwise: _T) -> _T:
        """What `act` returns; what the disk refuses is said, and the chat goes on."""
        try:
            return act()
        except StoreError as error:
            self._complain(error)
            return otherwise

    def _complain(self, error: Exception) -> None:
        self.say(str(error), severity="error")

    def say(self, what: str, severity: SeverityLevel = "information") -> None:
        """Tell the person, in a corner of the screen and for a while."""
        self.notify(line(what), severity=severity, markup=False)
