"""What the server says of a stream that waits, as its reader gets it; on a virtual clock."""

from itertools import pairwise
from typing import Any

import anyio
import pytest

from andes_client import Expectation, Statistics, pace, wire
from andes_client.playout import Playout
from andes_client.testing import Script, scripted
from tests.client.test_reports import ALL_AT_ONCE, EVEN, ONE_A_SECOND, Server, paced, settled

pytestmark = pytest.mark.anyio

TEN_THEN_MORE = [(0.0, "x " * 10), (14.0, "x " * 10)]
"""A word is read a second: without stretching, the reader waits for four."""


@pytest.fixture
def server() -> Server:
    return Server()


async def read(
    server: Server, script: Script, forecast: wire.Forecast | None, **options: Any
) -> Statistics:
    line = server.reporter.line()
    server.forecasts[line.id] = forecast
    async with paced(scripted(script), line, **options) as words:
        async for _ in words:
            pass
    await settled(server)
    return words.statistics()


class TestWhatIsShown:
    async def test_statistics(self, server: Server) -> None:
        line = server.reporter.line()
        server.forecasts[line.id] = wire.Forecast(4.0, 12.5)
        async with paced(scripted([(10.0, "x"), (2.0, "end")]), line) as words:
            assert words.statistics().expected_s is None
            await anyio.sleep(2.0)  # it asks after a second of silence
            asked = server.heard(line)[0][0]
            now = words.statistics()
            passed = anyio.current_time() - asked
            assert now.expected_s == pytest.approx(4.0 - passed, abs=0.01)
            assert now.expected_p90_s == pytest.approx(12.5 - passed, abs=0.01)
            await anyio.sleep(5.0)
            assert words.statistics().expected_s == 0.0
            await anext(words)
            assert words.statistics().expected_s is None, "text has come"
        await settled(server)

    async def test_a_stream_that_is_served_is_not_waited_for(self, server: Server) -> None:
        line = server.reporter.line()
        server.forecasts[line.id] = wire.Forecast(4.0, 12.5)
        async with paced(scripted([(60.0, "x")]), line) as words:
            await anyio.sleep(3.0)
            assert words.statistics().expected_s is not None
            server.forecasts[line.id] = None
            await anyio.sleep(6.0)
            assert words.statistics().expected_s is None
        await settled(server)

    async def test_the_event(self, server: Server) -> None:
        line, kinds = server.reporter.line(), []
        server.forecasts[line.id] = wire.Forecast(4.0, 12.5)
        async with (
            paced(scripted([(3.0, "x"), (0.1, "")]), line) as words,
            words.events() as events,
            anyio.create_task_group() as tasks,
        ):

            async def watch() -> None:
                async for event in events:
                    kinds.append(event.kind)

            tasks.start_soon(watch)
            async for _ in words:
                pass
        assert kinds == ["expected", "started", "upstream_ended", "finished"]
        await settled(server)

    async def test_streams_that_nobody_asked_about_are_left_alone(self, server: Server) -> None:
        server.forecasts["somebody-else"] = wire.Forecast(1.0, 2.0)
        line = server.reporter.line()
        async with paced(scripted(ALL_AT_ONCE), line) as words:
            words.pause()
            await anyio.sleep(1.0)
            assert words.statistics().expected_s is None
        await settled(server)

    async def test_an_answer_that_comes_after_the_end(self, server: Server) -> None:
        server.takes, line = 2.0, server.reporter.line()
        server.forecasts[line.id] = wire.Forecast(4.0, 12.5)
        async with paced(scripted([(2.5, "x")]), line) as words:
            assert [word async for word in words] == ["x"]
            await anyio.sleep(2.0)
            assert words.statistics().expected_s is None
        await settled(server)


