"""What a server is told of a reader, and when; on a virtual clock, on asyncio and trio."""

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import anyio
import pytest

from andes_client import Expectation, Paced, pace, wire
from andes_client.reporter import Answer, BlockingReporter, Reporter
from andes_client.reports import Line
from andes_client.segment import Words
from andes_client.testing import scripted, virtual_clock_backends

pytestmark = pytest.mark.anyio

ONE_A_SECOND = Expectation(ttft=1.0, tds=1.0)
EVEN = Words(cost=lambda piece: 0.0 if piece.isspace() else 1.0)
FLUENT = [(1.0, "x ")] * 60
ALL_AT_ONCE = [(0.0, "x " * 100), (200.0, "end")]


class Server:
    """What is said to it, and when; it answers what the test has it answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, list[wire.Report]]] = []
        self.forecasts: dict[str, wire.Forecast | None] = {}
        self.takes = 0.0
        self.knows: Callable[[str], bool] = lambda _: True
        self.at_once = self.most_at_once = 0
        self.answer: Callable[[], Answer | None] = lambda: None
        self.reporter = Reporter(self.send)

    async def send(self, body: bytes) -> Answer:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reports = wire.decode_reports(json.loads(body))
            self.calls.append((round(anyio.current_time(), 3), reports))
            known = [each.stream for each in reports if self.knows(each.stream)]
            await anyio.sleep(self.takes)
        finally:
            self.at_once -= 1
        streams = {stream: self.forecasts.get(stream) for stream in known}
        said = json.dumps(wire.encode_answer(streams)).encode()
        return self.answer() or Answer(200, said)

    def heard(self, line: Line) -> list[tuple[float, wire.Report]]:
        return [
            (at, each) for at, reports in self.calls for each in reports if each.stream == line.id
        ]

    def states(self, line: Line) -> list[tuple[float, str, float]]:
        return [(at, each.state, each.speed) for at, each in self.heard(line)]


@pytest.fixture
def server() -> Server:
    return Server()


async def settled(server: Server) -> None:
    """All tasks of the reporter are over."""
    for _ in range(300):
        await anyio.sleep(0.1)
        if server.reporter._loop is None:
            return
    pytest.fail("the reporter's task does not end")


@asynccontextmanager
async def reading(words: Paced) -> AsyncIterator[None]:
    """Somebody reads in the background."""

    async def read() -> None:
        async for _ in words:
            pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        yield
        tasks.cancel_scope.cancel()


def paced(stream: Any, line: Line, **options: Any) -> Paced:
    return pace(stream, ONE_A_SECOND, unit=options.pop("unit", EVEN), report=line, **options)


class TestWhatIsSaid:
    @pytest.mark.parametrize("script", [FLUENT, [(0.0, "x " * 30), (25.0, "end")]])
    async def test_a_reader_who_reads_on_costs_next_to_nothing(
        self, server: Server, script: list[tuple[float, str]]
    ) -> None:
        line, begin = server.reporter.line(), anyio.current_time()
        async with paced(scripted(script), line) as words:
            async for _ in words:
                pass
        assert len(server.heard(line)) <= 0.2 * (anyio.current_time() - begin)
        assert all(each.state == "reading" for _, each in server.heard(line))
        await settled(server)

    async def test_a_thousand_readers_who_read_on(self, server: Server) -> None:
        """With bursts and silences of all lengths, and a call never has more than it may."""

        async def read(number: int) -> None:
            await anyio.sleep(number / 100)
            script = [(0.5 + (number * i) % 7, "x " * (1 + (number + i) % 5)) for i in range(12)]
            async with paced(scripted(script), server.reporter.line()) as words:
                async for _ in words:
                    pass

        begin = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for number in range(300):
                tasks.start_soon(read, number)
        seconds = 300 * 12 * 3.5
        said = sum(len(reports) for _, reports in server.calls)
        assert said / seconds <= 0.2
        assert max(len(reports) for _, reports in server.calls) <= wire.MAX_REPORTS
        assert len(server.calls) <= 1.1 * (anyio.current_time() - begin) + 1
        await settled(server)

    async def test_what_changes_is_said_at_once(self, server: Server) -> None:
        line, begin = server.reporter.line(), anyio.current_time()
        words = paced(scripted(ALL_AT_ONCE), line)
        changes: list[tuple[float, Callable[[], None]]] = [
            (2.0, words.pause),
            (3.0, words.resume),
            (4.0, lambda: words.speed(1.5)),
            (5.0, lambda: words.visible(False)),
            (6.0, lambda: words.visible(True)),
            (7.0, words.reveal_all),
            (8.0, lambda: words.speed(0.5)),
        ]
        async with words, reading(words):
            for at, change in changes:
                await anyio.sleep_until(begin + at)
                change()
                change()  # said once
            await anyio.sleep(0.5)
        await settled(server)
        said = server.states(line)
        assert [(round(at - begin, 6), state, speed) for at, state, speed in said] == [
            (2.0, "paused", 1.0),
            (3.0, "reading", 1.0),
            (4.0, "reading", 1.5),
            (5.0, "hidden", 1.5),
            (6.0, "reading", 1.5),
            (7.0, "revealed", 1.5),
            (8.0, "reading", 0.5),
            (8.5, "gone", 0.5),
        ]
        numbers = [each.number for _, each in server.heard(line)]
        assert numbers == sorted(set(numbers))

    async def test_the_figures(self, server: Server) -> None:
        line = server.reporter.line()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            for _ in range(4):
                await anext(words)
            await anyio.sleep(0.5)
            words.pause()
            await anyio.sleep(0.1)
        report = server.heard(line)[0][1]
        assert (report.units, report.tokens) == (4, 4.0)
        assert report.buffer_s == pytest.approx(96.5)
        assert report.state == "paused"
        await settled(server)

    async def test_a_pace_other_than_the_request_said(self, server: Server) -> None:
        line = server.reporter.line(Expectation(ttft=1.0, tds=2.0))
        async with paced(scripted(ALL_AT_ONCE), line):
            await anyio.sleep(0.1)
        assert server.states(line)[0][1:] == ("reading", 0.5)
        await settled(server)

    async def test_a_reader_who_does_not_come_for_the_text(self, server: Server) -> None:
        """The server takes them to read; what it thinks is put right now and then."""
        line = server.reporter.line()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            await anext(words)
            await anyio.sleep(20.0)
        said = [each.buffer_s for _, each in server.heard(line)[:-1]]
        assert 5 <= len(said) <= 11
        assert set(said) == {99.0}
        await settled(server)

    async def test_stretched_text_makes_the_picture_wrong(self, server: Server) -> None:
        line, begin = server.reporter.line(), anyio.current_time()
        script = [(0.0, "x x "), *[(1.2, "x ")] * 60]
        async with paced(scripted(script), line, anti_stall=1.5) as words:
            async for _ in words:
                pass
        assert len(server.heard(line)) <= 0.5 * (anyio.current_time() - begin)
        await settled(server)

    @pytest.mark.parametrize("tds", [math.inf, 1e-3, 1e6])
    async def test_any_reader_can_be_reported_on(self, server: Server, tds: float) -> None:
        line = server.reporter.line()
        async with pace(scripted(ALL_AT_ONCE), Expectation(1.0, tds), report=line) as words:
            await anext(words)
            for factor in (1e-6, 1e6, 1.0):
                words.speed(factor)
                words.pause()
                await anyio.sleep(1.0)
                words.resume()
                await anyio.sleep(1.0)
        assert server.heard(line)
        await settled(server)


class TestTheEnd:
    async def test_who_has_all_the_text_says_no_goodbye(self, server: Server) -> None:
        line = server.reporter.line()
        async with paced(scripted([(0.1, "x x x x")]), line) as words:
            await anext(words)
            await anyio.sleep(0.2)
            words.pause()  # the server has finished: it is no matter to it
        await settled(server)
        assert server.calls == []

    @pytest.mark.parametrize("waits", [0.0, 0.5, 5.0])
    async def test_who_leaves_before_says_so(self, server: Server, waits: float) -> None:
        line = server.reporter.line()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            await anext(words)
            await anyio.sleep(waits)
        left = anyio.current_time()
        await settled(server)
        at, report = server.heard(line)[-1]
        assert report.state == "gone"
        assert at - left <= 0.05

    async def test_an_error_of_the_block_is_a_way_to_leave(self, server: Server) -> None:
        line = server.reporter.line()
        with pytest.raises(KeyError):
            async with paced(scripted(ALL_AT_ONCE), line):
                raise KeyError
        await settled(server)
        assert server.states(line)[-1][1] == "gone"

    async def test_no_task_where_no_stream_is_open(self, server: Server) -> None:
        def runs() -> bool:
            return server.reporter._loop is not None

        assert not runs()
        async with paced(scripted(FLUENT), server.reporter.line()):
            assert runs()
        await settled(server)
        assert server.reporter.is_idle

    async def test_closing_waits_for_the_last_words_and_not_for_long(self, server: Server) -> None:
        for takes, longest in ((0.2, 0.5), (100.0, 1.1)):
            server.takes, line = takes, server.reporter.line()
            async with paced(scripted(FLUENT), line) as words:
                await anext(words)
            left = anyio.current_time()
            await server.reporter.aclose()
            assert anyio.current_time() - left <= longest
            assert server.states(line)[-1][1] == "gone"
            await settled(server)


def knows_from(seconds: float) -> Callable[[str], bool]:
    """So much later all requests have reached the engine."""
    at = anyio.current_time() + seconds
    return lambda _: anyio.current_time() >= at


class TestReportsThatOvertakeTheirRequest:
    """The request is in a queue in front of the engine, or still on its way, and the engine drops
    the report: it knows of no such stream. It says so, and the report is made again."""

    @pytest.mark.parametrize("late", [0.1, 0.5, 3.0, 9.0])
    async def test_who_leaves_says_so_until_the_server_knows_them(
        self, server: Server, late: float
    ) -> None:
        server.knows, begin = knows_from(late), anyio.current_time()
        line = server.reporter.line()
        async with paced(scripted(FLUENT), line):
            pass
        await settled(server)
        times = [at - begin for at, _ in server.heard(line)]
        assert {each.state for _, each in server.heard(line)} == {"gone"}
        assert times[-2] < late <= times[-1] <= max(late + 3.0, 2 * late + 0.5)

    async def test_but_not_for_ever_and_less_and_less_often(self, server: Server) -> None:
        server.knows, begin = knows_from(math.inf), anyio.current_time()
        line = server.reporter.line()
        async with paced(scripted(FLUENT), line):
            pass
        assert anyio.current_time() == begin, "who leaves is not held up"
        await settled(server)
        times = [round(at - begin, 2) for at, _ in server.heard(line)]
        assert times == [0.0, 0.5, 1.5, 3.5, 6.5, 9.5]
        assert anyio.current_time() - begin <= 10.5
        assert server.reporter.is_idle

    @pytest.mark.parametrize("knows", [True, False])
    async def test_once_text_has_come_it_is_said_once(self, server: Server, knows: bool) -> None:
        """The server had the request then. If it does not know it any more, it has finished."""
        server.knows = lambda _: knows
        line = server.reporter.line()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            await anext(words)
        await settled(server)
        assert [state for _, state, _ in server.states(line)] == ["gone"]

    async def test_once_the_server_has_known_the_stream_it_is_said_once(
        self, server: Server
    ) -> None:
        begin, line = anyio.current_time(), server.reporter.line()
        server.knows = lambda _: anyio.current_time() < begin + 2.0
        async with paced(scripted([(60.0, "x")]), line):
            await anyio.sleep(2.5)  # it asks when text will come, and is told something
        await settled(server)
        states = [state for _, state, _ in server.states(line)]
        assert states == ["reading", "gone"]

    async def test_a_request_that_ends_by_itself_costs_nothing(self, server: Server) -> None:
        server.knows = lambda _: False
        for script in ([(0.0, "x x x")], [(0.5, "x")], [(0.5, "")], []):
            async with paced(scripted(script), server.reporter.line()) as words:
                async for _ in words:
                    pass
        await settled(server)
        assert server.calls == []

    async def test_closing_does_not_wait_for_it(self, server: Server) -> None:
        server.knows = lambda _: False
        async with paced(scripted(FLUENT), server.reporter.line()):
            pass
        await anyio.sleep(0.2)  # it has been said once
        begin = anyio.current_time()
        await server.reporter.aclose()
        assert anyio.current_time() == begin
        assert server.reporter.is_idle
        await settled(server)
        assert len(server.calls) == 1

    async def test_a_failure_in_between(self, server: Server) -> None:
        """It is silent after that, as ever, and goes on with what it had to say."""
        server.knows, begin = knows_from(1.0), anyio.current_time()
        server.answer = lambda: Answer(503) if len(server.calls) == 2 else None
        line = server.reporter.line()
        async with paced(scripted(FLUENT), line):
            pass
        await settled(server)
        times = [at - begin for at, _ in server.heard(line)]
        assert times[:2] == [pytest.approx(0.0, abs=0.01), pytest.approx(0.5, abs=0.01)]
        assert 1.2 <= times[2] <= 1.8
        assert len(times) == 3

    async def test_many_take_no_memory_without_end_and_few_calls(self, server: Server) -> None:
        server.knows, begin = (lambda _: False), anyio.current_time()
        for _ in range(1_500):
            async with paced(scripted(FLUENT), server.reporter.line()):
                pass
        await anyio.sleep(1.0)
        assert len(server.reporter._desk._farewells) <= 1_024
        await settled(server)
        assert anyio.current_time() - begin <= 11.5
        assert len(server.calls) <= 6 * 5, "a call for 256 of them"

    async def test_a_new_reader_is_not_kept_waiting_by_it(self, server: Server) -> None:
        left = server.reporter.line()
        server.knows = lambda stream: stream != left.id
        async with paced(scripted(FLUENT), left):
            pass
        await anyio.sleep(4.0)
        line, begin = server.reporter.line(), anyio.current_time()
        async with paced(scripted([(30.0, "x")]), line) as words:
            await anyio.sleep(2.5)
            words.pause()
            await anyio.sleep(0.5)
        states = [(at - begin, state) for at, state, _ in server.states(line)]
        assert [state for _, state in states] == ["reading", "paused", "gone"]
        assert states[0][0] <= 2.1, "it asks when text will come"
        assert states[1][0] == pytest.approx(2.5, abs=0.06)
        await settled(server)

    @pytest.mark.parametrize("late", [0.2, 2.0, 20.0])
    async def test_a_pause_is_told_again_as_well(self, server: Server, late: float) -> None:
        server.knows, begin = knows_from(late), anyio.current_time()
        line = server.reporter.line()
        async with paced(scripted([(60.0, "x")]), line) as words:
            words.pause()
            await anyio.sleep(40.0)
            said = [(at - begin, state) for at, state, _ in server.states(line)]
        assert {state for _, state in said} == {"paused"}
        assert said[-2][0] < late <= said[-1][0] <= late + 7.0, "the last of them was heard"
        assert len(said) <= 2 + late / 2
        await settled(server)

    async def test_a_speed_that_the_request_does_not_have(self, server: Server) -> None:
        """It is told when the reader begins, which may be before the request is sent."""
        server.knows, begin = knows_from(0.3), anyio.current_time()
        line = server.reporter.line(Expectation(ttft=1.0, tds=2.0))
        async with paced(scripted([(0.6, "x " * 100), (60.0, "x")]), line) as words:
            await anext(words)
            await anyio.sleep(10.0)
            said = [(at - begin, speed) for at, _, speed in server.states(line)]
        assert [speed for _, speed in said[:2]] == [0.5, 0.5]
        assert 0.3 <= said[1][0] <= 2.1
        await settled(server)

    async def test_what_the_request_says_by_itself_is_not_told_again(self, server: Server) -> None:
        server.knows = lambda _: False
        line = server.reporter.line()
        async with paced(scripted([(60.0, "x"), (60.0, "x")]), line) as words:
            words.pause()
            words.resume()
            await anyio.sleep(30.0)
            assert len(server.heard(line)) <= 6, "it asks when text will come, and no more"
        await settled(server)

    async def test_a_pause_that_the_server_has_missed_is_told_when_text_comes(
        self, server: Server
    ) -> None:
        begin, line = anyio.current_time(), server.reporter.line()
        server.knows = knows_from(20.0)
        async with paced(scripted([(20.2, "x " * 50), (60.0, "x")]), line) as words:
            words.pause()
            await anyio.sleep(30.0)
            heard = [at - begin for at, _ in server.heard(line) if at - begin >= 20.0]
            assert len(heard) == 1
            assert heard[0] <= 22.3
        await settled(server)


class TestFaults:
    async def test_a_server_that_hangs_holds_up_nobody(self, server: Server) -> None:
        server.takes = math.inf
        line, begin = server.reporter.line(), anyio.current_time()
        async with paced(scripted([(0.0, "x "), (0.5, "x " * 9)]), line) as words:
            words.pause()
            await anyio.sleep(0.25)
            words.resume()
            assert len([word async for word in words if word.strip()]) == 10
        assert anyio.current_time() - begin == pytest.approx(10.25)
        assert server.most_at_once == 1
        await settled(server)

    async def test_who_leaves_while_it_hangs_leaves_at_once(self, server: Server) -> None:
        server.takes = math.inf
        begin = anyio.current_time()
        async with paced(scripted(FLUENT), server.reporter.line()) as words:
            words.pause()
            await anyio.sleep(1.0)
        assert anyio.current_time() - begin == 1.0
        await settled(server)
        assert anyio.current_time() - begin <= 15.0

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 302])
    async def test_a_server_that_does_not_want_them_is_left_in_peace(
        self, server: Server, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        server.answer = lambda: Answer(status)
        for _ in range(3):
            async with paced(scripted(FLUENT), server.reporter.line()) as words:
                for _ in range(5):
                    words.pause()
                    await anyio.sleep(1.0)
                    words.resume()
                    await anyio.sleep(1.0)
        await settled(server)
        assert len(server.calls) == 1
        level = "INFO" if status in (404, 405) else "WARNING"
        assert [record.levelname for record in caplog.records] == [level]
        assert str(status) in caplog.text

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(429),
            Answer(500),
            Answer(502),
            Answer(503),
            Answer(200, b""),
            Answer(200, b"<html>"),
            Answer(200, b"[" * 60_000),
            Answer(200, b'{"v": 1, "streams": {"x": 7}}'),
            Answer(200, b'{"v": 1, "streams": {"x": {"forecast_s": [NaN, NaN]}}}'),
            Answer(200, b'{"v": 1, "streams": {"x": {"forecast_s": [1e400, 1e401]}}}'),
            Answer(200, b'{"v": 2, "streams": {}}'),
            Answer(200, b'{"v": 1, "streams": {"x": {"forecast_s": [-1, ' + b"9" * 5000 + b"]}}}"),
        ],
        ids=lambda answer: f"{answer.status} {answer.body[:24]!r}",
    )
    async def test_after_a_failure_there_is_silence_for_longer_and_longer(
        self, server: Server, answer: Answer
    ) -> None:
        server.answer = lambda: answer
        line, begin = server.reporter.line(), anyio.current_time()
        async with paced(scripted([(0.0, "x " * 400), (300.0, "x")]), line) as words:
            for _ in range(300):
                await anyio.sleep(0.5)
                words.pause()
                await anyio.sleep(0.5)
                words.resume()
        times = [at - begin for at, _ in server.calls]
        gaps = [after - before for before, after in pairwise(times)]
        assert 6 <= len(times) <= 14
        assert gaps[4] > 4 * gaps[0]
        assert max(gaps) <= 80.0
        await settled(server)

    async def test_what_was_lost_is_said_again_as_it_is_by_then(self, server: Server) -> None:
        down = Answer(503, retry_after="7")
        server.answer = lambda: down if len(server.calls) == 1 else None
        line, begin = server.reporter.line(), anyio.current_time()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            words.pause()
            await anyio.sleep(1.0)
            words.speed(2.0)
            await anyio.sleep(10.0)
        (_, first), (at, second), *_ = server.heard(line)
        assert at - begin == pytest.approx(7.0)
        assert (first.state, first.speed) == ("paused", 1.0)
        assert (second.state, second.speed) == ("paused", 2.0)
        assert second.number > first.number
        await settled(server)

    @pytest.mark.parametrize("header", ["-1", "soon", "", "1e9", "9" * 400, "Wed, 21 Oct 2026"])
    async def test_any_retry_after(self, server: Server, header: str) -> None:
        server.answer = lambda: Answer(429, retry_after=header)
        async with paced(scripted(FLUENT), server.reporter.line()) as words:
            words.pause()
            await anyio.sleep(30.0)
        assert 1 <= len(server.calls) <= 6
        await settled(server)

    async def test_a_batch_that_is_too_large_is_halved(self, server: Server) -> None:
        server.answer = lambda: Answer(413) if len(server.calls[-1][1]) > 3 else None
        lines = [server.reporter.line() for _ in range(12)]
        async with anyio.create_task_group() as tasks:

            async def read(line: Line) -> None:
                async with paced(scripted(FLUENT), line) as words:
                    words.pause()
                    await anyio.sleep(10.0)

            for line in lines:
                tasks.start_soon(read, line)
        await settled(server)
        sizes = [len(reports) for _, reports in server.calls]
        assert sizes[:3] == [12, 6, 3]
        assert max(sizes[3:]) == 3
        assert all(server.states(line)[-1][1] == "gone" for line in lines)

    async def test_an_error_of_the_sender_is_no_answer(self) -> None:
        tried = 0

        async def send(_: bytes) -> Answer:
            nonlocal tried
            tried += 1
            raise OSError("cannot be reached")

        reporter = Reporter(send)
        async with paced(scripted(ALL_AT_ONCE), reporter.line()) as words:
            words.pause()
            await anyio.sleep(5.0)
            words.resume()
            assert (await anext(words)).strip() == "x"
        assert 1 <= tried <= 6, "it is tried again, and seldom"

    async def test_farewells_take_no_memory_and_no_time_without_end(self, server: Server) -> None:
        server.answer = lambda: Answer(503)
        for _ in range(50):
            async with paced(scripted(FLUENT), server.reporter.line()):
                pass
        assert len(server.reporter._desk._farewells) <= 50
        begin = anyio.current_time()
        await settled(server)
        assert anyio.current_time() - begin <= 10.0
        assert len(server.calls) <= 5


class TestMistakes:
    def test_no_line(self) -> None:
        with pytest.raises(TypeError, match="needs a line of a Reporter"):
            pace(scripted([]), ONE_A_SECOND, report="x")  # type: ignore[arg-type]

    def test_a_line_for_the_other_kind(self) -> None:
        line = BlockingReporter(lambda _: Answer(200)).line()
        with pytest.raises(TypeError, match="needs a line of a Reporter"):
            pace(scripted([]), ONE_A_SECOND, report=line)

    @pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 49])
    def test_no_id(self, server: Server, name: str) -> None:
        with pytest.raises(wire.WireError, match="stream must be"):
            server.reporter.line(stream=name)


async def test_several_event_loops_one_after_the_other() -> None:
    """A reporter outlives its loop: a program may run asyncio twice."""
    server = Server()

    async def read() -> None:
        async with paced(scripted(FLUENT), server.reporter.line()) as words:
            words.pause()
            await anyio.sleep(0.1)

    def run() -> None:
        for _ in range(2):
            anyio.run(read)

    await anyio.to_thread.run_sync(run)
    assert (
        len([each for _, reports in server.calls for each in reports if each.state == "paused"])
        == 2
    )


async def upstream_of(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


@pytest.mark.parametrize(
    "anyio_backend", [each for each in virtual_clock_backends() if each[0] == "asyncio"]
)
async def test_the_controls_work_in_a_callback_of_the_event_loop(server: Server) -> None:
    """A signal's handler or a timer runs outside of every task."""
    line, begin = server.reporter.line(), anyio.current_time()
    loop = asyncio.get_running_loop()
    words = paced(scripted(ALL_AT_ONCE), line)
    async with words, reading(words):
        loop.call_later(2.0, words.pause)
        loop.call_later(3.0, words.resume)
        await anyio.sleep(3.5)
    await settled(server)
    states = [(round(at - begin, 3), state) for at, state, _ in server.states(line)]
    assert (2.0, "paused") in states
    assert (3.0, "reading") in states
