"""The keys of the demo, for its bindings, its footer, its help and their tests alike."""

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["KEYS", "Help", "Key", "bindings"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several that do the same."""

    names: str
    """As Textual calls them, separated by commas."""
    action: str
    """The action of the app."""
    shown: str
    """As the footer calls them."""
    brief: str
    """What they do, for the footer; empty where a group says it."""
    what: str
    """The same, for the help."""
    group: str = ""
    """Keys that share this stand together in the footer, under one description."""

    @property
    def name(self) -> str:
        """As the help calls them, which has more room."""
        return self.names if self.names in ("space", "enter") else self.shown


KEYS: Final = (
    Key("plus,equals_sign,right", "faster", "+", "", "read a tenth faster", "speed"),
    Key("minus,left", "slower", "-", "", "read a tenth slower", "speed"),
    Key("b", "burstier", "b", "", "burstier servers: more at once, then silence", "burst"),
    Key("v", "smoother", "v", "", "smoother servers", "burst"),
    Key("r", "restart", "r", "redo", "ask all servers again"),
    Key("space", "pause", "␣", "pause", "look away or read on; the servers do not wait"),
    Key("enter", "reveal", "⏎", "all", "show all that has arrived, and the rest as it arrives"),
    Key("s", "switch", "s", "speak", "switch between a reader and a listener"),
    Key("0", "show(0)", "0", "", "show all three scenarios", "view"),
    Key("1", "show(1)", "1", "", "show only the first: just right", "view"),
    Key("2", "show(2)", "2", "", "show only the second: the long wait", "view"),
    Key("3", "show(3)", "3", "", "show only the third: the tortoise, then the hare", "view"),
    Key("t", "theme", "t", "light", "switch between light and dark"),
    Key("question_mark,f1", "help", "?", "keys", "show this help"),
    Key("q,escape", "leave", "q", "quit", "quit (so does Ctrl-C)"),
)
"""All of them, in the order of the footer."""

_HOW: Final = """\
Three servers send the same answer. You see each twice: as it arrives, and
as Andes paces it. The marked word is where you are; coloured words are
ahead of you. The charts show words over seconds. The tinted area is how
long you wait, and it lowers QoE.
"""


def bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    """The same for Textual."""
    groups = {key.group: Binding.Group(key.group, compact=True) for key in keys if key.group}
    return [
        Binding(
            key.names,
            key.action,
            key.brief or key.group,
            key_display=key.shown,
            group=groups.get(key.group),
        )
        for key in keys
    ]


class Help(ModalScreen[None]):
    """All keys; any of Esc, q, ? and Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "close", "close", show=False, priority=True)
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "andes demo"
            box.border_subtitle = "Esc: close"
            table = "\n".join(f"  {key.name:7}{key.what}" for key in KEYS)
            yield Static(f"{_HOW}\n{table}", markup=False)

    def action_close(self) -> None:
        """Back to the demo, which has gone on meanwhile."""
        self.dismiss(None)
