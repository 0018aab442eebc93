"""Units of text: nothing lost, Unicode's own boundaries, and a cost that fits them."""

import itertools
import re

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from andes_client.segment import Segmenter, UnitKind, Words, segmenter

# Text that is hard to cut: spaces of all kinds, several scripts, clusters of many code
# points, halves of surrogate pairs, and whatever hypothesis comes up with.
SEQUENCES = [
    "\x1b[1m",
    "\x1b]8;;",
    "\x1b\\",
    "\x1b",
    "\x9b",
    "\x07",
    "://",
    "www.",
    "@",
    "/",
    "a" * 20,
]
ALPHABET = (
    "ab .,\n\r\t\u2028\u00a0é\u0301漢字かなไทม่ี👩🏽\u200d🚀🇩🇪（。」\ud83d\ude00"
    "\u202f?«»1\u200b\ufeffབོ་།ሰ፡ーကား\u2060"
)
TEXT = (
    st.text(st.sampled_from(ALPHABET), max_size=40)
    | st.text(max_size=40)
    | st.lists(st.sampled_from([*ALPHABET, *SEQUENCES]), max_size=20).map("".join)
)
CHUNKS = st.lists(TEXT, max_size=12)

KINDS: list[UnitKind] = [
    "word",
    "grapheme",
    "sentence",
    "line",
    "token",
    re.compile(r"[,;]\s*"),
    regex.compile(r"\p{L}+"),
    lambda text: 3 if len(text) >= 3 else None,
]
SPLITTERS: list[UnitKind] = ["word", "grapheme"]  # what follows Unicode's boundaries
UNCHANGING: list[UnitKind] = [*SPLITTERS, "sentence", "line"]


def units(make: UnitKind, chunks: list[str]) -> list[str]:
    splitter = segmenter(make)
    decoded = [unit.text for chunk in chunks for unit in splitter.decode(chunk)]
    return decoded + [unit.text for unit in splitter.flush()]


def clusters(text: str) -> list[str]:
    return regex.findall(r"[\ud800-\udbff][\udc00-\udfff]|\X", text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", KINDS, ids=lambda kind: "function" if callable(kind) else str(kind)
)
@given(chunks=CHUNKS, fragments_after=st.sets(st.integers(0, 12)))
def test_nothing_is_lost_or_changed(
    kind: UnitKind, chunks: list[str], fragments_after: set[int]
) -> None:
    splitter, out = segmenter(kind), []
    for index, chunk in enumerate(chunks):
        out += splitter.decode(chunk)
        if index in fragments_after and (fragment := splitter.fragment()):
            out.append(fragment)
    out += splitter.flush()
    assert "".join(unit.text for unit in out) == "".join(chunks)
    assert all(unit.text for unit in out)
    assert all(unit.cost >= 0 for unit in out)


@pytest.mark.parametrize("kind", UNCHANGING, ids=str)
@given(chunks=CHUNKS)
def test_units_do_not_depend_on_how_the_text_was_cut(kind: UnitKind, chunks: list[str]) -> None:
    assert units(kind, chunks) == units(kind, ["".join(chunks)])


@pytest.mark.parametrize("kind", SPLITTERS, ids=str)
@given(chunks=CHUNKS)
@example(chunks=["\uff08\xa0\u0f7c"])  # a no-break space that carries a vowel
@example(chunks=["1\u202f", "\u03032"])
def test_no_unit_ends_inside_a_grapheme(kind: UnitKind, chunks: list[str]) -> None:
    whole = clusters("".join(chunks))
    pieces = [cluster for unit in units(kind, chunks) for cluster in clusters(unit)]
    assert pieces == whole


