import math
from collections.abc import Callable
from typing import Any

import pytest

from andes_client import Expectation, Speaking, reading, speaking
from andes_client.expectation import SPEAKING_TDS


def test_the_mean_reader_is_the_papers() -> None:
    assert reading() == Expectation(ttft=1.0, tds=4.8)
    assert speaking(tds=SPEAKING_TDS) == Speaking(ttft=1.0, tds=3.3)


def test_somebody_who_listens_hears_a_voice_at_its_usual_speed() -> None:
    """Faster than people talk: 194 words/min in English (andes_client.speech_rates)."""
    assert speaking() == Speaking(ttft=1.0, tds=speaking().tds, usual=True)
    assert speaking().wpm == pytest.approx(194, abs=1)


def test_words_a_minute_become_tokens_a_second() -> None:
    assert reading(wpm=238).tds == pytest.approx(5.29, abs=0.01)
    assert speaking(wpm=150).tds == pytest.approx(3.33, abs=0.01)


@pytest.mark.parametrize(
    ("age", "tds"), [(18, 5.1), (24, 5.1), (25, 4.35), (50, 4.17), (60, 4.02), (90, 3.79)]
)
def test_reading_slows_with_age(age: float, tds: float) -> None:
    assert reading(age=age).tds == tds


def test_a_program_reads_at_infinite_speed() -> None:
    assert Expectation.program().tds == math.inf
    assert Expectation.program().seconds_per_token == 0.0


@pytest.mark.parametrize("tds", [0, -1, math.nan, -math.inf, 5e-324])
def test_a_speed_that_is_none_is_refused(tds: float) -> None:
    with pytest.raises(ValueError, match=r"Expectation\.tds must be above 0"):
        Expectation(1.0, tds)


@pytest.mark.parametrize("ttft", [-0.1, math.nan, math.inf])
def test_a_wait_that_is_none_is_refused(ttft: float) -> None:
    with pytest.raises(ValueError, match=r"Expectation\.ttft must be a finite"):
        Expectation(ttft, 4.8)


@pytest.mark.parametrize("value", [10**400, 10**5000, -(10**5000)], ids=["large", "huge", "below"])
def test_a_number_of_thousands_of_digits_is_refused(value: int) -> None:
    """An integer may be larger than any float, and Python refuses to write the largest."""
    given: tuple[tuple[Callable[..., Expectation], str], ...] = (
        (lambda number: Expectation(1.0, number), "Expectation.tds"),
        (lambda number: Expectation(number, 4.8), "Expectation.ttft"),
        (lambda number: reading(number), "reading(wpm=...)"),
        (lambda number: reading(cps=number), "reading(cps=...)"),
        (lambda number: reading(age=number), "reading(age=...)"),
        (lambda number: speaking(sps=number), "speaking(sps=...)"),
        (lambda number: speaking(ttft=number), "Expectation.ttft"),
    )
    for make, name in given:
        with pytest.raises(ValueError, match="a float can hold, not an integer of") as caught:
            make(value)
        assert str(caught.value).startswith(name)


@pytest.mark.parametrize("value", ["4.8", None, True, [4.8]])
def test_what_is_not_a_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="tds must be a number"):
        Expectation(1.0, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", [reading, speaking])
def test_a_speed_may_be_given_in_what_a_person_thinks_in(
    preset: Callable[..., Expectation],
) -> None:
    """The same reader of English, four times: 4.33 characters and 1.63 syllables a word."""
    words = preset(wpm=180)
    assert words.wpm == pytest.approx(180)
    assert preset(tds=4.0).tds == words.tds == pytest.approx(4.0)
    assert preset(cps=3 * 987 / 228).tds == pytest.approx(words.tds)
    assert preset(sps=3 * 1.63).tds == pytest.approx(words.tds)


def test_a_language_alone_sets_the_speed_that_is_usual_in_it() -> None:
    assert reading(language="en").wpm == pytest.approx(238)
    assert speaking(language="en-GB").wpm == speaking().wpm
    assert speaking(language="tr").wpm < 0.7 * speaking().wpm
    assert reading(language="de").wpm == pytest.approx(238 * 179 / 228)
    assert reading(cps=4.25, language="zh").wpm == pytest.approx(158)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wpm": 200, "age": 30}, "takes one speed, but wpm and age were given"),
        ({"wpm": 0}, r"reading\(wpm=...\) must be above 0, not 0"),
        ({"cps": -3}, r"reading\(cps=...\) must be above 0, not -3"),
        ({"tds": math.nan}, r"reading\(tds=...\) must be above 0, not nan"),
        ({"age": -1}, r"reading\(age=...\) must be above 0, not -1"),
        ({"age": math.inf}, "must be a number of years"),
        ({"language": "tlh"}, "no reading speeds are known for language 'tlh'; known: ar, de"),
        ({"sps": 5, "language": "fi"}, "the number of syllables in a word is not known for 'fi'"),
    ],
)
def test_preset_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reading(**arguments)


def test_a_preset_argument_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match=r"reading\(age=...\) must be a number, not 'old'"):
        reading(age="old")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"speaking\(wpm=...\) must be a number, not True"):
        speaking(wpm=True)


def test_an_sdk_sends_what_the_wire_says() -> None:
    assert reading(wpm=180).extra_body(stream="s", user="u") == {
        "vllm_xargs": {"andes_ttft": 1.0, "andes_tds": 4.0, "andes_stream": "s", "andes_user": "u"}
    }
