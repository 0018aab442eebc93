"""The board without a terminal: every key, and a server's figures over HTTP."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace

import httpx2
import pytest
from andes_demos.board.app import LiveBoard, RaceBoard
from andes_demos.board.live import LiveError, Server
from andes_demos.board.view import Row
from andes_demos.bursty_server import running
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from textual.pilot import Pilot
from textual.widgets import Static

from andes_client import cli

pytestmark = pytest.mark.asyncio

DEADLINE_S = 120.0


Watched = tuple[RaceBoard, Pilot[None]]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await pilot.pause(0.02)


def text_of(app: RaceBoard | LiveBoard, selector: str) -> str:
    return str(app.query_one(selector, Static).content)


@contextlib.asynccontextmanager
async def watching(
    size: tuple[int, int] = (140, 40),
) -> AsyncIterator[Watched]:
    pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")
    from andes_demos.board.race import Race

    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload
    from andes_backend.profile import load_profile

    profile = replace(load_profile("llama-3-8b-a40"), kv_tokens=4000)
    setups = [Setup(profile=profile), Setup(profile=profile, policy="qoe")]

    def make(seed: int) -> Race:
        return Race(make_workload(500, rate=4.0, seed=seed, max_length=700), setups)

    app = RaceBoard(make, 2, about="a small server", speed=1.0)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.views and app.views[0].rows)
        yield app, pilot


async def test_both_servers_are_on_the_screen() -> None:
    async with watching() as (app, pilot):
        await until(pilot, lambda: "running" in text_of(app, "#server-1"))
        assert text_of(app, "#server-0").startswith("stock  QoE ")
        assert text_of(app, "#server-1").startswith("qoe  QoE ")
        assert text_of(app, "#chart").startswith(" 1.0 ")
        assert text_of(app, "#title").startswith("a small server · ")


@pytest.mark.slow
async def test_every_key_of_the_clock() -> None:
    async with watching() as (app, pilot):
        await pilot.press("plus")
        assert app.speed == 2.0
        await pilot.press("right")
        assert app.speed == 5.0
        await pilot.press("minus", "left", "minus", "minus", "minus")
        assert app.speed == 0.5
        await pilot.press(*["plus"] * 9)
        assert app.speed == 50.0
        assert " 50 x" in text_of(app, "#title")
        for paused in (True, False):
            await pilot.press("space")
            assert app.is_paused == paused
            assert text_of(app, "#title").endswith("paused") == paused
        now = app.views[0].now_s
        await until(pilot, lambda: app.views[0].now_s > now)


@pytest.mark.slow
async def test_new_arrivals_begin_at_the_beginning() -> None:
    async with watching() as (app, pilot):
        await pilot.press(*["plus"] * 9)
        await until(pilot, lambda: app.views[0].now_s > 20.0)
        before = app.race
        await pilot.press("minus", "minus", "minus", "minus", "n")
        await until(pilot, lambda: app.race not in (None, before) and app.views[0].now_s < 20.0)
        assert app.views[0].arrived < 500
        assert app.views[0].finished <= app.views[0].arrived


@pytest.mark.slow
async def test_rows_by_need_or_by_arrival() -> None:
    async with watching() as (app, pilot):
        await pilot.press(*["plus"] * 9)
        await until(pilot, lambda: app.views[0].waiting > 3)
        await pilot.press("space")

        def rows() -> Sequence[Row]:
            return app.views[0].rows

        def neediest() -> Row:
            return min((row for row in rows() if row.state != "done"), key=lambda row: row.slack_s)

        def first() -> int:
            return int(text_of(app, "#server-0").split("\n")[4].split()[0])

        # A frame that was under way when the key came still ends, with rows of its own.
        await until(pilot, lambda: first() == neediest().number)
        assert neediest().state == "waiting"
        assert neediest().number > rows()[0].number
        await pilot.press("s")
        await until(pilot, lambda: first() == rows()[0].number)
        await pilot.press("s")
        await until(pilot, lambda: first() == neediest().number)


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_it_ends_at_once(key: str) -> None:
    async with watching((80, 24)) as (app, pilot):
        await pilot.press(key)
        assert app.return_code == 0


def metrics(text: str, status: int = 200) -> httpx2.ASGITransport:
    async def answer(_: object) -> PlainTextResponse:
        return PlainTextResponse(text, status)

    return httpx2.ASGITransport(app=Starlette(routes=[Route("/metrics", answer)]))


STOCK = """
vllm:num_requests_running{engine="0"} 3.0
vllm:num_requests_running{engine="1"} 1.0
vllm:num_requests_waiting{engine="0"} 2.0
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:kv_cache_usage_perc{engine="1"} 0.1
"""
OURS = (
    STOCK
    + """
