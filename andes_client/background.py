"""Work that belongs to no block: a task of its own in the running event loop."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Final

import anyio.lowlevel

__all__ = ["spawn"]

_tasks: Final[set[asyncio.Task[None]]] = set()  # asyncio itself does not hold on to them


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

    loop = anyio.lowlevel.current_token().native_token
    context = contextvars.copy_context() if context is None else context
    if isinstance(loop, asyncio.AbstractEventLoop):
        task = loop.create_task(run(), context=context)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        task.add_done_callback(lambda _: done())
    else:
        import trio  # the only other back end of anyio's, and it is running

        trio.lowlevel.spawn_system_task(run, context=context)
