"""Work that belongs to no block: a task of its own in the running event loop."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Final

import anyio.lowlevel

__all__ = ["running_loop", "spawn"]

_tasks: Final[set[asyncio.Task[None]]] = set()  # asyncio itself does not hold on to them


def running_loop() -> object:
    """The event loop that is running: asyncio's, or trio's token of it.

    Also in a callback of asyncio's (`call_later`, a signal's handler). There is no task there, and
    anyio (4.16) therefore sees no event loop once sniffio is installed, which trio brings along
    (findings/anyio-in-a-callback.sh).

    Raises:
        RuntimeError: none is running here.
    """
    try:
        return anyio.lowlevel.current_token().native_token
    except RuntimeError:
        return asyncio.get_running_loop()


def spawn(
    work: Callable[[], Awaitable[None]],
    done: Callable[[], None],
    context: contextvars.Context | None = None,
) -> None:
    """Run `work` in a task of its own, on asyncio or trio, up to the end of the event loop.

    Args:
        work: must raise no exception.
        done: called afterwards, even if the work never began.
        context: in which it runs; a copy of the present one by default.
    """

    async def run() -> None:
        await work()

    loop = running_loop()
    context = contextvars.copy_context() if context is None else context
    if isinstance(loop, asyncio.AbstractEventLoop):
        task = loop.create_task(run(), context=context)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        task.add_done_callback(lambda _: done())
    else:
        import trio  # the only other back end of anyio's, and it is running

        trio.lowlevel.spawn_system_task(run, context=context)
