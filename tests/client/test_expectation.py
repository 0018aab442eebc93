import math

import pytest

from andes_client import Expectation, reading, speaking


def test_presets_are_the_papers_means() -> None:
    assert reading() == Expectation(ttft=1.0, tds=4.8)
    assert speaking() == Expectation(ttft=1.0, tds=3.3)


def test_words_a_minute_become_tokens_a_second() -> None:
    assert reading(wpm=238).tds == pytest.approx(5.29, abs=0.01)
    assert speaking(wpm=150).tds == pytest.approx(3.33, abs=0.01)


@pytest.mark.parametrize(
    ("age", "tds"), [(18, 5.1), (24, 5.1), (25, 4.35), (50, 4.17), (60, 4.02), (90, 3.79)]
)
def test_reading_slows_with_age(age: float, tds: float) -> None:
    assert reading(age=age).tds == tds


def test_a_program_reads_at_infinite_speed() -> None:
    assert Expectation.machine().tds == math.inf
    assert Expectation.machine().seconds_per_token == 0.0


@pytest.mark.parametrize("tds", [0, -1, math.nan, -math.inf, 5e-324])
def test_a_speed_that_is_none_is_refused(tds: float) -> None:
    with pytest.raises(ValueError, match=r"Expectation\.tds must be above 0"):
        Expectation(1.0, tds)


@pytest.mark.parametrize("ttft", [-0.1, math.nan, math.inf])
def test_a_wait_that_is_none_is_refused(ttft: float) -> None:
    with pytest.raises(ValueError, match=r"Expectation\.ttft must be a finite"):
        Expectation(ttft, 4.8)


@pytest.mark.parametrize("value", ["4.8", None, True, [4.8]])
def test_what_is_not_a_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="tds must be a number"):
        Expectation(1.0, value)  # type: ignore[arg-type]


def test_preset_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="wpm or age, not both"):
        reading(wpm=200, age=30)
    with pytest.raises(ValueError, match="above 0 words a minute"):
        reading(wpm=0)
    with pytest.raises(ValueError, match="above 0 words a minute"):
        speaking(wpm=-3)
    with pytest.raises(ValueError, match="number of years"):
        reading(age=-1)
    with pytest.raises(TypeError, match="age must be a number"):
        reading(age="old")  # type: ignore[arg-type]
