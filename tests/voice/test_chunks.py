"""A stream cut for a voice, on a virtual clock, on asyncio and trio; and in plain code."""

import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client.testing import scripted, virtual_clock_backends
from andes_client.voice.chunks import chunks, chunks_blocking
from tests.thorough import cases

EARLY = [(0.1, word) for word in ("When water", " freezes, it", " grows. So", " ice floats", ".")]


class Upstream:
    """A stream that says when it was closed."""

    def __init__(self, script: list[tuple[float, str]], error: Exception | None = None) -> None:
        self.script, self.error = script, error
        self.closed = False

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        try:
            async for text in scripted(self.script):
                yield text
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


@pytest.mark.anyio
async def test_chunks_come_when_they_are_due() -> None:
    start = anyio.current_time()
    async with chunks(scripted(EARLY)) as parts:
        cut = [(round(anyio.current_time() - start, 3), each.text) async for each in parts]
    assert cut == [(0.2, "When water freezes,"), (0.5, " it grows. So ice floats.")]


@pytest.mark.anyio
async def test_a_loop_needs_no_block() -> None:
    upstream = Upstream(EARLY)
    assert "".join([each.text async for each in chunks(upstream)]) == "".join(t for _, t in EARLY)
    assert upstream.closed


@pytest.mark.anyio
async def test_who_leaves_the_block_closes_the_stream() -> None:
    upstream = Upstream([*EARLY, (1000.0, "late")])
    start = anyio.current_time()
    async with chunks(upstream) as parts:
        async for _ in parts:
            break
    assert upstream.closed
    assert anyio.current_time() - start < 1


# Trio closes a generator that was dropped later, and warns of it: the block is better.
@pytest.mark.parametrize("anyio_backend", virtual_clock_backends()[:1])
@pytest.mark.anyio
async def test_who_leaves_a_loop_closes_the_stream() -> None:
    upstream = Upstream([*EARLY, (1000.0, "late")])
    async for _ in chunks(upstream):
        break
    gc.collect()
    await anyio.sleep(0.01)
    assert upstream.closed


@pytest.mark.anyio
async def test_an_error_comes_after_the_text_before_it() -> None:
    cut = list[str]()
    async with chunks(Upstream(EARLY, ValueError("broken"))) as parts:
        with pytest.raises(ValueError, match="broken"):
            async for each in parts:
                cut.append(each.text)
        assert [each async for each in parts] == []
    assert "".join(cut) == "".join(text for _, text in EARLY)


@pytest.mark.anyio
async def test_the_audio_in_hand_decides() -> None:
    """A voice that has audio for long gets whole sentences."""
    text = [(0.1, "One is here, and "), (0.1, "it is whole. Two"), (5.0, " is late.")]
    async with chunks(scripted(text), ahead=lambda: 60.0) as parts:
        assert [each.text async for each in parts] == ["One is here, and it is whole. Two is late."]
    async with chunks(scripted(text), ahead=lambda: 0.0) as parts:
        assert [each.text async for each in parts] == [
            "One is here,",
            " and it is whole.",
            " Two is late.",
        ]


@pytest.mark.anyio
async def test_what_came_while_nobody_asked_is_there() -> None:
    async with chunks(scripted(EARLY)) as parts:
        await anyio.sleep(10)
        assert (await anext(aiter(parts))).text == "When water freezes, it grows."


@pytest.mark.anyio
async def test_stop_drops_the_rest() -> None:
    upstream = Upstream([*EARLY, (1000.0, "late")])
    async with chunks(upstream) as parts:
        async for _ in parts:
            parts.stop()
            parts.stop()
        assert [each async for each in parts] == []
    assert upstream.closed


@pytest.mark.anyio
async def test_cancelled_while_it_waits_it_loses_nothing() -> None:
    cut = list[str]()
    async with chunks(scripted([*EARLY, (9.0, " The"), (9.0, " end.")])) as parts:
        iterator = aiter(parts)
        while True:
            with anyio.move_on_after(0.07):
                try:
                    cut.append((await anext(iterator)).text)
                except StopAsyncIteration:
                    break
    assert "".join(cut) == "".join(text for _, text in EARLY) + " The end."


@pytest.mark.anyio
async def test_one_task_iterates() -> None:
    async with chunks(scripted([(5.0, "late.")])) as parts, anyio.create_task_group() as tasks:
        iterator = aiter(parts)

        async def other() -> None:
            with pytest.raises(RuntimeError, match="one task"):
                await anext(iterator)

        async def first() -> None:
            assert (await anext(iterator)).text == "late."

        tasks.start_soon(first)
        await anyio.sleep(1)
        await other()


@pytest.mark.anyio
async def test_an_endless_stream_that_never_waits_is_cut() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "One more. "

    async with chunks(endless()) as parts:
        cut = [(await anext(aiter(parts))).text for _ in range(5)]
    assert ("One more. " * 200).startswith("".join(cut))


@pytest.mark.anyio
@pytest.mark.slow
@settings(max_examples=cases(300))
@given(
    script=st.lists(
        st.tuples(st.sampled_from([0.0, 0.01, 0.4, 5.0]), st.text(st.sampled_from("ab. ,\n漢1-`")))
    ),
    ahead=st.sampled_from([None, 0.0, 0.4, 3.0]),
)
async def test_nothing_is_lost(script: list[tuple[float, str]], ahead: float | None) -> None:
    async with chunks(scripted(script), ahead=None if ahead is None else lambda: ahead) as parts:
        cut = [each.text async for each in parts]
    assert "".join(cut) == "".join(text for _, text in script)


@pytest.mark.anyio
async def test_it_is_used_in_its_block() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await chunks(scripted([])).__anext__()


def test_a_plain_iterable_is_for_the_twin() -> None:
    with pytest.raises(TypeError, match="chunks_blocking"):
        chunks(["text"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="chunks"):
        chunks_blocking(scripted([]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="xx"):
        chunks(scripted([]), language="xx")


def test_the_blocking_twin() -> None:
    with chunks_blocking(["When water", " freezes, it grows. So", " ice floats."]) as parts:
        cut = [each.text for each in parts]
    assert "".join(cut) == "When water freezes, it grows. So ice floats."
    assert [each.text for each in chunks_blocking(iter(["Yes."]))] == ["Yes."]


def test_the_blocking_twin_closes_what_is_left() -> None:
    closed = threading.Event()

    def upstream() -> Iterator[str]:
        try:
            while True:
                yield "One more. "
        finally:
            closed.set()

    for _ in chunks_blocking(upstream()):
        break
    gc.collect()
    assert closed.wait(10)


def test_the_blocking_twin_raises_after_the_text() -> None:
    def upstream() -> Iterator[str]:
        yield "Some words"
        raise ValueError("broken")

    with chunks_blocking(upstream()) as parts:
        assert next(iter(parts)).text == "Some words"
        with pytest.raises(ValueError, match="broken"):
            next(iter(parts))
        assert list(parts) == []


def test_the_blocking_twin_stops() -> None:
    with chunks_blocking(iter(["One. Two. "] * 1000)) as parts:
        for _ in parts:
            parts.stop()
    with pytest.raises(RuntimeError, match="with"):
        next(chunks_blocking([]))