@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_bytes_may_be_cut_inside_a_character(data: bytes, cuts: list[int]) -> None:
    """As `andes pace` feeds them: an incremental decoder, then words."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [decoder.decode(data[a:b]) for a, b in itertools.pairwise(edges)]
    chunks.append(decoder.decode(b"", final=True))
    assert "".join(units("word", chunks)).encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("word", "One two,\n\nthree ", ["One", " two,", "\n\nthree", " "]),
        ("word", 'He said: "Well—no."', ["He", " said:", ' "Well—no."']),
        ("word", "今日は、晴れ。Wi-Fi 有", ["今", "日", "は、", "晴", "れ。", "Wi-Fi", " 有"]),
        ("word", "「東京」", ["「東", "京」"]),
        ("word", "ไม่มี ภาษา", ["ไ", "ม่", "มี", " ภ", "า", "ษ", "า"]),
        ("word", "コーヒー、", ["コ", "ー", "ヒ", "ー、"]),
        ("word", "ကားကို", ["ကား", "ကို"]),
        ("word", "བོད་ཡིག་གི་ ཡི་གེ།", ["བོད་", "ཡིག་", "གི་", " ཡི་", "གེ།"]),
        ("word", "ሰላም፡ለዓለም፡ነው።", ["ሰላም፡", "ለዓለም፡", "ነው።"]),
        ("word", "ក\u200bខ ab\u200bcd", ["ក", "\u200bខ", " ab", "\u200bcd"]),
        ("word", "\ufeffOne two", ["\ufeffOne", " two"]),
        (
            "word",
            "Quoi\u202f? Non\u202f! Si\u00a0: a",
            ["Quoi\u202f?", " Non\u202f!", " Si\u00a0:", " a"],
        ),
        ("word", "«\u00a0Oui\u00a0», dit", ["«\u00a0Oui\u00a0»,", " dit"]),
        ("word", "10\u202f000\u00a0€ net", ["10\u202f000\u00a0€", " net"]),
        ("word", "deux\u00a0mots", ["deux", "\u00a0mots"]),
        ("word", "مرحبا بالعالم", ["مرحبا", " بالعالم"]),
        ("word", "नमस्ते दुनिया", ["नमस्ते", " दुनिया"]),
        ("word", "안녕 세상", ["안녕", " 세상"]),
        ("word", "ok 👩🏽‍🚀🇩🇪!", ["ok", " 👩🏽‍🚀🇩🇪!"]),
        ("grapheme", "e\u0301👩🏽‍🚀क्षि", ["e\u0301", "👩🏽‍🚀", "क्षि"]),
        ("sentence", "One. Two? (Three!) 四。五", ["One.", " Two?", " (Three!)", " 四。", "五"]),
        ("line", "a\nb\r\nc", ["a\n", "b\r\n", "c"]),
        ("token", "a b", ["a b"]),
        (re.compile(r",\s*"), "a, b,c", ["a, ", "b,", "c"]),
    ],
)
def test_units_are_what_a_person_would_say(kind: UnitKind, text: str, expected: list[str]) -> None:
    assert units(kind, [text]) == expected
    if kind != "token":
        assert "".join(units(kind, list(text))) == text


def test_text_without_boundaries_is_cut_rather_than_waited_for() -> None:
    assert [len(unit) for unit in units("word", ["x" * 60])] == [24, 24, 12]
    assert [len(unit) for unit in units("line", ["漢" * 2500])] == [999, 999, 502]


def test_longer_words_take_longer_and_mean_words_take_their_nominal_time() -> None:
    words = Words("en")
    short, long = words.cost("a"), words.cost(" incomprehensible,")
    assert 0 < short < 4 / 3 < long
    four, five = words.cost("four"), words.cost("fives")
    mean = four + (987 / 228 - 4) * (five - four)
    assert mean == pytest.approx(4 / 3)
    assert words.cost(" \n ") == 0.0


def test_a_character_of_a_script_without_spaces_has_its_share_of_a_word() -> None:
    assert Words("zh").cost("漢") == pytest.approx(4 / 3 / (255 / 158))
    assert Words("ja").cost("漢") == pytest.approx(4 / 3 / (357 / 193))


@pytest.mark.parametrize(
    ("text", "language"), [("漢", "zh"), ("か", "ja"), ("ー", "ja"), ("ม่", "th"), ("ក្ខ", "km")]
)
def test_in_a_text_of_another_language_it_costs_what_it_costs_in_its_own(
    text: str, language: str
) -> None:
    assert Words("en").cost(text) == Words("fr").cost(text) == Words(language).cost(text)


def test_a_fragment_and_its_rest_cost_what_the_whole_costs() -> None:
    whole = sum(unit.cost for unit in segmenter("word").decode("Unbelievable. \n"))
    splitter, parts = segmenter("word"), []
    parts += splitter.decode("Unbe")
    parts += filter(None, [splitter.fragment()])
    parts += splitter.decode("liev")
    parts += filter(None, [splitter.fragment()])
    parts += splitter.decode("able. \n")
    assert [unit.text for unit in parts[:2]] == ["Unbe", "liev"]
    assert [unit.continues for unit in parts[:3]] == [False, True, True]
    assert sum(unit.cost for unit in parts) == pytest.approx(whole)


@pytest.mark.parametrize("kind", ["sentence", "line", re.compile(r"[.]\s")], ids=str)
def test_fragments_of_more_than_a_word_end_with_one(kind: UnitKind) -> None:
    text = "The train leaves at noon. \n."
    words = Words()
    whole = sum(unit.cost for unit in words.decode(text) + words.flush())
    splitter, parts = segmenter(kind), []
    for delta in ("The tra", "in leaves ", "at n", "oon. \n."):
        parts += splitter.decode(delta)
        parts += filter(None, [splitter.fragment()])
    parts += splitter.flush()
    assert [unit.text for unit in parts[:3]] == ["The", " train leaves", " at"]
    assert "".join(unit.text for unit in parts) == text
    assert sum(unit.cost for unit in parts) == pytest.approx(whole, abs=0.1)


def test_a_fragment_that_was_the_whole_word_leaves_the_next_word_its_own() -> None:
    words = Words()
    words.decode("The")
    assert words.fragment() is not None
    (mole,) = words.decode(" Mole ")
    assert (mole.text, mole.continues) == (" Mole", False)
    assert mole.cost == words.cost(" Mole")


@pytest.mark.parametrize(
    ("pending", "shown"),
    [
        ("ab", "ab"),
        ("abé", "ab"),  # an accent may follow
        ("👩", None),  # an emoji may go on
        (" \n", None),  # white space waits for its word
        ("", None),
        ("x\ud83d", "x"),  # half a surrogate pair
    ],
)
def test_a_fragment_ends_where_it_cannot_be_half_a_character(
    pending: str, shown: str | None
) -> None:
    words = Words()
    words.decode(pending)
    fragment = words.fragment()
    assert (fragment.text if fragment else None) == shown
    assert "".join(unit.text for unit in words.flush()) == pending[len(shown or "") :]


@pytest.mark.parametrize(
    ("pending", "shown"),
    [
        ("Stop!", "Stop!"),  # its last word is over
        ("Stop it, ple", "Stop it,"),
        ("nothing", None),
        ("版本三", "版本"),
        ("", None),
    ],
)
def test_a_sentence_is_given_up_only_at_a_word(pending: str, shown: str | None) -> None:
    splitter = segmenter("sentence")
    assert splitter.decode(pending) == []
    fragment = splitter.fragment()
    assert (fragment.text if fragment else None) == shown
    assert "".join(unit.text for unit in splitter.flush()) == pending[len(shown or "") :]


@pytest.mark.parametrize(
    ("base", "more"),
    [("a", "\u0301"), ("ᄀ", "ᄀ"), ("👩", "\u200d👩"), ("\u0600", "\u0600"), ("क", "्क")],
)
@pytest.mark.parametrize("kind", SPLITTERS)
def test_a_character_without_end_is_cut_rather_than_looked_at_again(
    kind: UnitKind, base: str, more: str
) -> None:
    """What is pending stays short, so that each new piece is taken in at the same cost."""
    splitter, longest, shown, size = segmenter(kind), 0, [], 6_000 // len(more)
    for delta in (base, *[more] * size):
        shown += splitter.decode(delta)
        longest = max(longest, len(getattr(splitter, "_pending")))  # noqa: B009
    shown += splitter.flush()
    assert "".join(unit.text for unit in shown) == base + more * size
    assert longest <= 5_000
    assert [unit.text for unit in shown] == units(kind, [base + more * size])


def test_white_space_does_not_pile_up() -> None:
    """What is pending stays short, so that each new piece is taken in at the same cost."""
    words = Words()
    shown = [unit for _ in range(5_000) for unit in words.decode(" ")]
    assert 5_000 - 32 <= sum(len(unit.text) for unit in shown) <= 5_000


@pytest.mark.parametrize(
    "text", ["\ufeff", "\u200b\u200b", "\u200e", "\u2060 \u00ad", "\x00", " \x1b[0m"]
)
def test_what_shows_nothing_costs_nothing(text: str) -> None:
    for kind in ("word", "grapheme", "sentence", "line"):
        splitter = segmenter(kind)
        given = [*splitter.decode(text), *filter(None, [splitter.fragment()]), *splitter.flush()]
        assert sum(unit.cost for unit in given) == 0.0
    assert Words().cost(f"{text}word") == Words().cost("word")


def test_a_sign_by_itself_takes_a_glance() -> None:
    words = Words()
    assert 0 < words.cost(" —") == words.cost(" ?") < 0.15 * words.cost(" word")
    assert words.cost(" 🎉") == pytest.approx(2 / 3)


def test_a_segmenter_of_ones_own_is_taken_as_it_is() -> None:
    mine: Segmenter = Words()
    assert segmenter(mine) is mine


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("syllable", ValueError, "unit 'syllable' is not known; the units are: word, grapheme"),
        (3, TypeError, "unit must be the name of a unit, a compiled pattern, .*, not 3"),
    ],
)
def test_what_is_no_unit_is_refused(kind: UnitKind, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        segmenter(kind)


@pytest.mark.parametrize("length", [0, -1, 99])
def test_a_function_that_returns_nonsense_is_named(length: int) -> None:
    with pytest.raises(ValueError, match=f"returned {length} for 'abc'; it must return"):
        segmenter(lambda _: length).decode("abc")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no reading speeds are known for language 'xx'"):
        segmenter("word", "xx")
