"""Sleepers of an event loop: one to a bed, and what thousands of them leave behind."""

import asyncio
import gc
import math

import anyio
import pytest

from andes_client import Expectation, pace
from andes_client.nap import nap
from andes_client.testing import run_virtual, scripted

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


def test_sleepers_who_are_woken_early_leave_nothing_behind() -> None:
    """As readers of text that comes all the time, who wait for a silence of 15 seconds."""

    async def read() -> None:
        script = [(0.01, "a")] * 100
        async with pace(scripted(script), Expectation.program()) as paced:
            while await paced.next(15.0) is not None:
                pass

    async def futures() -> int:
        await asyncio.gather(*[read() for _ in range(CROWD)])
        gc.collect()
        return sum(issubclass(type(thing), asyncio.Future) for thing in gc.get_objects())

    assert run_virtual(futures) < 10 * CROWD
