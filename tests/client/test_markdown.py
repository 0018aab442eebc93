"""The Markdown guard: what is shown looks the same whatever follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.markdown import MarkdownGuard
from andes_client.segment import Graphemes, Words


def shown(text: str, chunk: int = 3) -> list[str]:
    guard = MarkdownGuard(Words())
    out = []
    for start in range(0, len(text), chunk):
        out += guard.decode(text[start : start + chunk])
    return [unit.text for unit in out + guard.flush()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words here", ["plain", " words", " here"]),
        ("a **bold move** now", ["a", " **bold move**", " now"]),
        ("an *old* trick", ["an", " *old*", " trick"]),
        ("some ~~bad idea~~ gone", ["some", " ~~bad idea~~", " gone"]),
        ("see [the docs](http://a.b/c d) ok", ["see", " [the docs](http://a.b/c d)", " ok"]),
        ("an ![image alt](x.png) too", ["an", " ![image alt](x.png)", " too"]),
        ("just [brackets here] no link", ["just", " [brackets here] no", " link"]),
        ("run `a b` twice", ["run", " `a b`", " twice"]),
        ("run ``a ` b`` twice", ["run", " ``a ` b``", " twice"]),
        ("**[bold link](u v)** end", ["**[bold link](u v)**", " end"]),
        ("2 * 3 * 4", ["2", " * 3", " * 4"]),
        ("snake_case_name is fine", ["snake_case_name", " is", " fine"]),
        ("* item one\n* item two", ["* item", " one", "\n* item", " two"]),
        (r"a \* star", ["a", r" \*", " star"]),
        ("about ~5 km", ["about", " ~5", " km"]),
        ("```py\nx = 1\n```\nend", ["```py\nx", " =", " 1", "\n```\nend"]),
        ("~~~\n**not bold\n~~~\nend", ["~~~\n**not", " bold", "\n~~~\nend"]),
    ],
)
def test_markup_is_shown_whole(text: str, expected: list[str]) -> None:
    assert shown(text) == expected
    assert shown(text, chunk=1) == expected


def test_what_is_never_closed_is_given_up_at_the_end_of_its_paragraph() -> None:
    assert shown("an **unclosed thing\n\nNext one here")[-3:] == [
        " **unclosed thing\n\nNext",
        " one",
        " here",
    ]


def test_what_is_never_closed_is_not_held_for_long() -> None:
    units = shown("**" + "word " * 200)
    assert max(len(unit) for unit in units) <= MarkdownGuard.LONGEST + 24
    assert len(units) > 4


def test_a_fragment_is_not_shown_while_markup_is_open() -> None:
    guard = MarkdownGuard(Words())
    guard.decode("**bo")
    assert guard.fragment() is None
    (unit,) = guard.decode("ld** and")
    assert unit.text == "**bold**"
    fragment = guard.fragment()
    assert fragment is not None
    assert fragment.text == " and"


@given(
    st.lists(st.text(st.sampled_from("ab \n*_~`[]()\\!#\té漢")), max_size=20),
    st.sets(st.integers(0, 20)),
    st.sampled_from([Words, Graphemes]),
)
def test_nothing_is_lost_or_changed(
    chunks: list[str], fragments_after: set[int], inner: type[Words] | type[Graphemes]
) -> None:
    guard, out, plain = MarkdownGuard(inner()), [], inner()
    for index, chunk in enumerate(chunks):
        out += guard.decode(chunk)
        if index in fragments_after and (fragment := guard.fragment()):
            out.append(fragment)
    out += guard.flush()
    assert "".join(unit.text for unit in out) == "".join(chunks)
    if not fragments_after:
        costs = sum(u.cost for c in chunks for u in plain.decode(c))
        costs += sum(u.cost for u in plain.flush())
        assert sum(unit.cost for unit in out) == pytest.approx(costs)
