"""Control of a paced stream while it runs, on a virtual clock, on asyncio and trio."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, NamedTuple, cast

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client import Event, Expectation, Paced, pace
from andes_client.testing import scripted
from tests.thorough import cases

pytestmark = pytest.mark.anyio

ONE_A_SECOND = Expectation(ttft=1.0, tds=1.0)
TEN = [(0.0, str(i)) for i in range(10)]


async def replay(
    script: list[tuple[float, str]],
    actions: dict[float, Callable[[Paced], Any]],
    **options: Any,
) -> tuple[list[float], Paced, list[Event]]:
    """Pace tokens, one a second, and act at the given times.

    Returns:
        When each token was shown; the stream; and what its events were. Seconds.
    """
    start = anyio.current_time()
    times: list[float] = []
    heard: list[Event] = []

    async with pace(scripted(script), ONE_A_SECOND, unit="token", **options) as paced:

        async def act(at: float, action: Callable[[Paced], Any]) -> None:
            await anyio.sleep(at)
            action(paced)

        async def listen() -> None:
            async with paced.events() as events:
                listening.set()
                async for event in events:
                    heard.append(event)

        listening = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await listening.wait()
            for at, action in actions.items():
                tasks.start_soon(act, at, action)
            async for _ in paced:
                times.append(round(anyio.current_time() - start, 6))
    return times, paced, heard


async def test_pause_and_resume() -> None:
    times, paced, heard = await replay(TEN, {2.5: Paced.pause, 12.5: Paced.resume})
    assert times == [0, 1, 2, 13, 14, 15, 16, 17, 18, 19]
    assert paced.statistics().qoe == 1.0, "a pause is the reader's own wish"
    assert paced.statistics().stalls == 0
    # Whether the listener was there before the upstream had ended is a matter of luck.
    assert [(e.kind, e.at) for e in heard if e.kind != "upstream_ended"] == [
        ("started", 0.0),
        ("paused", 2.5),
        ("resumed", 12.5),
        ("finished", pytest.approx(19.0)),
    ]


async def test_the_upstream_is_drained_during_a_pause() -> None:
    script = [(0.5, str(i)) for i in range(10)]
    seen: list[int] = []
    await replay(
        script,
        {
            0.6: Paced.pause,
            9.0: lambda paced: seen.append(paced.statistics().buffered),
            10.0: Paced.resume,
        },
    )
    assert seen == [9]


async def test_a_pause_before_anything_has_come() -> None:
    times, paced, _ = await replay([(2.0, "a"), (1.0, "b")], {1.0: Paced.pause, 7.0: Paced.resume})
    assert times == [7, 8]
    assert paced.statistics().qoe == pytest.approx(1.0)


async def test_speed_changes_at_once() -> None:
    """Twice as fast from 2.5 s on: half a second was left of token 2."""
    times, paced, heard = await replay(
        TEN, {2.5: lambda p: p.speed(2), 4.0: lambda p: p.speed(0.5)}
    )
    assert times == [0, 1, 2, 2.75, 3.25, 3.75, 5.0, 7.0, 9.0, 11.0]
    assert paced.statistics().speed == 0.5
    assert paced.statistics().qoe == 1.0
    assert [event.kind for event in heard if event.kind == "speed"] == ["speed", "speed"]


async def test_reveal_all_shows_what_is_there_and_what_comes() -> None:
    script = [*TEN[:5], (4.0, "late"), (0.5, "later")]
    times, paced, heard = await replay(script, {1.5: Paced.reveal_all})
    assert times == [0, 1, 1.5, 1.5, 1.5, 4.0, 4.5]
    assert "revealed" in [event.kind for event in heard]
    assert paced.statistics().shown == 7


async def test_reveal_all_ends_a_pause() -> None:
    times, _, _ = await replay(TEN, {1.5: Paced.pause, 5.0: Paced.reveal_all})
    assert times == [0, 1, *[5.0] * 8]


async def test_stalls_are_reported_while_they_last() -> None:
    seen: list[Any] = []
    script = [(0.0, "a"), (5.0, "b"), (0.2, "c")]
    _, paced, heard = await replay(script, {3.0: lambda p: seen.append(p.statistics())})
    assert (seen[0].stalls, seen[0].stalled_seconds) == pytest.approx((1, 2.0))
    after = paced.statistics()
    assert (after.stalls, after.stalled_seconds) == pytest.approx((1, 4.0))
    assert [(event.kind, round(event.at, 6)) for event in heard] == [
        ("started", 0.0),
        ("stalled", 1.1),
        ("recovered", 5.0),
        ("upstream_ended", 5.2),
        ("finished", 6.0),
    ]


async def test_statistics_tell_the_whole_story() -> None:
    seen: list[Any] = []
    script = [(2.0, "a"), (0.0, "b"), (0.0, "c"), (4.0, "d")]
    await replay(script, {3.5: lambda p: seen.append(p.statistics())})
    (now,) = seen
    assert (now.shown, now.buffered) == (2, 1)
    assert now.buffered_seconds == pytest.approx(1.5)
    assert now.lag == pytest.approx(1.5)
    assert now.ttft == pytest.approx(2.0)
    assert now.tds == pytest.approx(1.0)
    assert 0.0 < now.qoe < 1.0
    assert (now.stalls, now.speed, now.paused, now.upstream_ended) == (0, 1.0, False, False)
    with pytest.raises(AttributeError):
        now.shown = 3


async def test_a_bound_on_the_wait_after_the_server_has_finished() -> None:
    times, _, _ = await replay([(0.0, "x")] * 60, {}, max_lag=20.0, max_speed_up=4.0)
    assert times[-1] <= 20.0
    assert times[1] == pytest.approx(20 / 60)


async def test_anti_stall_trades_a_little_slowness_for_stalls() -> None:
    """A server a little slower than its reader, in small bursts."""
    script = [(3.2 if i % 3 == 0 else 0.0, "x") for i in range(60)]
    plain, stretched = [
        (await replay(script, {}, anti_stall=factor))[1].statistics() for factor in (1.0, 1.3)
    ]
    assert stretched.stalls < plain.stalls
    assert stretched.stalled_seconds < plain.stalled_seconds
    assert stretched.qoe >= plain.qoe - 0.05, "and no more than a little"


async def test_controls_from_another_thread() -> None:
    """What a GUI's own thread does. Real threads take no virtual time."""
    async with pace(scripted(TEN), ONE_A_SECOND, unit="token") as paced:
        await anext(paced)
        assert paced.call_from_thread(paced.statistics).shown == 1, "nor does it wait for itself"

        def elsewhere() -> tuple[int, bool]:
            assert threading.current_thread() is not threading.main_thread()
            paced.call_from_thread(paced.speed, 2.0)
            paced.call_from_thread(paced.pause)
            snapshot = paced.call_from_thread(paced.statistics)
            paced.call_from_thread(paced.reveal_all)
            return snapshot.shown, snapshot.paused

        assert await anyio.to_thread.run_sync(elsewhere) == (1, True)
        assert len([text async for text in paced]) == 9


