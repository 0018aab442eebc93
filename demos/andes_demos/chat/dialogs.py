"""What is asked over the chat: the help, a list to choose from, a text to edit."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from andes_client.terminal_text import line, plain
from andes_demos.chat.keys import ALWAYS, IN_LIST, READING, Key, bindings

__all__ = ["Conversations", "Editor", "Help", "Picker", "help_text"]

_CLOSE: Final[list[BindingType]] = [Binding("escape", "close", "close", show=False)]


def help_text() -> str:
    """All keys, for a terminal of 80 cells."""

    def table(title: str, keys: Sequence[Key]) -> list[str]:
        return [title, *(f"  {key.shown:17} {key.what}" for key in keys), ""]

    lines = ["  Enter             send; during an answer, send when it has ended"]
    lines += [
        "  Ctrl+J            a new line",
        "  Tab               move between the text and the prompt",
        "",
    ]
    lines += table("Always", ALWAYS) + table("In the text (Tab)", READING)
    return "\n".join(lines + table("In the list of conversations (Ctrl+O)", IN_LIST))


class Help(ModalScreen[None]):
    """All keys; any of Esc, q, F1 and Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,enter", "close", "close", show=False, priority=True)
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog tall") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc: close"
            yield Static(help_text(), markup=False)

    def action_close(self) -> None:
        self.dismiss(None)


class Editor(ModalScreen[str | None]):
    """A text to edit; gives the text, or None if it is to stay as it was.

    Args:
        title: what it is.
        text: what it is now.
        one_line: Enter ends it, and not Ctrl+S.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *_CLOSE,
        Binding("ctrl+s", "save", "save", show=False, priority=True),
    ]

    def __init__(self, title: str, text: str, *, one_line: bool = False) -> None:
        super().__init__()
        self._title, self._text, self._one_line = title, plain(text), one_line

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = f"{'Enter' if self._one_line else 'Ctrl+S'}: save · Esc: cancel"
            yield (
                Input(self._text, select_on_focus=False) if self._one_line else TextArea(self._text)
            )

    def action_close(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def action_save(self) -> None:
        one = self.query(Input)
        self.dismiss(one.first().value if one else self.query_one(TextArea).text)


class Picker(ModalScreen[str | None]):
    """A list to choose from and to search; gives what was chosen, or None.

    Args:
        title: what it is a list of.
        find: what there is for a search, each as what it gives when it is chosen, and what is
            shown of it. Two may be alike.
        keys: what the line below says of keys.
    """

    BINDINGS = bindings(IN_LIST[:3], priority=True)

    def __init__(
        self, title: str, find: Callable[[str], list[tuple[str, str]]], keys: str = ""
    ) -> None:
        super().__init__()
        self._title, self._find = title, find
        self._found: list[str] = []
        self._keys = f"Enter: choose · {keys}Esc: close"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall") as box:
            box.border_title = self._title
            box.border_subtitle = self._keys
            yield Input(placeholder="search")
            options = OptionList(markup=False)
            options.can_focus = False  # the search has the cursor, the arrows move here
            yield options

    def on_mount(self) -> None:
        self.show()

    @on(Input.Changed)
    def show(self) -> None:
        """Show what there is for the search."""
        options = self.query_one(OptionList)
        found = self._find(self.query_one(Input).value)
        self._found = [given for given, _ in found]
        options.clear_options()
        options.add_options([Option(line(label)) for _, label in found])
        options.highlighted = 0 if found else None

    @property
    def chosen(self) -> str | None:
        """What the arrows are at."""
        highlighted = self.query_one(OptionList).highlighted
        return None if highlighted is None else self._found[highlighted]

    def action_close(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    @on(Input.Submitted)
    def choose(self) -> None:
        """Take what the arrows are at."""
        if self.chosen is not None:
            self.dismiss(self.chosen)

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        """The mouse is not needed, but it works."""
        self.dismiss(self._found[event.option_index])


class Conversations(Picker):
    """The list of conversations, with two keys more.

    Args:
        find: as for `Picker`.
        title_of: the present title of one.
        rename: gives one another title.
        delete: removes one.
    """

    BINDINGS = bindings(IN_LIST[3:], priority=True)

    def __init__(
        self,
        find: Callable[[str], list[tuple[str, str]]],
        title_of: Callable[[str], str],
        rename: Callable[[str, str], None],
        delete: Callable[[str], None],
    ) -> None:
        super().__init__("Conversations", find, "F2: rename · F8 twice: delete · ")
        self._title_of, self._rename, self._delete = title_of, rename, delete
        self._doomed: str | None = None

    def action_rename(self) -> None:
        if (id_ := self.chosen) is None:
            return

        def rename(title: str | None) -> None:
            if title is not None:
                self._rename(id_, title)
                self.show()

        self.app.push_screen(Editor("Rename", self._title_of(id_), one_line=True), rename)

    def action_delete(self) -> None:
        id_ = self.chosen
        if id_ is None:
            return
        if id_ != self._doomed:
            self._doomed = id_
            self.notify("Press F8 again to delete it for good.", severity="warning", markup=False)
            return
        self._delete(id_)
        self._doomed = None
        self.show()
