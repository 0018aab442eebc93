"""A paced answer with the libraries that draw on terminals, and in a notebook.

    python terminal_programs.py textual

asks the server of OPENAI_BASE_URL, and shows its answer as the library's own pages advise. In an
environment that `make screens` makes.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from openai import AsyncOpenAI

from andes_client import pace, reading
from andes_client.sources.openai import text

__all__ = ["PROGRAMS", "answer"]

_CELL: Final = """
import terminal_programs
async for words in terminal_programs.answer():
    print(words, end="", flush={flush})
"""


async def answer() -> AsyncIterator[str]:
    """A paced one."""
    stream = await AsyncOpenAI().chat.completions.create(
        model="any", messages=[{"role": "user", "content": "Why?"}], stream=True
    )
    async with pace(text(stream), reading()) as paced:
        async for words in paced:
            yield words


async def plain() -> None:
    """Nothing but `print`."""
    async for words in answer():
        print(words, end="", flush=True)


async def rich(*, default: bool = False) -> None:
    """By default Live draws four times a second."""
    from rich.live import Live
    from rich.text import Text

    shown = Text()
    with Live(shown, auto_refresh=default) as live:
        async for words in answer():
            shown.append(words)
            live.update(shown, refresh=not default)


async def prompt_toolkit() -> None:
    """A text area draws itself when its buffer changes."""
    from prompt_toolkit import Application
    from prompt_toolkit.layout import Layout
    from prompt_toolkit.widgets import TextArea

    area = TextArea()
    app: Any = Application(layout=Layout(area), full_screen=True)

    async def show() -> None:
        async for words in answer():
            area.buffer.insert_text(words)
        app.exit()

    app.create_background_task(show())
    await app.run_async()


async def textual() -> None:
    """Its stream of Markdown."""
    from textual.app import App, ComposeResult
    from textual.widgets import Markdown

    class Chat(App[None]):
        def compose(self) -> ComposeResult:
            yield Markdown()

        def on_mount(self) -> None:
            self.run_worker(self.show())

        async def show(self) -> None:
            stream = Markdown.get_stream(self.query_one(Markdown))
            async for words in answer():
                await stream.write(words)
            await stream.stop()
            self.exit()

    await Chat().run_async()


async def jupyter(*, flush: bool) -> None:
    """A kernel, whose output is printed as soon as it comes."""
    from jupyter_client.manager import start_new_async_kernel

    manager, client = await start_new_async_kernel(kernel_name="python3")

    def show(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            print(message["content"]["text"], end="", flush=True)

    try:
        await client.execute_interactive(_CELL.format(flush=flush), output_hook=show)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


PROGRAMS: Final[dict[str, Callable[[], Awaitable[None]]]] = {
    "print, flush=True": plain,
    "Rich: Live as it is by default": lambda: rich(default=True),
    "Rich: Live(auto_refresh=False), update(..., refresh=True)": rich,
    "prompt_toolkit: a TextArea": prompt_toolkit,
    "Textual: Markdown.get_stream": textual,
    "Jupyter: print": lambda: jupyter(flush=False),
    "Jupyter: print, flush=True": lambda: jupyter(flush=True),
}
"""Each by what the table calls it."""

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]]())  # type: ignore[arg-type]  # they are coroutines
