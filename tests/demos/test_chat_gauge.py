"""The line that shows the pace."""

import math
from dataclasses import replace

import pytest
from andes_demos.chat.gauge import FULL_S, gauge_line
from andes_demos.chat.reader import Reader
from andes_demos.chat.turn import summary

from andes_client import Statistics

GOING = Statistics(
    shown=10,
    buffered=20,
    buffered_seconds=7.25,
    lag=3.0,
    ttft=1.5,
    tds=4.8,
    qoe=0.876,
    stalls=0,
    stalled_seconds=0.0,
    speed=1.0,
    paused=False,
    upstream_ended=False,
)
STALLED = replace(GOING, buffered_seconds=0.0, stalls=2, stalled_seconds=3.1)


def line(
    statistics: Statistics | None, width: int = 80, history: tuple[float | None, ...] = ()
) -> str:
    return gauge_line(Reader(wpm=238.0), statistics, history, width).plain


def test_while_it_goes() -> None:
    assert line(GOING) == (
        " ▶ playing  reading 238 wpm  buffer ████░░░░░░  7.2 s  QoE 0.88  stalls 0"
    )


@pytest.mark.parametrize(
    ("statistics", "beginning"),
    [
        (None, " ■ idle  reading 238 wpm"),
        (replace(GOING, ttft=None), " … waiting "),
        (replace(GOING, paused=True), " ⏸ paused "),
        (replace(GOING, speed=math.inf), " ⏩ all "),
        (replace(GOING, ttft=None, expected_s=11.2), " … waiting, about 12 s "),
        (replace(GOING, ttft=None, expected_s=99.5), " … waiting, about 100 s "),
        (replace(GOING, ttft=None, expected_s=240.0), " … waiting, about 4 min "),
        (replace(GOING, ttft=None, expected_s=0.0), " … waiting  reading "),
        (STALLED, " × stalled "),
        (replace(STALLED, expected_s=0.4), " × stalled, about 1 s "),
        (replace(GOING, expected_s=12.0), " ▶ playing "),
        (replace(GOING, buffered_seconds=0.0, upstream_ended=True), " ▶ playing "),
    ],
)
def test_the_state_comes_first(statistics: Statistics | None, beginning: str) -> None:
    assert line(statistics).startswith(beginning)


def test_stalls_are_counted_and_marked_where_they_were() -> None:
    shown = line(STALLED, 120, (0.0, FULL_S / 2, FULL_S, None, None, 1.0))
    assert "stalls 2 (3.1 s)" in shown
    assert shown.endswith("▁▅█××▁")


@pytest.mark.parametrize("width", [10, 40, 80, 100, 200])
def test_it_never_takes_more_than_its_line(width: int) -> None:
    shown = gauge_line(Reader(), STALLED, [1.0, None] * 200, width)
    assert shown.cell_len <= width
    assert "\n" not in shown.plain


def test_in_80_cells_no_figure_is_cut_off() -> None:
    long = replace(STALLED, buffered_seconds=12.3, stalls=12, stalled_seconds=123.4)
    shown = line(long)
    assert shown.endswith("12.3 s  QoE 0.88  stalls 12 (123.4 s)")
    assert len(shown) == 80


def test_a_full_buffer_is_no_longer_than_its_bar() -> None:
    assert "██████████ 99.0 s" in line(replace(GOING, buffered_seconds=99.0))


def test_the_summary_of_an_answer() -> None:
    assert summary(GOING) == "QoE 0.88 · first word after 1.5 s · no stall"
    assert summary(replace(GOING, stalls=1, stalled_seconds=0.5)).endswith("1 stall of 0.5 s")
    assert summary(STALLED).endswith("2 stalls of 3.1 s")
    assert summary(replace(GOING, ttft=None)) == summary(None) == ""
