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


SMALL = [
    # A line before a list, a rule or a heading's underline
    "You need:\n- flour\n- milk",
    "You need:\n- - flour\n- milk",
    "You need:\n-- flour",
    "You need:\n--- flour\n- milk",
    "You need:\n+ flour\n+ milk",
    "You need:\n= flour",
    "You need:\n== flour and milk",
    "You need:\n1. flour\n2. milk",
    "You need:\n1) flour\n2) milk",
    "You need:\n2. flour, which begins no list",
    "> You need:\n> - flour\n> - milk",
    "> You need:\n> = flour",
    "- You need:\n  - flour\n  - milk",
    "- You need:\n  = flour",
    "1. You need:\n   - flour\n   - milk",
    # Tables
    "Now:\n\n| Name | Age |\n|---|---|\n| Ann | 3 |\n\nend",
    "Now:\n| Name | Age |\n|---|---|\n| Ann | 3 |\nend",
    "Name | Age\n--|--\nAnn | 3",
    "| Name | Age |\nis no table",
    "> | Name |\n> |---|\n> | Ann |",
    # References and footnotes
    "A claim[^1] stands.\n\n[^1]: At first",
    "A claim[^1] stands.\n\n[^1]: Source",
    "A claim[^note] and[^2] stands.\n\n[^note]: At\n[^2]: In",
    "See [it][d] now.\n\n[d]: https://a.example/x\n\nend",
    "See [it] now.\n\n[it]: /x 'a title'\n\nend",
    # Closing runs that are none
    "**注意：**请先备份数据。",
    "**注意**：请先备份数据。",
    "他说**“好”**吗。",
    "**주의:**하세요 그리고 갑니다",
    "It is *(see)*below and so on.",
    "It is **(see)**below and so on.",
    "It is *(see)* below and so on.",
    "Use _private_x and _other_ now.",
    "Use __init__x and __init__ now.",
    "Use _a_b_c and _x_y now.",
    # Titles, comments, tags, entities
    "See [it](/a (a title)) now.",
    "See [it](/a 'a (b) title') now.",
    'See [it](/a "a \\" title") now.',
    "See [it](/a (a (b) title)) now.",
    "So <!-- a comment --> it is.",
    "So it is.\n\n<!-- a comment\nof two lines -->\n\nend",
    "So <!-- a - b -- c --> it is.",
    'So <a href="/x" title="a b c">it</a> is.',
    "So <b\nclass='a b'>it</b> is.",
    "So a<b and c>d then.",
    "AT&amp;T and R&D &copy; 2020",
    "&lt;b&gt; &#169; &#x1F600; &nosuch; x",
    "&amp and &; and &#; x",
    # Fences and maths
    "- item:\n  ```py\n  x = 'a'\n  ```\n- next",
    "1. item:\n\n   ```py\n   x = 1\n   ```\n2. next",
    "- item:\n  ~~~\n  `x`\n  ~~~\n- next",
    "So $x^2 + y_1 * z_1$ is it.",
    "It costs $5 now and $6 later.",
    "So:\n\n$$\na_1 * b_1\n$$\n\nend",
    "So $a$b and $ c $ are none.",
]


@pytest.mark.parametrize("text", SMALL)
def test_a_small_text_does_not_flash_at_all(text: str) -> None:
    """Each has one thing that only the next character, word or line decides."""
    for server in (FAST, SLOW):
        for way in CUTS:
            showing = show(cut(text, way), server, MarkdownGuard(Words()))
            assert flashes(showing.prefixes) == []
            assert showing.longest_hold <= 1.0 + 1e-9


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
