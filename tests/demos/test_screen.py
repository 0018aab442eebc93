import io

import pytest
from rich.console import Console

from andes_client import Unit, reading
from demos.measures import Comparison
from demos.screen import Picture

WORD = Unit(" word", 4 / 3)


def rows(comparison: Comparison, now: float, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(Picture(comparison, now))
    return console.export_text().splitlines()


def after_a_burst(words: int = 400) -> Comparison:
    comparison = Comparison(reading(300))
    for i in range(words):
        comparison.raw.show(f" raw{i}", 3.0)
        comparison.arrived(WORD, 3.0)
    for i in range(5):
        comparison.released(Unit(f" paced{i}", 4 / 3), 3.0 + i / 5)
    return comparison


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (100, 30)])
@pytest.mark.parametrize("comparison", [Comparison(reading(300)), after_a_burst()])
def test_it_fits_its_terminal(comparison: Comparison, width: int, height: int) -> None:
    picture = rows(comparison, 4.0, width, height)
    assert len(picture) <= height
    assert max(map(len, picture)) <= width


def test_before_the_first_word_it_says_that_it_waits() -> None:
    picture = "\n".join(rows(Comparison(reading(300)), 2.0))
    assert picture.count("waiting for the first word") == 2
    assert "QoE so far       –" in picture


def test_the_end_of_a_long_text_is_in_view() -> None:
    picture = "\n".join(rows(after_a_burst(), 4.0))
    assert " raw399" in picture
    assert " raw0 " not in picture
    assert "paced0 paced1 paced2 paced3 paced4" in picture


def test_the_figures_of_both_sides_stand_in_their_panels() -> None:
    picture = rows(after_a_burst(), 3.9)
    (now,) = [row for row in picture if row.count("now") == 2]
    assert now.split()[2:4] == ["400", "words/s"]
    assert now.split()[-3:-1] == ["5", "words/s"]
    (qoe,) = [row for row in picture if "QoE so far" in row]
    assert qoe.split()[4] == qoe.split()[-2]
    assert any("79.1 s of reading" in row for row in picture)


def test_a_silence_and_an_end_are_told() -> None:
    comparison = after_a_burst()
    assert "silent for 6.0 s" in "\n".join(rows(comparison, 9.0))
    comparison.raw.ended = True
    assert "finished" in "\n".join(rows(comparison, 9.0))


def test_the_latest_seconds_stay_in_the_strip() -> None:
    comparison = after_a_burst()
    assert "█" in "\n".join(rows(comparison, 20.0))
    assert "█" not in "\n".join(rows(comparison, 60.0))  # 36 columns: the burst has dropped out
