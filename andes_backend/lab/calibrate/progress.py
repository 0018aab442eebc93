"""Shows how far a calibration is: a bar on a terminal, a line for each kind elsewhere."""

from types import TracebackType

from rich import progress
from rich.console import Console

__all__ = ["Progress"]


class Progress:
    """A context manager; tell `told` what comes next."""

    def __init__(self, console: Console) -> None:
        """Shows nothing before it is entered."""
        self._console = console
        columns = progress.TextColumn("{task.description}", markup=False), progress.BarColumn()
        self._bar = progress.Progress(
            *columns,
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: progress.TaskID | None = None
        self._what = ""

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def told(self, what: str, done: int, of: int) -> None:
        """The next experiment is one of `what`: so many are done, of so many."""
        if what != self._what:
            self._begin(what, of)
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=of)

    def _begin(self, what: str, of: int) -> None:
        self._what = what
        if self._console.is_terminal:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=of)
        else:
            self._console.print(f"{what}: {of} experiment{'s' if of > 1 else ''}")
