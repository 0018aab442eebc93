"""Where text is cut for a voice, and when: on a clock of numbers."""

import itertools
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client.voice.aloud import aloud
from andes_client.voice.chunk import Chunk
from andes_client.voice.cutter import Cutter
from tests.client.prose import PROSE
from tests.thorough import cases
from tests.voice.hearing import Said, hear


def script(text: str, per_second: float, letters: int = 4) -> list[tuple[float, str]]:
    pieces = [text[at : at + letters] for at in range(0, len(text), letters)]
    return [(1 / per_second, piece) for piece in pieces]


def texts(said: list[Said]) -> list[str]:
    return [each.chunk.text for each in said]


def at_once(text: str, language: str = "en") -> list[str]:
    """All of it comes at once, and the stream ends."""
    return texts(hear(Cutter(language), [(0.0, text)], told=True))


def test_the_first_part_of_a_sentence_comes_soon_and_then_sentences() -> None:
    text = "When water freezes, it takes more room than before, as few things do. So ice floats."
    said = hear(Cutter(), script(text, per_second=40), told=True)
    assert texts(said)[0] == "When water freezes,"
    assert said[0].at < 0.2
    assert texts(said)[-1].endswith(" So ice floats.")
    assert [each.begins for each in said[1:]] == [each.ends for each in said[:-1]]


def test_chunks_grow_with_the_audio_in_hand() -> None:
    said = hear(Cutter(), script(PROSE["en"].text, per_second=100), told=True)
    lengths = [len(each.chunk.text) for each in said]
    assert lengths[0] < 80
    assert max(lengths[:4]) > 150
    assert max(lengths) <= 300


def test_what_was_cut_off_lasts_as_long_as_a_voice_takes_over_it() -> None:
    """Where nobody says how much audio is in hand: numbers are long, and addresses are not said."""
    lasting = []
    for text in (
        "It cost $1,234,567.",
        "It cost [little](https://example.org/a/b/c).",
        "It cost it.",
    ):
        cutter = Cutter()
        cutter.feed(text, 0.0)
        cutter.end(0.0)
        assert isinstance(cutter.poll(0.0), Chunk)
        lasting.append(cutter._in_hand(0.0, None))
    voice = aloud("en")
    assert lasting[0] > lasting[1] + 2.0
    assert lasting[1] == pytest.approx(
        sum(voice.sound(word) + voice.pause(word) for word in ("It", " cost", " little."))
    )
    assert lasting[1] > lasting[2]


@pytest.mark.parametrize(("language", "most"), [("en", 200), ("de", 190), ("zh", 50), ("ja", 70)])
def test_however_much_audio_is_in_hand_an_interruption_wastes_little(
    language: str, most: int
) -> None:
    """Three hundred characters would be 20 s of English and over a minute of Chinese."""
    said = hear(Cutter(language), script(PROSE[language].text, per_second=100), told=True)
    assert max(len(each.chunk.text) for each in said) <= most


def test_a_list_without_full_stops_is_not_held_back() -> None:
    text = "# To buy\n\n- milk and bread\n- eggs\n- [x] some of the *old* cheese\n\n1. pay\n2. go"
    said = hear(Cutter(), script(text, per_second=8), told=True)
    assert texts(said) == [
        "# To buy",
        "\n\n- milk and bread",
        "\n- eggs",
        "\n- [x] some of the *old* cheese",
        "\n\n1. pay",
        "\n2. go",
    ]
    assert [each.chunk.spoken for each in said][3] == "some of the old cheese"
    for each, following in itertools.pairwise(said):
        assert each.at < following.at


def test_a_line_of_verse_is_a_chunk() -> None:
    text = "The mill is still\nthe water waits\nand nobody is here\n"
    assert at_once(text) == ["The mill is still", "\nthe water waits", "\nand nobody is here\n"]


def test_a_line_that_was_broken_for_its_width_goes_on() -> None:
    text = (
        "The mill stood at the end of the valley where the two rivers of the\n"
        "north meet. Nobody lived there."
    )
    assert "of the\nnorth" in "".join(part for part in at_once(text) if "\n" in part)


