"""How a front end passes reports on; on a clock that jumps, with an engine of the tests."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from andes_backend.engine.ear import MOST_STREAMS, PATIENCE_S, Answers, Bucket, Ear, TooBusyError
from andes_backend.engine.reports import Checked
from andes_client.testing import run_virtual
from andes_client.wire import Forecast, Report

STEP_S = 0.05


def report(stream: str, number: int = 0, **more: Any) -> Report:
    values: dict[str, Any] = {"units": 0, "tokens": 0.0, "buffer_s": 0.0, **more}
    return Report(stream=stream, number=number, **values)


class Engine:
    """Answers after a step, and keeps what it was told."""

    def __init__(self, *ranks: Answers, step_s: float = STEP_S) -> None:
        self.ranks: list[Answers] = list(ranks)
        self.step_s = step_s
        self.calls: list[list[Checked]] = []
        self.under_way = 0
        self.at_once = 0

    async def tell(self, reports: list[Checked]) -> list[Answers]:
        self.calls.append(reports)
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        await asyncio.sleep(self.step_s)
        self.under_way -= 1
        return self.ranks


def run(test: Callable[[], Awaitable[None]]) -> None:
    run_virtual(test)


def test_each_caller_hears_of_its_own_streams() -> None:
    """Whichever rank holds them; of those that nobody holds, nothing is said."""

    async def test() -> None:
        engine = Engine({"a": None, "b": (1.5, 4.0)}, {"c": (0.0, 0.0)}, {})
        ear = Ear(engine.tell)
        first, second = await asyncio.gather(
            ear.hear([report("a"), report("b"), report("nowhere")]), ear.hear([report("c")])
        )
        assert first == {"a": None, "b": Forecast(1.5, 4.0)}
        assert second == {"c": Forecast(0.0, 0.0)}
        sent = [one for call in engine.calls for one in call]
        assert sorted(one.stream for one in sent) == ["a", "b", "c", "nowhere"]

    run(test)


def test_however_many_call_the_engine_is_called_once_at_a_time() -> None:
    async def test() -> None:
        engine = Engine({})
        ear = Ear(engine.tell)

        async def client(index: int) -> None:
            await asyncio.sleep(index * 0.001)
            await ear.hear([report(f"stream-{index}")])

        await asyncio.gather(*(client(index) for index in range(200)))
        assert engine.at_once == 1
        assert len(engine.calls) <= 2 + 0.2 / STEP_S
        assert sum(map(len, engine.calls)) == 200

    run(test)


def test_what_waits_is_the_newest_of_each_stream() -> None:
    async def test() -> None:
        engine = Engine({"a": None})
        ear = Ear(engine.tell)
        numbers = [0, 5, 3, 5, 9, 1]  # the first is under way when the others come
        calls = [asyncio.create_task(ear.hear([report("a", 0)]))]
        await asyncio.sleep(STEP_S / 2)
        calls += [asyncio.create_task(ear.hear([report("a", number)])) for number in numbers]
        assert await asyncio.gather(*calls) == [{"a": None}] * len(calls)
        assert [[one.number for one in call] for call in engine.calls] == [[0], [9]]

    run(test)


def test_a_million_ids_are_not_kept() -> None:
    """Forged ones, say, while the engine is in a long step."""

    async def test() -> None:
        engine = Engine({}, step_s=5.0)
        ear = Ear(engine.tell)
        calls = [asyncio.create_task(ear.hear([report("first")]))]
        await asyncio.sleep(0.1)
        refused = 0
        ids = iter(range(10**6))
        for _ in range(10**6 // 50_000):  # a call may not have so many; more are soon refused
            some = [report(f"forged-{next(ids)}") for _ in range(100)]
            calls.append(asyncio.create_task(ear.hear(some)))
            await asyncio.sleep(0)
            refused += calls[-1].done()
            assert len(vars(ear)["_collected"]) <= MOST_STREAMS
        assert refused == len(calls) - 1 - MOST_STREAMS // 100
        with pytest.raises(TooBusyError, match="1024 reports wait"):
            await calls[-1]
        await asyncio.gather(*calls, return_exceptions=True)
        assert await ear.hear([report("later")]) == {}
        assert not vars(ear)["_collected"]

    run(test)


def test_who_is_known_already_is_heard_even_if_no_more_streams_fit() -> None:
    async def test() -> None:
        engine = Engine({"stream-0": None}, step_s=1.0)
        ear = Ear(engine.tell)
        calls = [asyncio.create_task(ear.hear([report("first")]))]
        await asyncio.sleep(0.1)
        calls.append(
            asyncio.create_task(ear.hear([report(f"stream-{i}") for i in range(MOST_STREAMS)]))
        )
        await asyncio.sleep(0)
        calls.append(asyncio.create_task(ear.hear([report("stream-0", 1, state="gone")])))
        await asyncio.gather(*calls)
        assert {"gone"} == {one.state for one in engine.calls[1] if one.number == 1}

    run(test)


def test_a_slow_engine_is_not_waited_for_for_ever() -> None:
    async def test() -> None:
        engine = Engine({"a": None}, step_s=math.inf)
        ear = Ear(engine.tell)
        clock = asyncio.get_running_loop().time
        for _ in range(3):
            began = clock()
            with pytest.raises(TooBusyError, match="not answered in time"):
                await ear.hear([report("a")])
            assert clock() - began == pytest.approx(PATIENCE_S)
        assert len(engine.calls) == 1, "it is not asked again before it has answered"

    run(test)


def test_an_engine_that_fails_is_asked_again() -> None:
    async def test() -> None:
        failures = [RuntimeError("Call to andes_hear method failed: secret"), None]
        told = 0

        async def tell(reports: list[Any]) -> list[Answers]:
            nonlocal told
            told += len(reports)
            if (failure := failures.pop(0)) is not None:
                raise failure
            return [{"a": None}]

        ear = Ear(tell)
        with pytest.raises(TooBusyError, match=r"could not be asked \(RuntimeError\)$"):
            await ear.hear([report("a")])
        assert await ear.hear([report("a", 1)]) == {"a": None}
        assert told == 2

    run(test)


def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    async def test() -> None:
        engine = Engine({"a": None, "b": None})
        ear = Ear(engine.tell)
        leaves = asyncio.create_task(ear.hear([report("a")]))
        stays = asyncio.create_task(ear.hear([report("b")]))
        await asyncio.sleep(STEP_S / 2)
        leaves.cancel()
        assert await stays == {"b": None}
        assert [sorted(one.stream for one in call) for call in engine.calls] == [["a", "b"]]

    run(test)


def test_who_says_nothing_does_not_reach_the_engine() -> None:
    async def test() -> None:
        engine = Engine({})
        assert await Ear(engine.tell).hear([]) == {}
        assert engine.calls == []

    run(test)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0, 100.0])
def test_a_bucket_lets_so_many_through_a_second(rate: float) -> None:
    bucket, now, taken = Bucket(rate), 0.0, 0
    while now < 100.0:
        wait_s = bucket.take(now)
        assert 0 <= wait_s <= 1 / rate
        taken += not wait_s
        now += max(wait_s, 1e-6)
    assert taken == pytest.approx(100 * rate + max(rate, 1.0), abs=2)


def test_a_bucket_is_not_fuller_after_a_long_time() -> None:
    bucket = Bucket(2.0)
    assert [bool(bucket.take(1e9)) for _ in range(4)] == [False, False, True, True]
    assert [bool(bucket.take(2e9)) for _ in range(4)] == [False, False, True, True]
