"""The reasoning of a model, folded into a line until someone wants to read it."""

from textual import events
from textual.widgets import Static

from andes_client.terminal_text import displayable

__all__ = ["Thoughts"]


class Thoughts(Static):
    """What the model thought before it answered; nothing is shown if it did not.

    It is never paced: nobody is expected to read it.

    Args:
        text: what there is already.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(markup=False)
        self.text = text
        """All of it."""
        self.is_folded = True
        """Whether a line stands for it."""
        self._drawn: tuple[int, bool] | None = None

    def on_mount(self) -> None:
        self.draw()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.toggle()

    def toggle(self) -> None:
        """Unfold it, or fold it again."""
        self.is_folded = not self.is_folded
        self.draw()

    def draw(self) -> None:
        """Show it as it is now; called now and then, for it grows by the token."""
        drawn, self._drawn = self._drawn, (len(self.text), self.is_folded)
        if drawn == self._drawn:
            return
        # A line stays one, and need not have the screen laid out again.
        stays = self.display and drawn is not None and drawn[1] and self.is_folded
        self.display = bool(self.text.strip())
        what = "unfolds" if self.is_folded else "folds"
        head = f"{'▸' if self.is_folded else '▾'} Reasoning, {len(self.text):,} characters"
        line = f"{head} · Ctrl+P {what} it"
        whole = line if self.is_folded else f"{line}\n{displayable(self.text).strip()}"
        self.update(whole, layout=not stays)
