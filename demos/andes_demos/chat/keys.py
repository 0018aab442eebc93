"""The keys of the chat, for the screen, the help and its tests alike."""

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

__all__ = ["ALWAYS", "IN_LIST", "READING", "Key", "bindings"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several that do the same."""

    names: str
    """As Textual calls them, separated by commas."""
    action: str
    """The action of the screen."""
    shown: str
    """As the help calls them."""
    what: str
    """What they do."""


ALWAYS: Final = (
    Key("f1", "help", "F1", "show this help"),
    Key("f2", "slower", "F2", "read a tenth slower"),
    Key("f3", "faster", "F3", "read a tenth faster"),
    Key("f4", "pause", "F4", "pause or resume"),
    Key("f5", "reveal", "F5", "reveal all of this answer"),
    Key("f6", "switch", "F6", "switch between reading, speaking and smooth"),
    Key("f7", "copy_code", "F7", "copy the last code block, even an unfinished one"),
    Key("f8", "system", "F8", "edit the system prompt"),
    Key("f9", "models", "F9", "choose one of the server's models"),
    Key("f10", "aloud", "F10", "speak the next answers aloud, or no longer"),
    Key("ctrl+p", "thoughts", "Ctrl+P", "show or fold the model's reasoning"),
    Key("escape", "stop", "Esc", "stop the answer and close the connection"),
    Key("ctrl+r", "retry", "Ctrl+R", "ask the last question again"),
    Key("ctrl+n", "new", "Ctrl+N", "begin a new conversation"),
    Key("ctrl+o", "conversations", "Ctrl+O", "open, search, rename or delete conversations"),
    Key("ctrl+s", "export", "Ctrl+S", "export the conversation as Markdown"),
    Key("ctrl+t", "theme", "Ctrl+T", "switch between light and dark"),
    Key("pageup", "page_up", "PgUp", "scroll up, and stop following the answer"),
    Key("pagedown", "page_down", "PgDn", "scroll down"),
    Key("ctrl+home", "top", "Ctrl+Home", "go to the beginning"),
    Key("ctrl+end,ctrl+g", "tail", "Ctrl+End, Ctrl+G", "go to the end, and follow the answer"),
    Key("ctrl+q", "app.quit", "Ctrl+Q", "quit; the conversation is kept"),
)
"""They work wherever the cursor is."""

READING: Final = (
    Key("plus,equals_sign", "screen.faster", "+ =", "faster"),
    Key("minus", "screen.slower", "-", "slower"),
    Key("space", "screen.pause", "Space", "pause or resume"),
    Key("enter", "screen.reveal", "Enter", "reveal all"),
    Key("s", "screen.switch", "s", "switch between reading, speaking and smooth"),
    Key("c", "screen.copy_code", "c", "copy the last code block"),
    Key("end,g", "screen.tail", "End, g", "go to the end, and follow the answer"),
    Key("q", "screen.prompt", "q", "go back to the prompt"),
)
"""They work while the text has the cursor (Tab), as those of `andes pace`."""

IN_LIST: Final = (
    Key("escape", "close", "Esc", "close"),
    Key("down", "down", "Down", "next"),
    Key("up", "up", "Up", "previous"),
    Key("f2", "rename", "F2", "rename"),
    Key("f8", "delete", "F8", "delete (press twice)"),
)
"""They work in the list of conversations."""


def bindings(keys: tuple[Key, ...], *, priority: bool) -> list[BindingType]:
    """The same for Textual.

    Args:
        keys: some of them.
        priority: whether they come before those of the widget that has the cursor.
    """
    return [Binding(key.names, key.action, key.what, show=False, priority=priority) for key in keys]
