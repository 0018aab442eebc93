"""The chat as an app."""

import gc
from pathlib import Path
from typing import Final

from textual.app import App

from andes_demos.chat.screen import ChatScreen
from andes_demos.chat.session import Session
from andes_demos.chat.widgets import Prompt

__all__ = ["ChatApp"]

# Keys wait while objects are collected, for 0.4 s if a million of them are looked at. So few are
# collected at a time, and those that live on, a long conversation on the screen, hardly ever:
# what is made and forgotten while text streams does not live that long, and the rest is collected
# when another conversation is opened.
_COLLECT: Final = (5_000, 10, 10_000)


class ChatApp(App[None]):
    """A chat in the terminal. `session.server` is closed with it.

    Args:
        session: what is said, to whom.
        place: what the title says of the server.
        welcome: what an empty conversation says.
        theme: "dark" or "light".
        export_dir: where conversations are exported to.
    """

    CSS_PATH = "chat.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "andes chat"

    def __init__(
        self,
        session: Session,
        *,
        place: str,
        welcome: str = "",
        theme: str = "dark",
        export_dir: Path = Path(),
    ) -> None:
        super().__init__()
        self.session = session
        self.theme = f"textual-{theme}"
        self._chat = ChatScreen(session, place, welcome, export_dir)

    def get_default_screen(self) -> ChatScreen:
        return self._chat

    def on_mount(self) -> None:
        gc.freeze()
        gc.set_threshold(*_COLLECT)

    def on_app_focus(self) -> None:
        self.call_later(self._focus_prompt)  # when the last focus has been restored, if any

    def _focus_prompt(self) -> None:
        """In a web page a program begins without the focus, and nothing has it then."""
        if self.screen is self._chat and self._chat.focused is None:
            self._chat.query_one(Prompt).focus()

    async def on_unmount(self) -> None:
        await self.session.server.aclose()
