"""Closing a generator closes those that it reads from, whatever holds on to them."""

import gc
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any

import pytest

from andes_client.sources.closing import aclose, close


class Log:
    """What has been closed, in order; and cycles, so that nothing is closed by itself."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.held: list[Any] = []

    def hold(self, generator: Any) -> Any:
        self.held.append(generator)
        return generator

    async def numbers(self, name: str = "inner") -> AsyncGenerator[int, None]:
        try:
            for number in range(9):
                yield number
        finally:
            self.closed.append(name)

    async def around(self, inner: Any, name: str = "outer") -> AsyncGenerator[int, None]:
        try:
            async for number in inner:
                yield number
        finally:
            self.closed.append(name)

    def plain(self, name: str = "inner") -> Generator[int, None, None]:
        try:
            yield from range(9)
        finally:
            self.closed.append(name)

    def around_plain(self, inner: Any, name: str = "outer") -> Generator[int, None, None]:
        try:
            for number in inner:  # noqa: UP028, a loop is what this is about
                yield number
        finally:
            self.closed.append(name)


class Response:
    """As SDKs wrap one: an iterator that holds a generator."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator

    def __aiter__(self) -> "Response":
        return self

    async def __anext__(self) -> int:
        number: int = await anext(self.generator)
        return number


@pytest.mark.anyio
class TestAsync:
    @pytest.mark.parametrize("wrap", [lambda inner: inner, Response], ids=["bare", "in an object"])
    async def test_from_the_outside_to_the_inside(self, wrap: Callable[[Any], Any]) -> None:
        log = Log()
        inner = log.hold(log.numbers())
        outer = log.around(log.hold(log.around(wrap(inner), "middle")))
        assert await anext(outer) == 0
        await aclose(outer)
        assert log.closed == ["outer", "middle", "inner"]

    async def test_what_has_only_a_name_is_left_alone(self) -> None:
        log = Log()
        other = log.numbers("other")
        assert await anext(other) == 0

        async def outer() -> AsyncGenerator[int, None]:
            mine, theirs = log.hold(log.numbers()), other
            async for number in mine:
                yield number + await anext(theirs)

        made = outer()
        assert await anext(made) == 1
        await aclose(made)
        assert log.closed == ["inner"]
        assert await anext(other) == 2
        await other.aclose()

    async def test_a_name_that_a_closure_has_changes_nothing(self) -> None:
        log = Log()
        inner = log.hold(log.numbers())

        async def outer() -> AsyncGenerator[int, None]:
            async for number in inner:
                yield number

        made = outer()
        await anext(made)
        await aclose(made)
        assert log.closed == ["inner"]

    async def test_one_that_closes_its_own_is_closed_once(self) -> None:
        log = Log()

        async def outer() -> AsyncGenerator[int, None]:
            async with aclosing(log.numbers()) as mine:
                async for number in mine:
                    yield number

        made = outer()
        await anext(made)
        await aclose(made)
        assert log.closed == ["inner"]

    async def test_an_error_does_not_keep_the_others_open(self) -> None:
        log = Log()

        async def outer() -> AsyncGenerator[int, None]:
            try:
                async for number in log.hold(log.numbers()):
                    yield number
            finally:
                raise ValueError("of the outer one")

        made = outer()
        await anext(made)
        with pytest.raises(ValueError, match="of the outer one"):
            await aclose(made)
        assert log.closed == ["inner"]

    @pytest.mark.parametrize("begun", [0, 9], ids=["not begun", "at its end"])
    async def test_one_that_reads_nothing(self, begun: int) -> None:
        log = Log()
        outer = log.around(log.numbers())
        for _ in range(begun):
            await anext(outer)
        if begun:
            with pytest.raises(StopAsyncIteration):
                await anext(outer)
        await aclose(outer)
        assert log.closed == (["inner", "outer"] if begun else [])


class TestPlain:
    def test_from_the_outside_to_the_inside(self) -> None:
        log = Log()
        outer = log.around_plain(log.hold(log.around_plain(log.hold(log.plain()), "middle")))
        assert next(outer) == 0
        close(outer)
        assert log.closed == ["outer", "middle", "inner"]

    def test_one_that_closes_its_own_is_closed_once(self) -> None:
        log = Log()

        def outer() -> Generator[int, None, None]:
            with closing(log.plain()) as mine:
                yield from mine

        made = outer()
        next(made)
        close(made)
        assert log.closed == ["inner"]


def test_the_garbage_collector_alone_would_not_have() -> None:
    """What the tests above begin with is so: a generator that is held stays open."""
    log = Log()
    outer = log.around_plain(log.hold(log.plain()))
    next(outer)
    outer.close()
    gc.collect()
    assert log.closed == ["outer"]
