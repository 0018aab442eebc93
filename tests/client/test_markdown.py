"""The Markdown guard: what is shown looks the same whatever follows, and costs what is seen."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.buffer import Buffer
from andes_client.expectation import Expectation, reading
from andes_client.markdown import MarkdownGuard
from andes_client.playout import Playout
from andes_client.segment import Graphemes, Tokens, Unit, Words
from tests.client.showing import SIX_PIECES, cut, show


def units(text: str, chunk: int = 3) -> list[Unit]:
    guard = MarkdownGuard(Words())
    out = []
    for start in range(0, len(text), chunk):
        out += guard.decode(text[start : start + chunk])
    return out + guard.flush()


def shown(text: str, chunk: int = 3) -> list[str]:
    return [unit.text for unit in units(text, chunk)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words here", ["plain", " words", " here"]),
        ("a **bold move** now", ["a", " **bold move**", " now"]),
        ("an *old* trick", ["an", " *old*", " trick"]),
        ("some ~~bad idea~~ gone", ["some", " ~~bad idea~~", " gone"]),
        ("see [the docs](http://a.b/c) ok", ["see", " [the docs](http://a.b/c)", " ok"]),
        ("an ![image alt](x.png) too", ["an", " ![image alt](x.png)", " too"]),
        ("run `a b` twice", ["run", " `a b`", " twice"]),
        ("run ``a ` b`` twice", ["run", " ``a ` b``", " twice"]),
        ("**[bold link](u 'v')** end", ["**[bold link](u 'v')**", " end"]),
        ("***both a b*** end", ["***both a b***", " end"]),
        ("*one **two three** four* end", ["*one **two three** four*", " end"]),
        ("snake_case_name is fine", ["snake_case_name", " is", " fine"]),
        (r"a \* star", ["a", r" \*", " star"]),
        ("about ~5 km", ["about", " ~5", " km"]),
        ("one\\\ntwo words", ["one\\\ntwo", " words"]),
        ("AT&amp;T and R&D", ["AT&amp;T", " and", " R&D"]),
    ],
)
def test_markup_is_shown_whole(text: str, expected: list[str]) -> None:
    assert shown(text) == expected
    assert shown(text, chunk=1) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You need:\n- flour", ["You", " need:", "\n- flour"]),
        ("You need:\n+ flour", ["You", " need:", "\n+ flour"]),
        ("You need:\n= flour", ["You", " need:", "\n= flour"]),
        ("You need:\n1. flour", ["You", " need:", "\n1. flour"]),
        ("You need:\n- - flour", ["You", " need:", "\n- - flour"]),
        ("> You need:\n> - flour", ["> You", " need:", "\n> - flour"]),
        ("- You need:\n  - flour", ["- You", " need:", "\n  - flour"]),
        ("He left.\n-- Why? she", ["He", " left.", "\n-- Why?", " she"]),
        ("A title\n=====\nText", ["A title\n=====", "\nText"]),
        ("A title\n---\nText", ["A title\n---", "\nText"]),
        ("> A title\n> ---\n> Text", ["> A title\n> ---", "\n> Text"]),
        ("A title\nof two lines\n---\nText", ["A title\nof two lines\n---", "\nText"]),
        ("# Title here\n\ntext", ["# Title", " here", "\n\ntext"]),
        ("# What is C# #\n\ntext", ["# What", " is", " C#", " #\n\ntext"]),
        ("#tag no title", ["#tag", " no", " title"]),
        ("* item one\n* item two", ["* item", " one", "\n* item", " two"]),
        ("- [ ] buy milk\n- [x] rest", ["- [ ] buy", " milk", "\n- [x] rest"]),
        ("a\n\n---\n\nb c", ["a", "\n\n---\n\nb", " c"]),
        ("a\n\n* * *\n\nb c", ["a", "\n\n* * *\n\nb", " c"]),
    ],
)
def test_a_line_is_shown_when_it_is_clear_what_it_is(text: str, expected: list[str]) -> None:
    assert shown(text) == expected
    assert shown(text, chunk=1) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```py\nx = 1\n```\nend", ["```py\nx", " =", " 1", "\n```\nend"]),
        ("~~~\n**not bold\n~~~\nend", ["~~~\n**not", " bold", "\n~~~\nend"]),
        ("````\n```\na b\n````\nend", ["````\n```", "\na", " b", "\n````\nend"]),
        (
            "- a\n  ```py\n  x = 1\n  ```\n- b",
            ["- a", "\n  ```py\n  x", " =", " 1", "\n  ```\n- b"],
        ),
        ("> ```\n> a *b\n> ```\nend", ["> ```\n> a", " *b", "\n> ```\nend"]),
        ("```a b``` is code", ["```a b```", " is", " code"]),
        ("    indented *code", ["    indented", " *code"]),
        (
            "| A B | C |\n|---|---|\n| d | e |\nf",
            ["| A B | C |\n|---|---|", "\n| d", " | e", " |\nf"],
        ),
        ("A | C\n--|--\nd | e", ["A | C\n--|--", "\nd", " | e"]),
        ("> | A |\n> |---|\n> | d |", ["> | A |\n> |---|", "\n> | d", " |"]),
        ("| a b\nis no table", ["| a", " b", "\nis", " no", " table"]),
    ],
)
def test_code_and_tables(text: str, expected: list[str]) -> None:
    assert shown(text) == expected
    assert shown(text, chunk=1) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at <https://a.example/b/c/d/e/f> ok", ["at", " <https://a.example/b/c/d/e/f>", " ok"]),
        ("at https://a.example/b/c/d/e/f. ok", ["at", " https://a.example/b/c/d/e/f.", " ok"]),
        ("at www.a.example/b/c/d/e/f/g/h ok", ["at", " www.a.example/b/c/d/e/f/g/h", " ok"]),
        ("to somebody@mail.example.org ok", ["to", " somebody@mail.example.org", " ok"]),
        ("**https://a.example/b/c/d/e/f** ok", ["**https://a.example/b/c/d/e/f**", " ok"]),
        ("see [a b][c d] ok", ["see", " [a b][c d]", " ok"]),
        ("[a b]: /u\n\nsee [a b] ok", ["[a b]: /u", "\n\nsee", " [a b]", " ok"]),
        ("so[^1] is\n\n[^1]: At first", ["so[^1]", " is", "\n\n[^1]: At first"]),
        ("so[^1] is\n\n[^1]: Source", ["so[^1]", " is", "\n\n[^1]: Source"]),
        ("see [it](/a (a b)) ok", ["see", " [it](/a (a b))", " ok"]),
        ("see [this (old)](/a_(b)) ok", ["see", " [this (old)](/a_(b))", " ok"]),
        ('see [it](</a b> "c d") ok', ["see", ' [it](</a b> "c d")', " ok"]),
        ("a <!-- long comment --> b", ["a", " <!-- long comment -->", " b"]),
        ('a <a href="/x" id="y z">b c</a>', ["a", ' <a href="/x" id="y z">b', " c</a>"]),
        ("if a<b and c>d then", ["if", " a<b and c>d", " then"]),
        ("so $a_1 * b$ is", ["so", " $a_1 * b$", " is"]),
        ("so \\(a * b\\) is", ["so", " \\(a * b\\)", " is"]),
        ("$$\na * b\n$$\nok", ["$$\na * b\n$$", "\nok"]),
    ],
)
def test_addresses_tags_and_maths_are_shown_whole(text: str, expected: list[str]) -> None:
    assert shown(text) == expected
    assert shown(text, chunk=1) == expected


NONE = [
    "The interval [0, 1) is half open",
    "The interval (0, 1] is half open",
    "A set such as [a, b) or {x [y} too",
    "Open it: [ and say nothing more of it",
    "C's *p is a pointer to it",
    "Both **q and *p point to it",
    "Pass *args and **kwargs on to it",
    "Then f(*args, **kwargs) is called by it",
    "List all *.py files and *.txt ones",
    "Look at 2 * 3 * 4 and 5*6 once more",
    "A lone ` is a tick and no more",
    "The words don`t and can`t are misspelt",
    "The name _x is private to it",
    "The names _private_x and _y_z are, too",
    "The values x_1 and y_2 are not",
    "It costs $5 now and $6 later on",
    "Set $PATH and $HOME before you start",
    "It is 3 < 4 and a <- b in R",
    "See R&D or AT&T for more of it",
]


@pytest.mark.parametrize("text", NONE)
def test_what_cannot_be_markup_is_not_held(text: str) -> None:
    """Its words come out one by one, each by the time that the next but one has come."""
    plain = Words()
    words = [unit.text for unit in [*plain.decode(text), *plain.flush()]]
    guard, out = MarkdownGuard(Words()), list[str]()
    out += [unit.text for unit in [*guard.decode("Well, so. "), *guard.overdue(0.0)]]
    for number, word in enumerate(words):
        out += [unit.text for unit in guard.decode(word)]
        assert len(out) >= number, f"{out} at {word}"
    out += [unit.text for unit in guard.flush()]
    assert [one.strip() for one in out] == ["Well,", "so.", *(word.strip() for word in words)]


HELD = [
    "a long *emphasis that is never closed goes on and on",
    "an address [that is never given and so is no link at all",
    "a piece of `code that nobody ends goes on for a while",
    "an _underscored word that nobody ends goes on for a while",
    "a sum $x + y that is never closed goes on for a while",
]


@pytest.mark.parametrize("text", [*NONE, *HELD])
@pytest.mark.parametrize("way", ["characters", "tokens"])
def test_a_literal_mark_is_held_for_a_second_at_most_and_costs_no_qoe(text: str, way: str) -> None:
    before = "This is a sentence in front of it, so that its reader is on the way. "
    after = ", and the text goes on behind it for a while. Nothing more happens in it. " * 8
    pieces = cut(before + text + after, way)
    guarded = show(pieces, SIX_PIECES, MarkdownGuard(Words()))
    assert guarded.longest_hold <= 1.0 + 1e-9
    assert guarded.qoe >= 0.98 * show(pieces, SIX_PIECES, Words()).qoe


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("[the docs](https://example.org/" + "a" * 237 + ")", "the docs"),
        ("[the docs][some label]\n\n[some label]: /x", "[the docs][some label]"),
        ("[a]: /x\n\n[the docs][a]", "the docs"),
        ("![the alt](data:image/png;base64," + "A" * 11_000 + ")", "the alt"),
        ("[![the alt](/a.svg)](/b)", "the alt"),
        ("**bold words**", "bold words"),
        ("***both words***", "both words"),
        ("~~gone words~~", "gone words"),
        ("`code words`", "code words"),
        ("# Title words", "Title words"),
        ("Title words\n===========", "Title words"),
        ("- an item\n- another", "an item another"),
        ("1. an item\n2. another", "an item another"),
        ("> a quote\n> goes on", "a quote goes on"),
        ("```python title='x'\nsome code\n```", "some code"),
        ("| a b | c |\n|:--|--:|\n| d | e |", "a b c d e"),
        ("words\n\n---\n\nwords", "words words"),
        ("- [ ] an item", "an item"),
    ],
)
def test_what_is_not_seen_costs_nothing(text: str, like: str) -> None:
    plain = Words()
    expected = sum(unit.cost for unit in [*plain.decode(like), *plain.flush()])
    for chunk in (1, 4, 1000):
        assert sum(unit.cost for unit in units(text, chunk)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/" + "a" * 500,
        "<https://example.org/" + "a" * 500 + ">",
        "www.example.org/" + "a" * 500,
        "me@" + "a" * 500 + ".example.org",
    ],
)
def test_an_address_costs_a_few_words_and_is_shown_whole(text: str) -> None:
    (unit,) = units(text, 7)
    assert unit.text == text
    assert unit.cost <= 4 * Words().cost(" word")


def test_what_is_never_closed_is_text_at_the_end_of_its_paragraph() -> None:
    text = "an **unclosed thing\n\nNext one here"
    assert shown(text) == ["an", " **unclosed", " thing", "\n\nNext", " one", " here"]
    guard = MarkdownGuard(Words())
    assert not guard.decode("say **unclosed thing ")[1:]
    assert [unit.text for unit in guard.decode("is\n\nN")][-3:] == [" **unclosed", " thing", " is"]


def test_what_is_never_closed_does_not_become_one_piece() -> None:
    out = units("**" + "word " * 400)
    assert max(len(unit.text) for unit in out) <= 10


def test_a_fragment_is_not_shown_while_markup_is_open() -> None:
    guard = MarkdownGuard(Words())
    guard.decode("A, **bo")
    guard.overdue(0.0)
    assert guard.fragment() is None
    (unit,) = guard.decode("ld** and")
    assert unit.text == " **bold**"
    fragment = guard.fragment()
    assert fragment is not None
    assert fragment.text == " and"


@pytest.mark.parametrize(
    ("text", "given_up"),
    [
        ("So, **bold and more", " **bold and"),
        ("So, [the docs](http://a.b/c", " [the"),
        ("So, [docs](http://a.b/c", " [docs"),
        ("So, `code and more", " `code and"),
        ("So, $x + y and more", " $x + y and"),
        ("So, **see [the docs](http://a", " **see"),
        ("So,\n\n| a | b | c", "\n\n| a | b |"),
    ],
)
def test_a_hold_that_is_too_long_ends_at_a_sensible_place(text: str, given_up: str) -> None:
    guard = MarkdownGuard(Words())
    assert [unit.text for unit in [*guard.decode(text), *guard.overdue(0.0)]] == ["So,"]
    assert guard.overdue(0.9) == []
    assert "".join(unit.text for unit in guard.overdue(1.0)) == given_up


@pytest.mark.parametrize("text", ["So,\n-", "So, **", "So,\n\n> ", "So,\n\n``"])
def test_marks_alone_are_not_given_up(text: str) -> None:
    guard = MarkdownGuard(Words())
    guard.decode(text)
    guard.overdue(0.0)
    assert guard.overdue(60.0) == []


def test_an_answer_goes_on_after_a_flush() -> None:
    guard = MarkdownGuard(Words())
    out = [*guard.decode("a **b"), *guard.flush(), *guard.decode(" c** d\n- e"), *guard.flush()]
    assert "".join(unit.text for unit in out) == "a **b c** d\n- e"


def test_text_that_is_held_counts_as_the_readers_slack() -> None:
    buffer = Buffer(reading(), MarkdownGuard(Words()), Playout(reading()))
    buffer.start(0.0)
    buffer.receive("A title of a few words", 0.0)
    assert buffer.statistics(0.0).buffered_seconds > 1.0
    assert buffer.poll(0.0) == "A"


def test_a_pause_is_no_hold() -> None:
    buffer = Buffer(reading(), MarkdownGuard(Words()), Playout(reading()))
    buffer.start(0.0)
    buffer.receive("So, **bold", 0.0)
    assert buffer.poll(0.0) == "So,"
    buffer.pause(0.3)
    buffer.resume(60.0)
    assert isinstance(buffer.poll(60.0), float)
    buffer.receive(" words** here", 60.1)
    assert buffer.poll(60.1) == " **bold words**"


def test_a_program_gets_markup_whole_too() -> None:
    program = Expectation.program()
    buffer = Buffer(program, MarkdownGuard(Tokens()), Playout(program))
    buffer.start(0.0)
    out = list[str]()
    for moment, piece in enumerate(["So ", "**bo", "ld** ", "it", " is"]):
        buffer.receive(piece, moment / 100)
        while isinstance(step := buffer.poll(moment / 100), str):
            out.append(step)
    assert out == ["So ", "**bold** ", "it", " is"]


def test_hostile_text_takes_no_long_time() -> None:
    """Each of these once cost the square of its length."""
    for text in (
        "[" * 5000,
        "**a " * 2000,
        "`a ``b " * 1500,
        "<a b" * 2000,
        "$a " * 2500,
        "![" * 2500,
        "> " + "\n" * 20_000,
        "- " + " " * 20_000,
        "| a |\n|---|\n| " + "\r\n" * 10_000,
        "# " + "\t" * 20_000,
        "*" + "a" * 20_000,
        "see http://a(" + "b " * 10_000,
    ):
        guard, size = MarkdownGuard(Words()), 0
        for start in range(0, len(text), 4):
            size += sum(len(unit.text) for unit in guard.decode(text[start : start + 4]))
        assert size + sum(len(unit.text) for unit in guard.flush()) == len(text)


LONG = [
    "**" + "a " * 495 + "end** " + "b " * 300,  # pairs, and the like, at the limit
    "**" + "a " * 800 + "end**",
    "`" + "a " * 495 + "b c` d",
    "`" + "a " * 800 + "` d",
    "$a + " + "b + " * 240 + "c$ d",
    "$a + " + "b + " * 400 + "c$ d",
    "\\(" + "a + " * 400 + "b\\) d",
    "$$" + "a + " * 400 + "b$$ d",
    "[" + "a " * 800 + "b](/c) d",
    "[a](/b '" + "c " * 800 + "d') e",
    "[a](" + "b" * 1500 + ") c",
    "[a](" + "b" * 1500 + " 'c') d",
    "[a][" + "b " * 800 + "c] d",
    "<a b='" + "c " * 800 + "d'> e",
    "<!-- " + "a " * 800 + "--> b",
    "see a.b" + "c" * 1500 + " d",
    "see https://a.b(" + "c " * 800 + ") d",
    "*" + "a" * 200 + "* b",
    "_" + "a" * 63 + "_b_ c",
    "-" * 500 + "\nend",
    "a\n" + "=" * 500 + "\nend",
    "a | b\n" + "-" * 450 + "|---\nc | d",
    "[a]: /" + "b" * 500 + "\n\n[a] c",
    " " * 500 + "a *b* c",
    "a\n" + " " * 500 + "\nb *c*",
    "#" * 500 + " a",
    "> " * 250 + "a *b* c",
    "- " * 250 + "a *b* c",
    "1. " * 150 + "a *b* c",
    "```\n" + "`" * 500 + "\na *b*",
    "> " + "\n" * 1500 + "a *b*",
    "**a** " * 300,
    "[a](b)" * 300,
    "a  *b c* d. e *f* U.S. *g h* i",
]


@pytest.mark.parametrize(("inner", "size"), [(Words, 2), (Graphemes, 7)])
def test_units_of_long_constructs_never_depend_on_how_the_text_was_cut(
    inner: type[Words] | type[Graphemes], size: int
) -> None:
    for text in LONG:
        found = []
        for pieces in ([text], [text[at : at + size] for at in range(0, len(text), size)]):
            guard = MarkdownGuard(inner())
            made = [unit for piece in pieces for unit in guard.decode(piece)] + guard.flush()
            found.append([(unit.text, round(unit.cost, 6)) for unit in made])
        assert found[0] == found[1], text[:40]
        assert "".join(one for one, _ in found[0]) == text


PIECES = st.sampled_from(
    [
        "a",
        "b c",
        " ",
        "\n",
        "\n\n",
        "*",
        "**",
        "_",
        "`",
        "```",
        "~~",
        "[",
        "]",
        "(",
        ")",
        "](x)",
        "- ",
        "1. ",
        "# ",
        "> ",
        "|",
        "|---|",
        "---",
        "===",
        "$",
        "\\",
        "&amp;",
        "<",
        "<b>",
        "!",
        "é",
        "漢字",
        "。",
        "https://a.bc",
        "[a]: /x",
        "    ",
        "\t",
        ". Aa",
        "<!--",
        "-->",
        "@",
        "- [ ] ",
        "$5",
        "$1a",
        "a.bc/d",
        "me@",
        "U.S. ",
    ]
)


@given(st.lists(PIECES, max_size=20), st.sampled_from([Words, Graphemes]))
def test_units_never_depend_on_how_the_text_was_cut(
    pieces: list[str], inner: type[Words] | type[Graphemes]
) -> None:
    def out(cuts: Sequence[str]) -> list[tuple[str, float]]:
        guard = MarkdownGuard(inner())
        found = [unit for piece in cuts for unit in guard.decode(piece)] + guard.flush()
        return [(unit.text, round(unit.cost, 9)) for unit in found]

    text = "".join(pieces)
    assert out(pieces) == out([text]) == out(list(text))


@given(
    st.lists(st.text(st.sampled_from("ab \n*_~`[]()\\!#\té漢|$<>-1.")), max_size=20),
    st.dictionaries(st.integers(0, 20), st.sampled_from([0.0, 0.25, 1.0])),
    st.sampled_from([Words, Graphemes]),
)
def test_nothing_is_lost_or_changed(
    chunks: list[str], waits: dict[int, float], inner: type[Words] | type[Graphemes]
) -> None:
    guard, out, plain = MarkdownGuard(inner()), list[Unit](), inner()
    for index, chunk in enumerate(chunks):
        out += guard.decode(chunk)
        if index in waits:
            out += guard.overdue(waits[index])
    out += guard.flush()
    assert "".join(unit.text for unit in out) == "".join(chunks)
    costs = sum(u.cost for c in chunks for u in plain.decode(c))
    costs += sum(u.cost for u in plain.flush())
    if not waits:
        assert sum(unit.cost for unit in out) <= costs + 1e-6
