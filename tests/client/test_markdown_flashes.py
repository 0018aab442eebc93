"""Nothing that the guard shows of a Markdown text is taken back, and nobody waits long for it."""

import unicodedata

import pytest

from andes_client.markdown import MarkdownGuard
from andes_client.segment import Words
from tests.client.flashes import Flash, flashes, read_off
from tests.client.markdown_corpus import TEXTS
from tests.client.showing import CUTS, FAST, SIX_PIECES, SLOW, Server, cut, seen_qoe, show

SERIOUS = {"heading", "list", "table", "link", "code"}


def test_the_corpus_is_as_wide_as_it_says() -> None:
    scripts = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL"}
    scripts |= {"THAI", "CJK", "HIRAGANA", "HANGUL", "GEORGIAN", "ARMENIAN", "ETHIOPIC"}
    text = "".join(TEXTS.values())
    assert scripts <= {unicodedata.name(one).split()[0] for one in text if one.isalpha()}
    assert len(TEXTS) >= 60
    looks = {look for one in TEXTS.values() for _, around in read_off(one) for look in around}
    kinds = {look.strip("<>").split(" ")[0] for look in looks}
    kinds |= {row[0].strip("<>").split(" ")[0] for one in TEXTS.values() for row in read_off(one)}
    assert {"h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "th", "td", "hr"} <= kinds
    assert {"a", "em", "strong", "s", "code", "image", "math"} <= kinds


@pytest.mark.parametrize(("server", "most"), [(FAST, 3), (SLOW, 6)], ids=["fast", "slow"])
def test_the_corpus_hardly_flashes(server: Server, most: int) -> None:
    """Over all texts, each cut in three ways; never in what matters."""
    found = list[tuple[str, str, Flash]]()
    for name, text in TEXTS.items():
        for way in CUTS:
            showing = show(cut(text, way), server, MarkdownGuard(Words()))
            found += [(name, way, flash) for flash in flashes(showing.prefixes)]
    assert len(found) <= most, found
    assert not [one for one in found if one[2].where & SERIOUS]


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("server", [FAST, SIX_PIECES, SLOW], ids=["fast", "six pieces", "slow"])
def test_the_guard_costs_hardly_any_qoe_and_no_long_hold(server: Server, way: str) -> None:
    for name, text in TEXTS.items():
        guarded = show(cut(text, way), server, MarkdownGuard(Words()))
        plain = show(cut(text, way), server, Words())
        assert guarded.longest_hold <= 1.0 + 1e-9, name
        assert seen_qoe(guarded, server) >= 0.98 * seen_qoe(plain, server), name


@pytest.mark.parametrize("name", TEXTS)
def test_units_are_the_same_however_the_text_was_cut(name: str) -> None:
    def units(pieces: list[str]) -> list[tuple[str, float]]:
        guard = MarkdownGuard(Words())
        out = [unit for piece in pieces for unit in guard.decode(piece)] + guard.flush()
        return [(unit.text, round(unit.cost, 9)) for unit in out]

    text = TEXTS[name]
    whole = units([text])
    assert "".join(unit for unit, _ in whole) == text
    for way in CUTS:
        assert units(cut(text, way)) == whole


@pytest.mark.parametrize(
    ("prefixes", "count"),
    [
        (["You need:", "You need:\n-", "You need:\n- flour"], 2),  # a heading for a moment
        (["You need:", "You need:\n- flour"], 0),
        (["a **bo", "a **bold**"], 1),
        (["a", "a **bold**"], 0),
        (["| a | b |\n", "| a | b |\n|---|---|\n"], 1),
        (["<https://a.b", "<https://a.bc>"], 1),
        (["https://a.bc/d", "https://a.bc/de"], 1),
        (["- a", "- a\n\n  b"], 0),  # the list gets looser: no more than space
        (["a [b] c", "a [b] c\n\n[b]: /x\n"], 0),  # a definition that comes below
        (["a [^1] c", "a [^1] c\n\n[^1]: At", "a [^1] c\n\n[^1]: At the"], 2),  # for one word
        (["`a", "`a b`"], 1),
        (["10", "10. a"], 1),
    ],
)
def test_what_a_flash_is(prefixes: list[str], count: int) -> None:
    assert len(flashes(prefixes)) == count
