"""The keys of the chat, and what each does."""

import asyncio
from pathlib import Path

from textual import work

from andes_client.terminal_text import line
from andes_client.voice.engine import VoiceMissingError
from andes_demos.chat import export
from andes_demos.chat.dialogs import Conversations, Editor, Help, Picker
from andes_demos.chat.keys import ALWAYS, bindings
from andes_demos.chat.server import ServerError
from andes_demos.chat.session import Session
from andes_demos.chat.store import StoreError
from andes_demos.chat.talk import Talk
from andes_demos.chat.widgets import Answer, Prompt

__all__ = ["ChatScreen"]


class ChatScreen(Talk):
    """A conversation and its keys.

    Args:
        session: what is said, to whom.
        place: what the title says of the server.
        welcome: what an empty conversation says.
        export_dir: where conversations are exported to.
    """

    BINDINGS = bindings(ALWAYS, priority=True)

    def __init__(self, session: Session, place: str, welcome: str, export_dir: Path) -> None:
        super().__init__(session, place, welcome)
        self._export_dir = export_dir

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
        turn, mode = self.session.turn, self.session.reader.mode
        if turn and turn.is_smooth != (mode == "smooth"):
            self.say(f"From the next answer on: {mode}.")

    @work
    async def action_aloud(self) -> None:
        mouth = self.session.reader.mouth
        try:
            await asyncio.to_thread(mouth.switch)
        except VoiceMissingError as error:
            self.say(str(error), severity="error")
        else:
            self.say(f"From the next answer on: {'aloud' if mouth.is_on else 'silent'}.")
        self._look()

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
        if self._answering or self._is_asking:
            self.say("An answer is under way; Esc stops it.")
        elif self._or_complain(self.session.take_back, otherwise=False):
            asked, last = self.session.conversation, list(self._said.children)[-1:]
            for widget in last:
                if isinstance(widget, Answer):
                    await widget.remove()
            await self._begin_answer(asked)

    async def action_new(self) -> None:
        await self._open(None)

    @work
    async def action_conversations(self) -> None:
        store, try_ = self.session.store, self._or_complain

        def delete(id_: str) -> None:
            store.delete(int(id_))
            if self.session.conversation and self.session.conversation.id == int(id_):
                self.run_worker(self._open(None))

        chosen = await self.app.push_screen_wait(
            Conversations(
                lambda text: try_(
                    lambda: [(str(c.id), c.title) for c in store.conversations(text)], []
                ),
                lambda id_: try_(lambda: store.conversation(int(id_)).title, ""),
                lambda id_, title: try_(lambda: store.rename(int(id_), title), None),
                lambda id_: try_(lambda: delete(id_), None),
            )
        )
        if chosen is not None:
            conversation = try_(lambda: store.conversation(int(chosen)), None)
            if conversation is not None:
                await self._open(conversation)

    def action_export(self) -> None:
        conversation = self.session.conversation
        if conversation is None:
            self.say("There is nothing to export yet.")
            return
        try:
            conversation = self.session.store.conversation(conversation.id)
            path = export.write(self._export_dir, conversation, self.session.said())
        except StoreError as error:
            self._complain(error)
        except OSError as error:
            self.say(f"{error.filename}: {error.strerror}", severity="error")
        else:
            self.say(f"Written: {path}")

    def action_copy_code(self) -> None:
        texts = [answer.document.text for answer in self.query(Answer)]
        code = export.last_code(texts)
        if code is None:
            self.say("There is no code block yet.")
            return
        self.app.copy_to_clipboard(code)
        lines = len(code.splitlines())
        self.say(f"Copied {lines} line{'' if lines == 1 else 's'} of code.")

    def action_thoughts(self) -> None:
        """Those that are seen, or else the last."""
        every = [answer.thoughts for answer in self.query(Answer) if answer.thoughts.display]
        region = self._transcript.region
        seen = [thoughts for thoughts in every if region.overlaps(thoughts.region)]
        for thoughts in (seen or every)[-1:]:
            thoughts.toggle()

    @work
    async def action_system(self) -> None:
        text = await self.app.push_screen_wait(Editor("System prompt", self.session.system))
        if text is not None:
            self._or_complain(lambda: self.session.set_system(text.strip()), None)

    @work
    async def action_models(self) -> None:
        try:
            names = await self.session.server.models()
        except ServerError as error:
            self._complain(error)
            return
        chosen = await self.app.push_screen_wait(
            Picker("Models", lambda search: [(n, n) for n in names if search in line(n)])
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

    def action_prompt(self) -> None:
        self.query_one(Prompt).focus()
