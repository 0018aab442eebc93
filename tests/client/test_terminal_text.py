"""Nothing that others wrote acts on a terminal, or rides along in what is copied."""

import unicodedata

import pytest

from andes_client.terminal_text import displayable, line, plain

EVERYTHING = "".join(map(chr, range(0x110000)))
EMBEDDINGS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"\N{ARABIC LETTER MARK}", "\N{LEFT-TO-RIGHT MARK}", "\N{RIGHT-TO-LEFT MARK}"}


ACTING = MARKS | {
    character
    for character in EVERYTHING
    if unicodedata.category(character) in ("Cc", "Cs")
    or unicodedata.bidirectional(character) in EMBEDDINGS
}
"""By Unicode's own tables: controls, halves of characters, and bidirectional controls."""


def test_nothing_that_acts_is_displayed_but_tab_and_line_end() -> None:
    assert ACTING & set(displayable(EVERYTHING)) == {"\t", "\n", "\r"}
    assert not ACTING & set(line(EVERYTHING))
    assert "\n" not in line("a\nb\u2028c")


def test_nothing_that_acts_is_handed_on_but_tab_and_line_end() -> None:
    assert ACTING & set(plain(EVERYTHING)) == {"\t", "\n"}


def test_all_else_is_as_it_was() -> None:
    rest = "".join(c for c in EVERYTHING if c not in ACTING and c not in "\u2028\u2029")
    assert displayable(rest) == rest
    assert plain(rest + "\u2028") == rest + "\u2028"


@pytest.mark.parametrize(
    ("text", "shown", "handed_on"),
    [
        ("\x1b[2Jgone", "␛[2Jgone", "[2Jgone"),
        ("\x9b31mred", "\ufffd31mred", "31mred"),
        ("a\x07\x00\x7fb", "a␇␀\ufffdb", "ab"),
        ("\u202eevil\u2066 \u200fx", "evil x", "evil x"),
        ("a\ud83db", "a\ufffdb", "a\ufffdb"),
        ("tab\there\r\nnext\rlast", "tab\there\r\nnext\rlast", "tab\there\nnext\nlast"),
        ("漢字 👩🏽‍🚀 ไทย e\u0301", "漢字 👩🏽‍🚀 ไทย e\u0301", "漢字 👩🏽‍🚀 ไทย e\u0301"),
    ],
)
def test_what_acted_is_seen_and_not_handed_on(text: str, shown: str, handed_on: str) -> None:
    assert displayable(text) == shown
    assert "".join(map(displayable, text)) == shown  # piece by piece
    assert plain(text) == handed_on


def test_a_message_is_one_line() -> None:
    assert line(" two\n\x1b]0;title\x07  lines ") == "two ␛]0;title␇ lines"