async def test_a_listener_who_has_closed_the_events_disturbs_nobody() -> None:
    async with pace(scripted(TEN), ONE_A_SECOND, unit="token") as paced, paced.events() as events:
        await cast("AsyncGenerator[Event, None]", events).aclose()  # as contextlib.aclosing does
        assert len([text async for text in paced]) == 10


async def test_one_listener_at_a_time() -> None:
    async with pace(scripted(TEN), ONE_A_SECOND) as paced, paced.events():
        with pytest.raises(RuntimeError, match="has a listener already"):
            async with paced.events():
                pass


async def test_the_events_end_when_the_block_is_left() -> None:
    heard: list[str] = []

    async def listen(paced: Paced) -> None:
        async with paced.events() as events:
            async for event in events:
                heard.append(event.kind)

    async with anyio.create_task_group() as tasks:
        async with pace(scripted([(0.5, "a"), (9.0, "b")]), ONE_A_SECOND) as paced:
            tasks.start_soon(listen, paced)
            await anext(paced)
        with anyio.fail_after(1.0):
            while "started" not in heard:  # noqa: ASYNC110 - virtual time
                await anyio.sleep(0.1)
    assert heard == ["started"], "and the task group has ended, so the listener has"


async def test_controls_outside_the_block_are_refused() -> None:
    paced = pace(scripted(TEN), ONE_A_SECOND)
    for control in (paced.pause, paced.resume, paced.reveal_all, paced.statistics):
        with pytest.raises(RuntimeError, match="inside its block"):
            control()
    async with paced:
        with pytest.raises(ValueError, match="speed must be above 0"):
            paced.speed(0)
    with pytest.raises(RuntimeError, match="inside its block"):
        paced.pause()
    assert paced.statistics().shown == 0