def test_a_voice_that_runs_dry_gets_words_after_some_patience() -> None:
    said = hear(Cutter(), script("word " * 40, per_second=3, letters=5), told=True)
    assert all(each.chunk.text.strip(" ").split(" ") for each in said)
    assert said[0].at == pytest.approx(4 / 3)
    assert len(said) > 5


def test_words_are_parted_where_they_do_not_lean_on_the_next() -> None:
    text = "Nobody in the whole village of the old man could remember the name of the river"
    said = hear(Cutter(), script(text, per_second=10), told=True)
    assert all(not each.endswith((" the", " of", " in")) for each in texts(said)[:-1])


def test_a_sentence_that_is_followed_by_silence_is_said() -> None:
    said = hear(Cutter(), [(0.0, "Let me look that up.")], told=True, quiet=9.0)
    assert [(each.at, each.chunk.text) for each in said] == [(0.3, "Let me look that up.")]


def test_a_number_that_is_followed_by_silence_may_go_on() -> None:
    said = hear(Cutter(), [(0.0, "It is about 3."), (9.0, "14 or so.")], told=True, quiet=9.0)
    assert "3.14" in texts(said)[-1]
    assert texts(said)[0] == "It is about 3.14 or so." or "3" not in texts(said)[0]


WHOLE = [
    "1,234.56 euros",
    "January 5, 2026",
    "the 3rd of May 2026",
    "May of 2026",
    "12 % of them",
    "Dr. J. R. Smith",
    "e.g. apples",
    "9 a.m. on Monday",
    "+44 20 7946 0000",
    "No. 10",
    "p. 27",
    "$ 30",
    "5 km/h",
    "[the very old mill](http://mill.example/a-b_c/d)",
    "`a, b. c`",
    "https://mill.example/?a=1,2;b=3.4",
    "me@mill.example",
    "10:30 in the morning",
]


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("rate", [2.0, 8.0, 40.0])
@pytest.mark.parametrize("front", ["", "They said that it was and is ", "So, then, "])
def test_what_belongs_together_is_not_parted(whole: str, rate: float, front: str) -> None:
    text = f"{front}{whole} and more of it came. Then there was nothing."
    numbers = " ".join(each for each in whole.split(" ") if re.search(r"[\d$%+]", each))
    core = whole if whole.startswith(("[", "`", "Dr", "e.g", "the")) else numbers or whole
    for said in (hear(Cutter(), script(text, rate, letters), told=True) for letters in (1, 3, 5)):
        joined = "|".join(texts(said))
        assert core in joined, joined


def test_a_date_with_words_between_its_numbers_is_not_parted() -> None:
    text = "pagó mucho el 14 de marzo de 2019 por la casa de la plaza mayor de su pueblo natal"
    for rate in (2.0, 8.0, 40.0):
        said = hear(Cutter("es"), script(text, rate), told=True)
        assert "14 de marzo de 2019" in "|".join(texts(said))


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        ("zh", "水结冰时会膨胀，这很不寻常。因此冰会浮在水面上！", ["水结冰时会膨胀，"]),
        ("ja", "水は凍ると膨らみます。だから氷は水に浮きます。", ["水は凍ると膨らみます。"]),
        ("th", "น้ำจะขยายตัวเมื่อแข็งตัว ซึ่งเป็นเรื่องผิดปกติ", ["น้ำจะขยายตัวเมื่อแข็งตัว"]),
        ("de", "Am 3. Oktober, d. h. morgen, kommt Dr. Meier.", ["Am 3. Oktober,"]),
    ],
)
def test_other_languages(language: str, text: str, parts: list[str]) -> None:
    said = hear(Cutter(language), script(text, per_second=20, letters=1), told=True)
    assert texts(said)[: len(parts)] == parts


def test_code_is_shown_line_by_line_and_not_said() -> None:
    text = "Like this:\n\n```python\nprint(1)\nprint(2)\n```\n\nThat prints."
    said = hear(Cutter(), script(text, per_second=8), told=True)
    assert [each.chunk.text for each in said if each.chunk.spoken] == [
        "Like this:",
        "\n\nThat prints.",
    ]
    assert "\nprint(1)" in texts(said)


