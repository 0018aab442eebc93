"""Run a program with a stand-in for our pacing: the framework's own stream, to compare with.

    python screen_own.py -m uvicorn fastapi_app:app

What an app asks of `pace`, `pace_blocking`, `sse` and `sse_blocking` then passes every text on as
it comes, by the shortest way there is.
"""

import runpy
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable
from types import TracebackType
from typing import Any, Final

import andes_client
import andes_client.web

__all__ = ["Own", "OwnBlocking", "main"]

_EVENT: Final = 'data: {{"text": "{}"}}\n\n'
_DONE: Final = "event: done\ndata: {}\n\n"


class Own:
    """In place of what `pace` returns."""

    def __init__(self, stream: AsyncIterable[str], *_: Any, **__: Any) -> None:
        self._stream = stream

    async def __aenter__(self) -> "Own":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def __aiter__(self) -> AsyncIterator[str]:
        return aiter(self._stream)

    def stop(self) -> None:
        """Not measured with it."""


class OwnBlocking:
    """In place of what `pace_blocking` returns."""

    def __init__(self, stream: Iterable[str], *_: Any, **__: Any) -> None:
        self._stream = stream

    def __enter__(self) -> "OwnBlocking":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def __iter__(self) -> Generator[str, None, None]:
        yield from self._stream


async def _sse(stream: AsyncIterable[str], **_: Any) -> AsyncGenerator[str, None]:
    async for text in stream:
        yield _EVENT.format(text)
    yield _DONE


def _sse_blocking(stream: Iterable[str], **_: Any) -> Generator[str, None, None]:
    for text in stream:
        yield _EVENT.format(text)
    yield _DONE


def main() -> None:
    """Put the stand-ins in place, and run the program."""
    stands_in: dict[str, Any] = {"pace": Own, "pace_blocking": OwnBlocking}
    vars(andes_client).update(stands_in)
    vars(andes_client.web).update(sse=_sse, sse_blocking=_sse_blocking)
    _, option, name, *arguments = sys.argv
    sys.argv = [name, *arguments]
    if option == "-m":
        sys.path[0] = ""
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    raise SystemExit(f"screen_own.py -m MODULE, not {option}")


if __name__ == "__main__":
    main()