ACTIONS = [
    Paced.pause,
    Paced.resume,
    Paced.reveal_all,
    lambda paced: paced.speed(3.0),
    lambda paced: paced.speed(0.3),
]


@settings(max_examples=cases(300))
@given(
    script=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 3.0]), st.just("x")), max_size=20),
    actions=st.dictionaries(
        st.floats(0, 20).map(lambda at: round(at, 2)), st.sampled_from(ACTIONS), max_size=6
    ),
    options=st.fixed_dictionaries(
        {},
        optional={
            "anti_stall": st.just(1.3),
            "max_lag": st.sampled_from([0.0, 5.0]),
            "markdown": st.just(True),
        },
    ),
)
async def test_whatever_is_done_all_text_comes_and_in_time(
    script: list[tuple[float, str]],
    actions: dict[float, Callable[[Paced], Any]],
    options: dict[str, Any],
) -> None:
    """Release times never decrease and never precede the arrival; nothing is lost."""
    at_the_end = {sum(wait for wait, _ in script) + 100.0: Paced.resume}
    times, paced, _ = await replay(script, {**actions, **at_the_end}, **options)
    arrivals, now = [], 0.0
    for wait, _ in script:
        now += wait
        arrivals.append(now)
    assert len(times) == len(script)
    assert times == sorted(times)
    assert all(at >= came - 1e-6 for at, came in zip(times, arrivals, strict=True))
    assert 0.0 <= paced.statistics().qoe <= 1.0


class Outcome(NamedTuple):
    cancelled: bool
    seen: tuple[str, ...]
    opened: bool
    closed: bool
    tasks_left: int


def draining() -> list[str]:
    """The tasks that drain an upstream now."""
    names = [str(task.name) for task in anyio.get_running_tasks()]
    return [name for name in names if "Paced._drain" in name]


async def cancelled_at(moment: float, ticks: int) -> Outcome:
    """What is left of a reader that is cancelled `ticks` turns of the loop after `moment`."""
    state, started = {"opened": False, "closed": False}, anyio.current_time()
    seen: list[str] = []

    async def upstream() -> AsyncIterator[str]:
        state["opened"] = True
        try:
            for text in ("one ", "two ", "three ", "four"):
                await anyio.sleep(0.4)
                yield text
        finally:
            state["closed"] = True

    async def cancel() -> None:
        await anyio.sleep(moment)
        for _ in range(ticks):
            await checkpoint()
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            tasks.start_soon(cancel)
            async with pace(upstream(), ONE_A_SECOND) as paced:
                async for text in paced:
                    seen.append(text)
                    assert len(draining()) == (1 if anyio.current_time() < started + 1.59 else 0)
        # Whether or not it came to that, all of it is over now, before anything else runs.
        left = len(draining())
        tasks.cancel_scope.cancel()
    return Outcome(scope.cancelled_caught, tuple(seen), state["opened"], state["closed"], left)


async def test_cancellation_at_any_moment_closes_everything() -> None:
    """Every turn of the loop at every moment of the stream's life, and of its reader's."""
    outcomes = [await cancelled_at(n / 20, ticks) for n in range(120) for ticks in range(5)]
    for outcome in outcomes:
        assert outcome.closed == outcome.opened
        assert outcome.tasks_left == 0
        # Cancelled, or through with all of it: nothing in between goes unnoticed.
        assert outcome.cancelled != (len(outcome.seen) == 4)
    assert {len(outcome.seen) for outcome in outcomes} == {0, 1, 2, 3, 4}