class TestStretching:
    async def test_what_is_in_hand_lasts_longer(self, server: Server) -> None:
        plain = await read(server, TEN_THEN_MORE, None)
        told = await read(server, TEN_THEN_MORE, wire.Forecast(10.0, 20.0))
        assert plain.stalled_seconds == pytest.approx(4.0)
        # From the second letter or the third on, each takes half as long again.
        assert told.stalled_seconds <= 0.5

    async def test_as_long_as_it_has_to_and_no_longer(self, server: Server) -> None:
        """It is not stretched before there is need, and the forecast is just reached."""
        script = [(0.0, "x " * 10), (10.8, "x " * 10)]
        told = await read(server, script, wire.Forecast(9.0, 10.0))
        assert told.stalls == 0

    async def test_text_that_lasts_long_enough_is_left_alone(self, server: Server) -> None:
        script = [(0.0, "x " * 20), (15.0, "x")]
        told = await read(server, script, wire.Forecast(2.0, 3.0))
        assert told.qoe == 1.0
        assert told.tds == pytest.approx(1.0)

    @pytest.mark.parametrize("factor", [1.0, 1.1, 1.25, 2.0])
    async def test_by_no_more_than_the_factor(self, server: Server, factor: float) -> None:
        line, times = server.reporter.line(), []
        server.forecasts[line.id] = wire.Forecast(100.0, 1_000.0)
        async with paced(
            scripted([(0.0, "x " * 15), (200.0, "x")]), line, anti_stall=factor
        ) as words:
            for _ in range(15):
                await anext(words)
                times.append(anyio.current_time())
        gaps = [after - before for before, after in pairwise(times)]
        assert max(gaps) == pytest.approx(factor)
        assert gaps[3] == pytest.approx(factor)
        await settled(server)

    async def test_without_a_reporter_nothing_is_stretched(self) -> None:
        async with pace(scripted(TEN_THEN_MORE), ONE_A_SECOND, unit=EVEN) as words:
            async for _ in words:
                pass
        assert words.statistics().stalled_seconds == pytest.approx(4.0)

    async def test_it_ends_when_text_has_come(self, server: Server) -> None:
        script = [(0.0, "x " * 10), (3.0, "x " * 100)]
        told = await read(server, script, wire.Forecast(50.0, 90.0))
        assert told.tds == pytest.approx(1.0, rel=0.01)

    async def test_stalls_become_fewer_and_qoe_hardly_changes(self, server: Server) -> None:
        """Gaps of all lengths around what the server says."""
        figures = {}
        for forecast in (None, wire.Forecast(8.0, 12.0)):
            runs = [
                await read(server, [(0.0, "x " * 10), (gap, "x " * 40)], forecast)
                for gap in (3.0, 6.0, 7.0, 8.0, 9.0, 10.5, 11.0, 11.5, 12.0, 16.0)
            ]
            figures[forecast is None] = [
                sum(each) / len(runs)
                for each in zip(
                    *((run.stalls, run.stalled_seconds, run.qoe) for run in runs), strict=True
                )
            ]
        plain, told = figures[True], figures[False]
        assert told[0] <= plain[0] * 2 / 3
        assert told[1] <= plain[1] * 2 / 3
        assert told[2] >= plain[2] - 0.03


class TestThePlayout:
    def test_a_forecast_of_the_past_changes_nothing(self) -> None:
        playout = Playout(Expectation(1.0, 1.0))
        playout.expect(5.0)
        playout.released(10.0, 1.0, 3.0)
        assert playout.free_at == 11.0

    def test_a_deadline_goes_before_it(self) -> None:
        playout = Playout(Expectation(1.0, 1.0), max_lag=2.0)
        playout.expect(50.0)
        playout.upstream_ended(0.0)
        playout.released(0.0, 1.0, 3.0)
        assert playout.free_at == 0.5

    def test_a_program_is_not_stretched(self) -> None:
        playout = Playout(Expectation.program())
        playout.expect(50.0)
        playout.released(0.0, 1.0, 3.0)
        assert playout.free_at == 0.0
