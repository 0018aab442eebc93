"""Somebody who listens is shown each word for as long as a voice takes to say it."""

import itertools
import re
import subprocess
import sys
from collections.abc import AsyncIterator

import anyio
import pytest

from andes_client import Expectation, Speaking, pace, reading, speaking
from andes_client.buffer import make_buffer
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.segment import UnitKind, Words
from andes_client.speech_rates import figures, usual_wpm
from andes_client.voice.aloud import aloud
from tests.client.prose import PROSE

NUMBERS = "On May 14, 1984, Dr. Smith paid $3,500 for 250 kg. See www.example.org, or call!\n\nBye."


def shown(
    text: str,
    expectation: Expectation,
    *,
    unit: UnitKind = "word",
    language: str | None = None,
    markdown: bool = False,
) -> tuple[list[tuple[str, float]], float]:
    """Each unit and when it is shown, all text being there at the start; and when all is read."""
    buffer = make_buffer(
        expectation,
        unit=unit,
        language=language,
        markdown=markdown,
        anti_stall=None,
        max_lag=None,
        max_speed_up=2.0,
    )
    buffer.start(0.0)
    buffer.receive(text, 0.0)
    buffer.end(0.0)
    units, now = [], 0.0
    while (what := buffer.poll(now)) is not None:
        if isinstance(what, str):
            units.append((what, now))
        else:
            now = what
    assert "".join(unit for unit, _ in units) == text
    return units, now + buffer.in_hand(now)


def test_the_usual_speed_is_that_of_voices_in_the_language() -> None:
    assert speaking() == Speaking(1.0, speaking().tds, None, usual=True)
    assert speaking().wpm == speaking(language="en-GB").wpm == pytest.approx(usual_wpm("en"))
    assert speaking(language="de").wpm == pytest.approx(usual_wpm("de"))
    assert speaking(wpm=160) == Speaking(1.0, 160 / 60 * TOKENS_PER_WORD)
    assert speaking(cps=12, language="fr").language == "fr"


def test_each_word_takes_what_it_costs_aloud() -> None:
    units, total = shown(NUMBERS, speaking())
    voice, at = aloud("en"), 0.0
    for word, shown_at in units[:-1]:
        assert shown_at == pytest.approx(at)
        at += voice.sound(word) + voice.pause(word)
    assert total > at


@pytest.mark.parametrize("code", ["en", "de", "ru", "hi", "zh"])
def test_without_a_speed_text_takes_the_time_of_a_voice_in_its_language(code: str) -> None:
    """Whatever is expected of the server: that is the speed of English, if no language is said."""
    splitter, voice = Words(code), aloud(code)
    words = [unit.text for unit in [*splitter.decode(PROSE[code].text), *splitter.flush()]]
    seconds = sum(voice.sound(word) + voice.pause(word) for word in words)
    for listener in (speaking(), speaking(language=code)):
        _, total = shown(PROSE[code].text, listener, language=code)
        assert total == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize("code", ["en", "de", "es", "fr", "it", "ru", "tr", "uk", "el", "hi", "id"])
@pytest.mark.parametrize("wpm", [120, 200])
def test_a_speed_that_is_given_is_the_mean_in_ordinary_text(code: str, wpm: float) -> None:
    """A reader of that many words a minute takes the same time over it, numbers apart."""
    _, listened = shown(PROSE[code].text, speaking(wpm=wpm), language=code)
    _, read = shown(PROSE[code].text, reading(wpm=wpm), language=code)
    assert listened == pytest.approx(read, rel=0.08)


