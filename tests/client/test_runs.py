"""What has no white space in it: addresses, escape sequences of a terminal, base64."""

import pytest

from andes_client import Expectation
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.segment import Unit, UnitKind, Words, segmenter
from andes_client.testing import run_virtual, trace

ADDRESS = "https://example.com/a/rather/long/path/to/something?with=a&query=too#and-more"
BOLD, PLAIN = "\x1b[1;31m", "\x1b[0m"
LINK, END_OF_LINK = f"\x1b]8;;{ADDRESS}\x1b\\", "\x1b]8;;\x1b\\"


def given(text: str, kind: UnitKind = "word", *, one_by_one: bool = False) -> list[Unit]:
    splitter = segmenter(kind)
    units = [
        unit for delta in (list(text) if one_by_one else [text]) for unit in splitter.decode(delta)
    ]
    return units + splitter.flush()


def texts(units: list[Unit]) -> list[str]:
    return [unit.text for unit in units]


def cost(units: list[Unit]) -> float:
    return sum(unit.cost for unit in units)


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        f"<{ADDRESS}>",
        f"({ADDRESS}),",
        f"[text]({ADDRESS})",
        f"url={ADDRESS};",
        ADDRESS + "/x" * 600,
        "ftp://example.com/pub/a/b/c/d/e/f/g/h.tar.gz",
        "www.example.com/a/b/c/d/e/f/g/h/i/j/k",
        "mailto:somebody.with.a.long.name@example.com",
        "somebody.with.a.name@mail.department.example.com",
        "example.com/a/b/c/d/e/f/g/h/i/j/k/l/m/n",
        f"“{ADDRESS}”",
    ],
)
def test_an_address_is_shown_whole_and_costs_a_few_words(address: str) -> None:
    for text in (f"see {address} now", f"é {address} now"):
        units = given(text)
        assert texts(units)[1:] == [f" {address}", " now"]
        assert units == given(text, one_by_one=True)
        assert cost(units[1:-1]) <= 3 * TOKENS_PER_WORD + 0.01


@pytest.mark.parametrize(
    "run",
    ["QUJD" * 3_000, "data:image/png;base64," + "iVBOR" * 2_000, "{" + '"key":1,' * 900, "=" * 999],
)
def test_a_run_that_is_no_address_is_cut_and_costs_a_few_words(run: str) -> None:
    units = given(f"a {run} b")
    assert "".join(texts(units)) == f"a {run} b"
    assert max(map(len, texts(units))) <= 25
    assert cost(units[1:-1]) <= 3 * TOKENS_PER_WORD + 1e-9
    assert [unit.continues for unit in units] == [False, False, *[True] * (len(units) - 3), False]
    assert units == given(f"a {run} b", one_by_one=True)


def test_the_rest_of_a_run_does_not_keep_its_reader_waiting() -> None:
    """Eleven kilobytes took minutes."""
    recorded = run_virtual(
        trace, [(0.0, "An image: " + "QUJD" * 2_800 + " end")], Expectation(1, 4)
    )
    first = next(entry.at for entry in recorded if "QUJD" in entry.text and entry.kind == "release")
    assert recorded.releases[-2] == first
    assert recorded.releases[-1] == pytest.approx(first + 1.0)


@pytest.mark.parametrize("word", ["Donaudampfschifffahrt", "e.g.", "and/or", "either/or/neither"])
def test_a_word_costs_what_its_letters_cost(word: str) -> None:
    letters = sum(map(str.isalnum, word))
    assert Words("de").cost(word) == pytest.approx(2 / 3 * (1 + letters / (920 / 179)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a {BOLD}bold word{PLAIN} b", ["a", f" {BOLD}bold", f" word{PLAIN}", " b"]),
        (f"a {LINK}the link{END_OF_LINK} b", ["a", f" {LINK}the", f" link{END_OF_LINK}", " b"]),
        (f"a {LINK}{ADDRESS}{END_OF_LINK} b", ["a", f" {LINK}{ADDRESS}{END_OF_LINK}", " b"]),
        ("\x1b]0;two words\x07One two", ["\x1b]0;two words\x07One", " two"]),
        ("\x1b]0;title\x9cOne", ["\x1b]0;title\x9cOne"]),
        ("\x9b1mOne\x9b0m two", ["\x9b1mOne\x9b0m", " two"]),
        ("\x1b(B\x1b7One\x1b8 two", ["\x1b(B\x1b7One\x1b8", " two"]),
        ("\x1bPq a b c\x1b\\One", ["\x1bPq a b c\x1b\\One"]),
        (f"{BOLD}漢字{PLAIN}。", [BOLD, "漢", "字", f"{PLAIN}。"]),
        ("a\x1bé b", ["a\x1bé", " b"]),
    ],
)
def test_an_escape_sequence_is_whole_and_costs_nothing(text: str, expected: list[str]) -> None:
    units = given(text)
    assert texts(units) == expected
    assert units == given(text, one_by_one=True)
    seen = text
    for sequence in (BOLD, PLAIN, LINK, END_OF_LINK):
        seen = seen.replace(sequence, "")
    if "\x1b" not in seen:
        assert cost(units) == pytest.approx(cost(given(seen)), abs=0.2)


@pytest.mark.parametrize("kind", ["grapheme", "sentence", "line"])
def test_no_unit_ends_inside_an_escape_sequence(kind: UnitKind) -> None:
    sequence = "\x1b]8;;https://example.com/What. A? link! 3\x1b\\"
    text = f"One. {sequence}Two three.{END_OF_LINK} Four\n{BOLD}Five.{PLAIN}\n"
    for units in (given(text, kind), given(text, kind, one_by_one=True)):
        assert "".join(texts(units)) == text
        for whole in (sequence, END_OF_LINK, BOLD, PLAIN):
            assert any(whole in unit for unit in texts(units))
    assert cost(given(sequence + "a", kind)) == cost(given("a", kind))


def test_a_sentence_ends_behind_what_switches_its_colour_off() -> None:
    assert texts(given(f"{BOLD}Stop.{PLAIN} Go on.", "sentence")) == [
        f"{BOLD}Stop.{PLAIN}",
        " Go on.",
    ]


@pytest.mark.parametrize(
    ("pending", "shown"),
    [
        (f"Wor{BOLD[:3]}", "Wor"),
        (f"Wor{LINK[:20]}", "Wor"),
        ("Wor\x1b", "Wor"),
        (BOLD[:4], None),
        (f"{BOLD}Wo", f"{BOLD}W"),
    ],
)
def test_half_an_escape_sequence_is_not_given_up(pending: str, shown: str | None) -> None:
    words = Words()
    assert words.decode(pending) == []
    fragment = words.fragment()
    assert (fragment.text if fragment else None) == shown


def test_an_address_that_comes_slowly_is_waited_for_a_while() -> None:
    words = Words()
    words.decode(f" {ADDRESS}")
    assert [words.fragment() for _ in range(3)] == [None] * 3
    assert (fragment := words.fragment()) is not None
    assert fragment.text == f" {ADDRESS}"


def test_a_sequence_without_end_does_not_hold_the_text_for_ever() -> None:
    words = Words()
    shown = [unit for delta in ["\x1b]", *["word "] * 2_000] for unit in words.decode(delta)]
    assert len(shown) > 1_000
    assert texts(given("\x1b]0;no end\nOne two"))[-1] == " two"