def test_audio_that_has_not_come_yet_counts() -> None:
    """The chunk was handed over just now, and `ahead` knows nothing of it."""
    cutter = Cutter()
    cutter.feed("When water freezes, it takes more room, as few things", 0.0)
    cutter.poll(0.0, 0.0)
    step = cutter.poll(0.0, 0.0)
    assert isinstance(step, float)
    assert 0 < step < 2


@pytest.mark.parametrize("reserve", [0.5, 0.25])
def test_audio_that_lasts_a_hair_longer_than_the_reserve_is_no_reason_to_look_at_once(
    reserve: float,
) -> None:
    """On a clock that jumps nobody would ever get further."""
    cutter, now = Cutter(), 1_000.3
    cutter.feed("and so on and on and on", now)
    for hairs in range(1, 400):
        step = cutter.poll(now, reserve + hairs * math.ulp(reserve))
        if isinstance(step, Chunk):
            break
        assert step is not None
        assert step > now, hairs


def test_while_audio_lasts_there_is_no_hurry() -> None:
    cutter = Cutter()
    cutter.feed("One sentence is here. Another", 0.0)
    step = cutter.poll(0.0, 20.0)
    assert isinstance(step, float)
    assert step > 15


def test_an_ended_stream_is_cut_at_once() -> None:
    cutter = Cutter()
    cutter.feed("One sentence is here. Another", 0.0)
    cutter.end(0.0)
    chunk = cutter.poll(0.0, 20.0)
    assert not isinstance(chunk, float)
    assert chunk is not None
    assert chunk.text == "One sentence is here. Another"
    assert cutter.poll(0.0, 20.0) is None


def test_an_empty_stream_has_no_chunks() -> None:
    cutter = Cutter()
    assert cutter.poll(0.0) == float("inf")
    cutter.feed("", 0.0)
    cutter.end(1.0)
    assert cutter.poll(1.0) is None


def test_only_text_is_cut() -> None:
    with pytest.raises(TypeError, match="bytes"):
        Cutter().feed(b"word", 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("letters", ["x", "漢", "[x", "```", "`x", "(a ", "1 ", "\n", "- "])
def test_what_has_no_place_is_cut_all_the_same(letters: str) -> None:
    said = hear(Cutter(), [(0.0, letters * 10_000)], told=True)
    assert "".join(texts(said)) == letters * 10_000
    assert max(map(len, texts(said))) <= 2 * 2400


PIECES = st.one_of(
    st.text(st.sampled_from("ab 1.,\n*_`#>-|[]()!~é漢。，ก🎉\r"), max_size=12),
    st.sampled_from(
        ["```\n", "Dr. ", "- an item\n", "[a b](http://x.y/z) ", "Well, then. ", "3.", "14 "]
    ),
)
SCRIPTS = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.02, 0.3, 4.0]), PIECES), max_size=30)


@pytest.mark.slow
@settings(max_examples=cases(2000))
@given(
    script=SCRIPTS,
    language=st.sampled_from(["en", "de", "zh", "th"]),
    told=st.booleans(),
    markdown=st.booleans(),
)
def test_nothing_is_lost_and_nothing_waits_for_ever(
    script: list[tuple[float, str]], language: str, told: bool, markdown: bool
) -> None:
    said = hear(Cutter(language, markdown=markdown), script, told=told, quiet=1.0)
    assert "".join(texts(said)) == "".join(text for _, text in script)
    assert all(each.chunk.text for each in said)


@pytest.mark.parametrize("language", PROSE)
def test_prose_in_any_language_is_heard_without_a_gap(language: str) -> None:
    text = PROSE[language].text
    said = hear(Cutter(language), script(text, per_second=40), told=True)
    assert "".join(texts(said)) == text
    assert said[0].at < 2.5
    assert max(len(each.chunk.text) for each in said) <= 300
