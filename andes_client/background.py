"""Work that belongs to no block: a task of its own in the running event loop."""

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import anyio.lowlevel

__all__ = ["Work", "call_soon", "is_cancelled", "running_loop", "spawn"]

_tasks: Final[set[asyncio.Task[None]]] = set()  # asyncio itself does not hold on to them


class Work(Protocol):
    """A task that runs."""

    def cancel(self) -> object:
        """Cancel it. On asyncio once, at the point where it waits now: it may await while it
        cleans up. (A cancel scope of anyio's cancels every wait from then on.)"""
        ...


def is_cancelled(work: Work) -> bool:
    """Whether it has been cancelled already, if only by an event loop of asyncio's that ends."""
    return isinstance(work, asyncio.Task) and work.cancelling() > 0


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


def call_soon(loop: Any, function: Callable[[], object]) -> None:
    """Call a function in an event loop soon, from any thread; not at all if the loop has ended.

    Args:
        loop: what `running_loop` returned in it.
        function: must raise no exception.
    """
    with contextlib.suppress(RuntimeError):  # asyncio's; trio's RunFinishedError is one, too
        if isinstance(loop, asyncio.AbstractEventLoop):
            loop.call_soon_threadsafe(function)
        else:
            loop.run_sync_soon(function)


def spawn(
    work: Callable[[], Awaitable[None]],
    done: Callable[[], None],
    context: contextvars.Context | None = None,
) -> Work:
    """Run `work` in a task of its own, on asyncio or trio, up to the end of the event loop.

    Args:
        work: must raise no exception.
        done: called afterwards, even if the work never began.
        context: in which it runs; a copy of the present one by default.
    """
    loop = running_loop()
    context = contextvars.copy_context() if context is None else context
    if isinstance(loop, asyncio.AbstractEventLoop):
        return _on_asyncio(loop, work, done, context)
    import trio  # the only other back end of anyio's, and it is running

    scope = trio.CancelScope()

    async def run() -> None:
        try:
            with scope:
                await work()
        finally:
            done()

    trio.lowlevel.spawn_system_task(run, name=_name(work), context=context)
    return scope


def _on_asyncio(
    loop: asyncio.AbstractEventLoop,
    work: Callable[[], Awaitable[None]],
    done: Callable[[], None],
    context: contextvars.Context,
) -> Work:
    async def run() -> None:
        await work()

    task = loop.create_task(run(), name=_name(work), context=context)
    _tasks.add(task)

    def ended(task: asyncio.Task[None]) -> None:
        _tasks.discard(task)
        done()

    task.add_done_callback(ended)
    return task


def _name(work: Callable[[], Awaitable[None]]) -> str:
    """For who lists the tasks."""
    return getattr(work, "__qualname__", "andes")