andes:request_qoe_count{engine="0"} 8.0
andes:request_qoe_sum{engine="0"} 6.0
andes:longest_wait_seconds{engine="0"} 4.0
andes:longest_wait_seconds{engine="1"} 2.5
andes:num_requests_overdue{engine="0"} 2.0
"""
)


async def test_figures_of_several_engines_are_one_servers() -> None:
    figures = await Server("http://server/v1/", metrics(OURS)).read()
    assert (figures.running, figures.waiting) == (4, 2)
    assert figures.memory == pytest.approx(0.3)
    assert (figures.qoe, figures.answered) == (0.75, 8)
    assert (figures.longest_wait_s, figures.overdue) == (4.0, 2)


async def test_an_answer_without_end_is_read_up_to_a_bound() -> None:
    async def endless() -> AsyncGenerator[str, None]:
        while True:
            yield "x" * 65536
            await asyncio.sleep(0)

    for status, why in ((200, "is this a vLLM server"), (500, "answers 500")):

        async def answer(_: object, status: int = status) -> StreamingResponse:
            return StreamingResponse(endless(), status)

        with running(Starlette(routes=[Route("/metrics", answer)])) as url:
            server = Server(url)
            with pytest.raises(LiveError, match=why):
                await server.read()
            await server.aclose()


async def test_a_stock_server_has_no_qoe() -> None:
    app = LiveBoard(Server("http://server", metrics(STOCK)))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "does not measure QoE" in text_of(app, "#server-0"))
        assert "4 running, 2 waiting" in text_of(app, "#server-0")


async def test_a_server_with_ours_has() -> None:
    app = LiveBoard(Server("http://server", metrics(OURS)))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "QoE 0.750 of 8 responses" in text_of(app, "#server-0"))
        # Which half of a cell it is depends on the chart's height, which may not be known yet.
        await until(pilot, lambda: {"▀", "▄"} & set(text_of(app, "#chart")))
        assert "2 readers wait" in text_of(app, "#server-0")
        assert "the longest for 4.0 s" in text_of(app, "#server-0")


async def test_a_server_is_watched_without_vllm_or_numpy() -> None:
    """From a laptop, that is."""
    program = (
        "import sys, andes_demos.board.app; print({'vllm', 'torch', 'numpy'} & set(sys.modules))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "set()"


@pytest.mark.parametrize(
    ("transport", "why"),
    [
        (metrics("", 404), "answers 404"),
        (metrics("process_start 1"), "is this a vLLM server"),
        (metrics("<html>x y</html>"), "is this a vLLM server"),
        (None, "does not answer"),
    ],
)
async def test_whatever_is_no_server_is_said(
    transport: httpx2.ASGITransport | None, why: str
) -> None:
    server = Server("http://127.0.0.1:9", transport)
    with pytest.raises(LiveError, match=why):
        await server.read()
    app = LiveBoard(server)
    async with app.run_test() as pilot:
        await until(pilot, lambda: why in text_of(app, "#title"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--policies", "stock,nonsense"], "unknown policy 'nonsense'"),
        (["--policies", "stock,qoe,andes,fcfs"], "at most 3 servers fit beside each other, not 4"),
        (["--policies", "qoe,andes", "--restless"], "3 servers fit beside each other, not 4"),
        (["--speed", "7"], "--speed must be one of 0.5, 1, 2"),
        (["--rate", "0"], "rate"),
        (["--requests", "0"], "1 or more requests"),
        (["--profile", "none"], "unknown profile 'none'"),
        (["--url", "localhost"], "--url must be a URL"),
    ],
)
async def test_bad_options_are_refused_before_the_screen_is_taken(
    options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["board", *options])
    assert stop.value.code == 2
    assert why in capsys.readouterr().err
