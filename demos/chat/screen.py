"""The screen of the chat: what each key does."""

import asyncio
import contextlib
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from demos.chat import export
from demos.chat.dialogs import Conversations, Editor, Help, Picker
from demos.chat.document import displayable
from demos.chat.gauge import Gauge
from demos.chat.keys import ALWAYS, bindings
from demos.chat.server import ServerError
from demos.chat.session import Session
from demos.chat.store import Conversation, Saved, StoreError
from demos.chat.widgets import Answer, Prompt, Question, Transcript

__all__ = ["ChatScreen"]

_LOOKS_A_SECOND: Final = 4
_HINTS: Final = "F1 help  F2 F3 pace  F4 pause  F5 all  Esc stop  ^N new  ^O list  ^Q quit"
_AWAY: Final = "↓ Ctrl+End: back to the tail"


class ChatScreen(Screen[None]):
    """One conversation at a time.

    Args:
        session: what is said, to whom.
        place: what the title says of the server.
        welcome: what an empty conversation says.
        export_dir: where conversations are exported to.
    """

    BINDINGS = bindings(ALWAYS, priority=True)
    AUTO_FOCUS = "Prompt"

    def __init__(self, session: Session, place: str, welcome: str, export_dir: Path) -> None:
        super().__init__()
        self.session = session
        self._place, self._welcome, self._export_dir = place, welcome, export_dir
        self._answering: Worker[None] | None = None
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

    # -- what is said

    @on(Prompt.Sent)
    def send(self, event: Prompt.Sent) -> None:
        """Ask, or wait with it until the answer before is through."""
        if self._answering is None:
            self.run_worker(self._ask(event.text))
        else:
            self._queue.append(event.text)
            self._said.mount(Question(event.text, queued=True))
        self.action_tail()

    async def _ask(self, text: str) -> None:
        try:
            self.session.ask(text)
        except StoreError as error:
            self._complain(error)
            self.query_one(Prompt).text = text
            return
        await self.query("#welcome").remove()
        await self._said.mount(Question(text), before=self._first_queued())
        self._show_title()
        await self._begin_answer()

    async def _begin_answer(self) -> None:
        answer = Answer()
        await self._said.mount(answer, before=self._first_queued())
        self._asked_at = asyncio.get_running_loop().time()
        self.query_one(Gauge).begin()
        self._answering = self.run_worker(self._answer(answer))
        self._look()

    async def _answer(self, answer: Answer) -> None:
        try:
            saved = await self.session.answer(answer.document.write)
            await answer.document.finish()
        except asyncio.CancelledError:
            self.run_worker(answer.document.finish())
            saved = self.session.said()[-1]
            raise
        finally:
            self._answering = None
            answer.show_end(saved)
            self.call_later(self._after, saved.state)

    async def _after(self, state: str) -> None:
        """An answer has ended: go on with what was typed meanwhile, unless it went wrong."""
        self._show_title()
        self._look()
        if self._answering or not self._queue:
            return
        first = self._first_queued()
        if state == "failed":
            self.query_one(Prompt).text = "\n".join(self._queue)
            self._queue.clear()
            await self.query("Question.queued").remove()
        else:
            if first is not None:
                await first.remove()
            await self._ask(self._queue.pop(0))

    async def _stop(self) -> None:
        if (worker := self._answering) is not None:
            worker.cancel()
            with contextlib.suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()

    async def _open(self, conversation: Conversation | None) -> None:
        await self._stop()
        self._queue.clear()
        await self._show_said(self.session.open(conversation))
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

    # -- keys: the pace

    def action_slower(self) -> None:
        self.session.reader.slower()
        self._follow()

    def action_faster(self) -> None:
        self.session.reader.faster()
        self._follow()

    def action_switch(self) -> None:
        self.session.reader.switch()
        self._follow()

    def action_pause(self) -> None:
        if self.session.turn:
            self.session.turn.pause_or_resume()
        self._look()

    def action_reveal(self) -> None:
        if self.session.turn:
            self.session.turn.reveal_all()
        self._look()

    async def action_stop(self) -> None:
        await self._stop()

    def _follow(self) -> None:
        if self.session.turn:
            self.session.turn.follow()
        self._look()

    # -- keys: the conversation

    @work
    async def action_retry(self) -> None:
        if self._answering:
            self.notify("An answer is under way; Esc stops it.", markup=False)
        elif self.session.take_back():
            last = list(self._said.children)[-1:]
            for widget in last:
                if isinstance(widget, Answer):
                    await widget.remove()
            await self._begin_answer()

    async def action_new(self) -> None:
        await self._open(None)

    @work
    async def action_conversations(self) -> None:
        store = self.session.store

        def delete(id_: str) -> None:
            store.delete(int(id_))
            if self.session.conversation and self.session.conversation.id == int(id_):
                self.run_worker(self._open(None))

        chosen = await self.app.push_screen_wait(
            Conversations(
                lambda search: [(str(c.id), c.title) for c in store.conversations(search)],
                lambda id_: store.conversation(int(id_)).title,
                lambda id_, title: store.rename(int(id_), title),
                delete,
            )
        )
        if chosen is not None:
            await self._open(store.conversation(int(chosen)))

    def action_export(self) -> None:
        conversation = self.session.conversation
        if conversation is None:
            self.notify("There is nothing to export yet.", markup=False)
            return
        conversation = self.session.store.conversation(conversation.id)
        try:
            path = export.write(self._export_dir, conversation, self.session.said())
        except OSError as error:
            self.notify(f"{error.filename}: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(f"Written: {path}", markup=False)

    def action_copy_code(self) -> None:
        texts = [answer.document.text for answer in self.query(Answer)]
        code = export.last_code(texts)
        if code is None:
            self.notify("There is no code block yet.", markup=False)
            return
        self.app.copy_to_clipboard(code)
        lines = len(code.splitlines())
        self.notify(f"Copied {lines} line{'' if lines == 1 else 's'} of code.", markup=False)

    @work
    async def action_system(self) -> None:
        text = await self.app.push_screen_wait(Editor("System prompt", self.session.system))
        if text is not None:
            self.session.set_system(text.strip())

    @work
    async def action_models(self) -> None:
        try:
            names = await self.session.server.models()
        except ServerError as error:
            self._complain(error)
            return
        chosen = await self.app.push_screen_wait(
            Picker("Models", lambda search: [(n, n) for n in names if search in n])
        )
        if chosen is not None:
            self.session.model = chosen
            self._show_title()

    # -- keys: the screen

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_theme(self) -> None:
        dark = self.app.current_theme.dark
        self.app.theme = "textual-light" if dark else "textual-dark"

    def action_page_up(self) -> None:
        self._transcript.scroll_page_up(animate=False)
        self._transcript.release_anchor()

    def action_page_down(self) -> None:
        self._transcript.scroll_page_down(animate=False)

    def action_top(self) -> None:
        self._transcript.release_anchor()
        self._transcript.scroll_home(animate=False)

    def action_tail(self) -> None:
        self._transcript.anchor()

    def action_prompt(self) -> None:
        self.query_one(Prompt).focus()

    # -- what is seen

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
        self.query_one(Gauge).watch_answer(statistics)
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
        line = " · ".join(displayable(part) for part in parts if part)
        self.query_one("#title", Static).update(line, layout=False)

    def _complain(self, error: Exception) -> None:
        self.notify(str(error), severity="error", markup=False)
