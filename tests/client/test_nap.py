"""Sleepers of an event loop: one to a bed, and what thousands of them leave behind."""

import asyncio
import contextvars
import gc
import math
from collections.abc import Callable

import anyio
import pytest

from andes_client import Expectation, pace
from andes_client.nap import Nap, nap
from andes_client.testing import VirtualClockLoop, run_virtual, scripted

CROWD = 100  # more than have timers of their own


@pytest.mark.anyio
async def test_a_second_reader_is_told_so_and_the_first_goes_on() -> None:
    script, words = [(1.0, "one "), (3.0, "two")], list[str]()

    async def read() -> None:
        words.extend([word async for word in paced])

    async with (
        pace(scripted(script), Expectation.program(), unit="word") as paced,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(read)
        await anyio.sleep(0.5)
        with pytest.raises(RuntimeError, match="another one waits for its text"):
            await anext(paced)
    assert "".join(words) == "one two"


@pytest.mark.anyio
async def test_a_bed_is_free_again_after_a_sleep_that_was_cancelled() -> None:
    bed = nap()
    with anyio.move_on_after(1.0):
        await bed.until(math.inf)
    moment = anyio.current_time() + 1.0
    await bed.until(moment)
    assert anyio.current_time() >= moment
    bed.close()


def test_nobody_is_woken_before_their_moment_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def sleep() -> None:
        bed = nap()
        for fraction in range(1, 10):
            moment = bed.now() + 0.005 + fraction / 10_000
            await bed.until(moment)
            assert bed.now() >= moment
        bed.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(sleep())


def test_who_comes_right_after_a_cancelled_sleeper_sleeps_undisturbed() -> None:
    """The one has been called and has not got up yet, and is called once more meanwhile."""

    async def sleep() -> None:
        bed = nap()
        first = asyncio.create_task(_sleep(bed, math.inf))
        await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(_sleep(bed, bed.now() + 1.0))
        asyncio.get_running_loop().call_soon(first.cancel)
        await second
        assert (first.cancelled(), bed.now()) == (True, 1.0)
        bed.close()

    run_virtual(sleep)


async def _sleep(bed: Nap, moment: float) -> None:
    await bed.until(moment)


def test_who_is_cancelled_hears_why() -> None:
    """By its message a cancel scope of anyio's knows its own cancellation."""

    async def sleep() -> None:
        sleeper = asyncio.create_task(_sleep(nap(), math.inf))
        await asyncio.sleep(0)
        sleeper.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await sleeper

    run_virtual(sleep)


def test_each_wakes_in_a_context_of_their_own() -> None:
    name = contextvars.ContextVar[int]("name")

    async def sleep(number: int) -> None:
        name.set(number)
        bed = nap()
        for second in range(3):
            await bed.until(bed.now() + second + 0.5)
            assert name.get() == number
        bed.close()

    async def all_of_them() -> None:
        await asyncio.gather(*[sleep(number) for number in range(CROWD)])

    run_virtual(all_of_them)


def test_who_ends_the_event_loop_leaves_no_one_asleep() -> None:
    """A reader's task raises SystemExit; the loop is run again, and all others are woken."""
    woken = list[int]()

    async def sleep(number: int) -> None:
        bed = nap()
        await bed.until(1.0)
        woken.append(number)
        if number == CROWD - 10:  # one of those who share a timer
            raise SystemExit(3)

    async def begin() -> None:
        sleepers.extend(asyncio.create_task(sleep(number)) for number in range(CROWD))
        await asyncio.sleep(0)

    async def go_on() -> None:
        await asyncio.gather(*sleepers, return_exceptions=True)

    sleepers = list[asyncio.Task[None]]()
    loop = VirtualClockLoop()
    loop.run_until_complete(begin())
    with pytest.raises(SystemExit):
        loop.run_until_complete(asyncio.sleep(2.0))
    loop.run_until_complete(go_on())
    loop.close()
    assert sorted(woken) == list(range(CROWD))


@pytest.mark.parametrize(("beds", "moment"), [(0, 0.4), (CROWD, 0.5)])
def test_a_reader_may_run_the_event_loop_while_others_sleep(beds: int, moment: float) -> None:
    """As notebooks do that let a cell wait for a coroutine within a coroutine (nest_asyncio).

    Among many, the others are due at the same moment, and share a timer with the reader.
    """

    async def run() -> None:
        kept = [nap() for _ in range(beds)]
        sleepers = [asyncio.create_task(_sleep(nap(), 0.5)) for _ in range(2)]
        await nap().until(moment)
        _run_within_this_task(lambda: all(task.done() for task in sleepers))
        assert all(task.done() for task in sleepers)
        del kept

    run_virtual(run)


def _run_within_this_task(is_over: Callable[[], bool]) -> None:
    """The event loop goes on in the midst of a task, up to ten turns."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asyncio.tasks._leave_task(loop, task)
    try:
        for _ in range(10):
            if not is_over():
                loop._run_once()  # type: ignore[attr-defined]
    finally:
        asyncio.tasks._enter_task(loop, task)


def test_the_clock_is_the_event_loops_even_if_it_is_another_one_for_a_test() -> None:
    async def now() -> float:
        return nap().now()

    loop = asyncio.new_event_loop()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "time", lambda: 42.0)
        assert loop.run_until_complete(now()) == 42.0
    loop.close()


def test_words_leave_nothing_to_the_garbage_collector() -> None:
    """Once all have begun, a collection would look at every object of the process for nothing."""
    collected = list[int]()

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected.append(info["generation"])

    async def read() -> None:
        async with pace(scripted([(0.0, "word " * 40)]), Expectation(1.0, 4.8)) as paced:
            async for _ in paced:
                pass

    async def all_of_them() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(10 * CROWD):
                tasks.start_soon(read)
            await asyncio.sleep(3.0)
            gc.collect()  # so that it counts from here
            gc.callbacks.append(count)
            await asyncio.sleep(3.0)
            gc.callbacks.remove(count)

    run_virtual(all_of_them)
    assert not collected


def test_sleepers_who_are_woken_early_leave_nothing_behind() -> None:
    """As readers of text that comes all the time, who wait for a silence of 15 seconds."""

    async def read(number: int) -> None:
        script = [(0.01 + number / 50_000, "a")] * 100
        async with pace(scripted(script), Expectation.program()) as paced:
            while await paced.next(15.0) is not None:
                pass

    async def things() -> int:
        await asyncio.gather(*[read(number) for number in range(CROWD)])
        gc.collect()
        return len(gc.get_objects())

    gc.collect()
    before = len(gc.get_objects())
    left = run_virtual(things) - before
    assert left < 20 * CROWD
