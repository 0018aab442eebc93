"""What is said of Markdown; what is shown is what came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.voice.markup import Markup

SAID = {
    "Plain words.": "Plain words.",
    "**Bold**, *slanted*, __bold__, _slanted_, ~~gone~~.": "Bold, slanted, bold, slanted, gone.",
    "2 * 3 is 6, and snake_case stays": "2 * 3 is 6, and snake_case stays",
    "这是**重点**内容。": "这是重点内容。",
    "# A title\n## Another": "A title. Another",
    'See [the *old* mill](http://mill.example/a_b_c "A mill").': "See the old mill.",
    "See [the mill][1] and ![a wheel](wheel.png).": "See the mill and a wheel.",
    "[![a badge](b.png)](http://x.example)": "a badge",
    "Look at https://mill.example/a_b_c*.": "Look at https://mill.example/a_b_c.",
    "Write to <me@mill.example>, or <https://mill.example>.": (
        "Write to me@mill.example, or https://mill.example."
    ),
    "Call `run(*args)` and ``a ` b``.": "Call run(*args) and a ` b.",
    "- one\n- [ ] two\n* three!\n+ four": "one. two. three! four",
    "1. first\n2. second\n": "1. first. 2. second.",
    "> quoted\n> twice": "quoted twice",
    "| a | b |\n|---|:-:|\n| c | d |\n": "a, b. c, d.",
    "a | b\n--- | ---\nc | d": "a, b c, d",
    "It rose.[1] It fell [2, 3] twice.[^note]": "It rose. It fell [2, 3] twice.",
    "Before\n\n---\n\nafter": "Before after",
    "One<br>two <b>three</b> a < b <!-- no -->": "One two three a < b",
    "Fish &amp; chips&nbsp;!": "Fish & chips !",
    r"Not \*bold\*": "Not *bold*",
    "Well done 🎉👍🏽 and 👩‍👩‍👧!": "Well done and !",
    "\x1b[1mbold\x1b[0m words\ufeff": "bold words",
    "data:image/png;base64," + "QUJD" * 50 + " is a picture": "is a picture",
    "``` python\nx = 1\n```\nThat was code.": "That was code.",
    "[mill]: http://mill.example": "",
    "***": "",
    "\n\n": "",
    "🎉": "",
}


@pytest.mark.parametrize("text", SAID, ids=ascii)
def test_marks_are_not_said(text: str) -> None:
    chunk = Markup().chunk(text)
    assert chunk.spoken == SAID[text]
    assert chunk.text == text


def test_each_word_knows_its_part() -> None:
    chunk = Markup().chunk("\n- Go to the **[old mill](http://mill.example/a)** &amp; rest")
    assert [(word.text, chunk.spoken[word.begin : word.end]) for word in chunk.words] == [
        ("\n-", ""),
        (" Go", "Go"),
        (" to", " to"),
        (" the", " the"),
        (" **[old", " old"),
        (" mill](http://mill.example/a)**", " mill"),
        (" &amp;", " &"),
        (" rest", " rest"),
    ]


def test_code_goes_on_in_the_next_piece() -> None:
    markup = Markup()
    pieces = ["So:\n\n~~~", "python\nfor x in y:\n", "    print(x)\n~~", "\n~~~", "\nDone."]
    assert [markup.chunk(piece).spoken for piece in pieces] == ["So:", "", "", "", "Done."]


def test_a_fence_that_was_begun_longer_ends_longer() -> None:
    markup = Markup()
    assert markup.chunk("````\n```\nx\n```\n").spoken == ""
    assert markup.fence == "````"
    assert markup.chunk("````\nwords").spoken == "words"
    assert markup.fence == ""


def test_without_markdown_marks_are_said() -> None:
    markup = Markup(markdown=False)
    assert markup.chunk("# **2** [a](b)\n```\nx").spoken == "# **2** [a](b) ``` x"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="xx"):
        Markup("xx")


MARKED = st.text(st.sampled_from("ab 1.\n*_`#>-|[]()!<&;~\\é漢ก🎉\x1b\ud83d\r\u2028"), max_size=60)


@given(
    pieces=st.lists(MARKED.filter(bool), max_size=6), language=st.sampled_from(["en", "zh", "th"])
)
def test_nothing_is_lost_and_every_part_is_where_it_is_said_to_be(
    pieces: list[str], language: str
) -> None:
    markup = Markup(language)
    for piece in pieces:
        chunk = markup.chunk(piece)
        assert chunk.text == piece
        ends = [0, *(word.end for word in chunk.words)]
        assert [word.begin for word in chunk.words] == ends[:-1]
        assert ends[-1] == len(chunk.spoken)
        assert chunk.spoken == chunk.spoken.strip()
        chunk.spoken.encode()  # a voice's program gets it
