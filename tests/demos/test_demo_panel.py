"""What is drawn of a scenario: the panels' text and figures, and the chart."""

import pytest
from andes_demos.scenarios.chart import DARK, timeline
from andes_demos.scenarios.measures import Comparison
from andes_demos.scenarios.panel import doing, figures, page
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from andes_client import Unit, reading
from andes_client.expectation import TOKENS_PER_WORD

WORD = " word"


def after_a_burst(words: int = 100) -> Comparison:
    """Everything at 3 s; the paced side has shown five words by 3.9 s."""
    both = Comparison(reading(300))
    for i in range(words):
        both.raw.show(f" raw{i}", 3.0)
        both.arrived(Unit(WORD, TOKENS_PER_WORD), 3.0)
    for i in range(5):
        both.released(Unit(f" paced{i}", TOKENS_PER_WORD), 3.0 + i / 5)
    return both


def styled(text: Text, style: str) -> str:
    """What of a text has that in its style."""
    return "".join(
        text.plain[span.start : span.end] for span in text.spans if style in str(span.style)
    )


def test_before_the_first_word_a_page_says_that_it_waits() -> None:
    side = Comparison(reading(300)).raw
    assert page(side, 2.0, "red", width=40, height=3).plain == "waiting for the first word … 2 s"
    side.ended = True
    assert page(side, 2.0, "red", width=40, height=3).plain == "nothing came"


def test_the_word_where_the_reader_is_is_marked_and_what_is_ahead_is_coloured() -> None:
    both = after_a_burst(12)
    raw = page(both.raw, 3.9, "red", width=200, height=1)
    assert styled(raw, "reverse") == "raw4"
    assert styled(raw, "red").split() == [f"raw{i}" for i in range(4, 12)]
    paced = page(both.paced, 3.9, "red", width=200, height=1)
    assert styled(paced, "red") == "paced4"


def test_nothing_is_marked_when_all_has_been_read() -> None:
    both = after_a_burst(12)
    both.raw.ended = True
    assert styled(page(both.raw, 60.0, "red", width=200, height=1), "red") == ""


def test_of_a_long_text_the_end_is_in_view() -> None:
    shown = page(after_a_burst(400).raw, 4.0, "red", width=30, height=5).plain
    assert shown.endswith("raw399")
    assert len(shown.split("\n")) == 5


def test_a_silence_and_an_end_are_told() -> None:
    side = after_a_burst().raw
    assert doing(Comparison(reading()).raw, 1.0) == "silent"
    assert doing(side, 3.9) == "100 words/s"
    assert doing(side, 9.0) == "silent for 6.0 s"
    side.ended = True
    assert doing(side, 9.0) == "all shown"


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            46,
            ["QoE 0.36 longest silence 3.0 s fastest 100/s", "unread ██████████ 19.1 s of reading"],
        ),
        (24, ["QoE 0.36 silence 3.0 s", "max 100/s unread 19.1 s"]),
    ],
)
def test_figures_in_many_words_and_in_few(width: int, lines: list[str]) -> None:
    both = after_a_burst()
    ahead_s = both.ahead_s(3.9)
    shown = figures(
        both.raw, 3.9, "blue", alarm="red", where="unread", ahead_s=ahead_s, width=width
    )
    shown_lines = shown.plain.split("\n")
    assert shown_lines[1] == lines[1]
    qoe = f"{both.raw.reader.qoe(3.9):.2f}"
    assert shown_lines[0] == lines[0].replace("0.36", qoe)
    assert styled(shown, "red") == f"{qoe}3.0 s100/s"


def test_what_a_reader_does_not_suffer_from_raises_no_alarm() -> None:
    both = Comparison(reading(240))
    for i in range(20):
        both.raw.show(WORD, 1.0 + i / 4)
        both.arrived(Unit(WORD, TOKENS_PER_WORD), 1.0 + i / 4)
    shown = figures(both.raw, 5.9, "blue", alarm="red", where="unread", ahead_s=0.1, width=46)
    assert shown.plain.startswith("QoE 1.00 longest silence 1.0 s fastest 4/s")
    assert styled(shown, "red") == ""


def drawn(both: Comparison, now: float, width: int = 44, height: int = 9) -> Text:
    return timeline(both, now, DARK, width=width, height=height, horizon_s=20.0, most=100)


def test_a_chart_has_all_three_lines_its_scales_and_the_wait_tinted() -> None:
    both = after_a_burst()
    chart = drawn(both, 10.0)
    rows = chart.plain.split("\n")
    assert rows[0].startswith("100 ")
    assert rows[-2].startswith("  0 ")
    assert rows[-1] == "    0 s       5         10        15        "
    for colour in (DARK.raw, DARK.paced, DARK.expected):
        assert styled(chart, colour).strip()
    assert styled(chart, f"on {DARK.wait}")
    # The burst is at 3 s, six cells from the left, and reaches from the bottom to the top.
    assert all(row[4 + 6] not in " ⠀" or row[4 + 5] not in " ⠀" for row in rows[:-1])


def test_who_never_waits_sees_no_tint() -> None:
    both = Comparison(reading(300))
    for i in range(60):
        both.arrived(Unit(WORD, TOKENS_PER_WORD), 1.0 + i / 5)
        both.released(Unit(WORD, TOKENS_PER_WORD), 1.0 + i / 5)
    assert styled(drawn(both, 12.0), DARK.wait) == ""


def test_lines_that_run_together_show_both_colours() -> None:
    both = Comparison(reading(300))
    for i in range(60):
        both.arrived(Unit(WORD, TOKENS_PER_WORD), 1.0 + i / 5)
        both.released(Unit(WORD, TOKENS_PER_WORD), 1.0 + i / 5)
    chart = drawn(both, 12.0)
    assert styled(chart, DARK.raw)
    assert styled(chart, DARK.paced)


@given(st.integers(0, 90), st.integers(0, 20), st.floats(0.0, 100.0))
def test_a_chart_fits(width: int, height: int, now: float) -> None:
    rows = drawn(after_a_burst(), now, width, height).plain.split("\n")
    assert len(rows) <= max(1, height)
    assert all(len(row) <= width for row in rows)
