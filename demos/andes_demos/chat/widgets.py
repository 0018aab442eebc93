"""What the screen of the chat is made of: questions, answers, the text, the prompt."""

from collections.abc import Iterable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static, TextArea

from andes_client import Statistics
from andes_client.terminal_text import displayable, plain
from andes_demos.chat.document import Document, Section
from andes_demos.chat.keys import READING, bindings
from andes_demos.chat.store import LOST, STREAMING, Saved
from andes_demos.chat.thoughts import Thoughts

__all__ = ["Answer", "Prompt", "Question", "Transcript"]


class Question(Static):
    """What the person said, as it was typed."""

    def __init__(self, text: str, *, queued: bool = False) -> None:
        super().__init__(displayable(text), markup=False, classes="queued" if queued else "")


class Answer(Vertical):
    """An answer as it comes or as it was kept; above it the reasoning, below it how it was.

    Args:
        saved: what was kept; None for one that is to come.
        width: of the screen, cells.
    """

    def __init__(self, saved: Saved | None = None, width: int = 80) -> None:
        super().__init__()
        self.document = Document(saved.text if saved else "", width)
        """Its text."""
        self.thoughts = Thoughts(saved.thoughts if saved else "")
        """What the model thought before it."""
        self._note = Static(markup=False, classes="note")
        self._noted = ""
        if saved:
            self.show_end(saved)

    def compose(self) -> ComposeResult:
        yield self.thoughts
        yield self.document
        yield self._note

    def write(self, text: str) -> None:
        """Words of it are due."""
        self.document.write(text)

    def think(self, text: str) -> None:
        """The model has thought; it is drawn at the next look."""
        self.thoughts.text += text

    def rethink(self) -> None:
        """All that has been written was reasoning; the answer begins now."""
        self.thoughts.text += self.document.text
        before, self.document = self.document, Document(width=self.size.width or 80)
        self.mount(self.document, after=before)
        before.remove()

    def watch_answer(self, statistics: Statistics | None, waited: float) -> None:
        """It is under way: say that the person waits, if they do.

        Args:
            statistics: of the answer, if it has begun and there is more to show.
            waited: seconds since the question.
        """
        self.thoughts.draw()
        if statistics is not None and statistics.paused:
            self._say("paused: F4 resumes")
        elif self.document.text:
            self._say("")
        elif self.thoughts.text:
            self._say(f"… the model thinks, {waited:.0f} s")
        else:
            self._say(f"… waiting for the first word, {waited:.0f} s")

    def show_end(self, saved: Saved) -> None:
        """It has ended: say how it was."""
        self.thoughts.draw()
        note = displayable(saved.note)
        if saved.state in ("failed", LOST):
            self._note.add_class("failed")
            wrong, _, figures = note.partition("\n")
            advice = " Ctrl+R asks again." if saved.state == "failed" else ""
            note = "\n".join(part for part in (f"✗ {wrong}{advice}", figures) if part)
        elif saved.state != "done":
            what = "stopped" if saved.state != STREAMING else "interrupted"
            note = f"{what} · {note}" if note else what
        self._say(note)

    def _say(self, note: str) -> None:
        if note != self._noted:  # to update it is to lay out the whole screen
            self._noted = note
            self._note.update(note)


class Transcript(VerticalScroll):
    """The conversation. It holds on to its tail until the person scrolls up."""

    BINDINGS = bindings(READING, priority=False)

    def __init__(self) -> None:
        super().__init__()
        self._top: tuple[Section, int] | None = None

    def compose(self) -> ComposeResult:
        # At least as high as the screen: what is shorter would hang from its lower edge.
        yield Vertical(id="said")

    def on_mount(self) -> None:
        self.anchor()
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._look())

    @property
    def holds_tail(self) -> bool:
        """Whether it shows the end and will go on doing so."""
        return self.scroll_y >= self.max_scroll_y

    def _look(self) -> None:
        """Have drawn what is seen, and where the person may scroll a screen on either side."""
        self._keep_place()
        seen = self.region
        margin = 0 if self.holds_tail else seen.height
        for document in self._documents():
            document.look(seen.y - margin, seen.bottom + margin)

    def _keep_place(self) -> None:
        """What is seen stays where it is when text above it gets its true height."""
        if self.holds_tail:
            self._top = None
            return
        if self._top and self._top[0].is_attached:
            section, line = self._top
            if moved := section.region.y + self.scroll_offset.y - line:
                self.scroll_relative(y=moved, animate=False, immediate=True)
        sections = (document.section_at(self.region.y) for document in self._documents())
        top = next((section for section in sections if section), None)
        self._top = (top, top.region.y + self.scroll_offset.y) if top else None

    def _documents(self) -> Iterable[Document]:
        return self.query("Answer > Document").results(Document)


class Prompt(TextArea):
    """Where the person types; Enter sends, Ctrl+J begins a new line."""

    class Sent(Message):
        """The person has sent a message."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text
            """It."""

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True, compact=True, placeholder="Ask something. Enter sends, F1 helps."
        )

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = plain(event.text)  # and on to TextArea's own

    async def _on_key(self, event: events.Key) -> None:
        if event.key not in ("enter", "ctrl+j", "shift+enter", "alt+enter"):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        if event.key != "enter":
            self.insert("\n")
        elif self.text.strip():
            self.post_message(self.Sent(self.text.strip()))
            self.clear()