UNITS: dict[str, UnitKind] = {
    "word": "word",
    "grapheme": "grapheme",
    "sentence": "sentence",
    "line": "line",
    "pattern": re.compile(", "),
    "function": lambda text: min(9, len(text)),
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_whatever_is_shown_at_once_text_takes_the_same_time(unit: UnitKind) -> None:
    _, total = shown(NUMBERS, speaking(), unit=unit)
    _, words = shown(NUMBERS, speaking(), unit="word")
    assert total == pytest.approx(words, rel=0.3 if callable(unit) else 0.05)


def test_a_delta_takes_what_its_words_do() -> None:
    _, total = shown("It was 1984. ", speaking(), unit="token")
    _, words = shown("It was 1984. ", speaking())
    assert total == pytest.approx(words)


def test_the_letters_of_a_word_share_its_time_and_its_pause_comes_last() -> None:
    units, total = shown("abcd, efgh", speaking(), unit="grapheme")
    times = [at for _, at in units]
    steps = [round(after - before, 6) for before, after in itertools.pairwise(times)]
    assert len(set(steps[:4])) == 1
    assert steps[4] == pytest.approx(steps[0] + figures("en").clause)
    assert total > times[-1]


@pytest.mark.parametrize("text", ["-- y", "[] z", "「…」 x", "。# ", "。。"])
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_marks_without_a_word_are_shown(text: str, unit: UnitKind) -> None:
    units, _ = shown(text, speaking(), unit=unit)
    assert "".join(each for each, _ in units) == text


def test_the_language_of_the_text_is_that_of_the_pace_or_that_of_the_listener() -> None:
    text = "Am 3. Oktober 1990 kamen 1.250 Menschen."
    german = shown(text, speaking(language="de"))
    assert german == shown(text, speaking(language="de"), language="de")
    assert german != shown(text, speaking(language="de"), language="en")
    assert shown(text, speaking(), language="de")[1] == pytest.approx(german[1])


def test_a_list_is_said_with_a_pause_before_each_item() -> None:
    units, _ = shown("Take\n- salt\n- flour", speaking())
    (_, take), (mark, first), (_, salt), (_, second), (_, flour) = units
    pause, voice = figures("en").sentence, aloud("en")
    assert mark == "\n-"
    assert first - take == pytest.approx(voice.sound("Take"))
    assert salt - first == flour - second == pytest.approx(pause)
    assert second - salt == pytest.approx(voice.sound("salt"))


def test_a_link_is_said_by_its_words() -> None:
    _, linked = shown("See [the page](https://example.org/a/b).", speaking(), markdown=True)
    _, plain = shown("See the page.", speaking())
    assert linked == pytest.approx(plain)


def test_a_blank_line_is_a_longer_pause() -> None:
    _, apart = shown("One.\n\nTwo.", speaking())
    _, together = shown("One. Two.", speaking())
    assert apart > together + 0.1


def test_a_listener_who_takes_all_at_once_is_a_program() -> None:
    units, total = shown("All at once.", speaking(wpm=float("inf")))
    assert total == 0.0
    assert [at for _, at in units] == [0.0] * len(units)


def test_readers_do_without_it() -> None:
    """Nothing of the voice is loaded for them, nor does it change what words cost them."""
    program = (
        "import sys, andes_client\n"
        "from andes_client.buffer import splitter_for\n"
        "units = splitter_for(andes_client.reading(), None, 'en').decode('1984 was. ')\n"
        "assert 'andes_client.voice' not in sys.modules\n"
        "print(units[0].cost)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, timeout=60
    )
    assert float(ran.stdout) == pytest.approx(0.5 * TOKENS_PER_WORD * (1 + 4 / (987 / 228)))


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no reading speeds are known for language 'tlh'"):
        speaking(language="tlh")
    with pytest.raises(ValueError, match="no reading speeds are known for language 'tlh'"):
        Speaking(1.0, 3.3, "tlh")


@pytest.mark.anyio
async def test_pace_shows_words_as_they_are_said() -> None:
    async def stream() -> AsyncIterator[str]:
        yield NUMBERS

    times = []
    async with pace(stream(), speaking()) as paced:
        start = anyio.current_time()
        async for word in paced:
            times.append((word, anyio.current_time() - start))
    expected, _ = shown(NUMBERS, speaking())
    assert [word for word, _ in times] == [word for word, _ in expected]
    assert [at for _, at in times] == pytest.approx([at for _, at in expected], abs=0.05)
