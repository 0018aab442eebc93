"""The chat's Markdown: no word is lost, whatever it looks like, and nothing in it acts."""

import pytest
from andes_demos.chat.parser import DEEPEST, parser
from markdown_it.token import Token


def shown(source: str) -> str:
    """The text as it is seen: `|` after a block, and lines as they break."""
    return "".join(map(_shown, parser().parse(source))).strip("|")


def _shown(token: Token) -> str:
    if token.children:
        return "".join(map(_shown, token.children))
    if token.type in ("hardbreak", "softbreak"):
        return "\n" if token.type == "hardbreak" else " "
    return token.content or ("|" if token.block and token.nesting < 0 else "")


@pytest.mark.parametrize(
    "text",
    [
        "Use List<String> and vector<int>",
        "Map<String, List<Integer>> and Vec<u8>",
        "<your-name>",
        "ssh <user>@<host>",
        "<API_KEY>",
        "if a<b and c>d then",
        "x <y> z",
        "a <- b and c -> d",
        "<!-- a comment -->",
        "<?php echo 1 ?>",
        "<script>alert(1)</script>",
        "<div class='a'>in a box</div>",
        "<think>",
        "</think>",
        "<b",
        "<br a>",
        "< br>",
    ],
)
def test_what_looks_like_a_tag_is_text(text: str) -> None:
    assert shown(text) == text
    assert shown(f"- {text}").strip("|") == text
    assert shown(f"| a | b |\n|---|---|\n| 1 | {text} |").endswith(f"1|{text}")


def test_tables_and_details_in_html_are_shown_as_they_are_written() -> None:
    table = "<table>\n<tr><td>one</td><td>two</td></tr>\n</table>"
    assert shown(table) == table.replace("\n", " ")
    details = "<details>\n<summary>More</summary>\n\nhidden *words*\n\n</details>"
    assert shown(details) == "<details> <summary>More</summary>|hidden words|</details>"


@pytest.mark.parametrize("tag", ["<br>", "<br/>", "<br />", "<BR>"])
def test_br_breaks_a_line(tag: str) -> None:
    assert shown(f"one{tag}two") == "one\ntwo"
    assert shown(f"| a{tag}b | c |\n|---|---|\n| 1 | 2{tag}3 |") == "a\nb|c|||1|2\n3"
    assert shown(f"`{tag}` and \\{tag}") == f"{tag} and {tag}"
    assert shown(f"```\n{tag}\n```").strip() == tag


def test_addresses_in_angle_brackets_are_links_still() -> None:
    (paragraph,) = [token for token in parser().parse("<https://a.example/b>") if token.children]
    assert [child.type for child in paragraph.children or ()] == ["link_open", "text", "link_close"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&#x202e;evil&#8238;", "evil"),
        ("&rlm;a&lrm;b", "ab"),
        ("&#x2067;x&#x2069;", "x"),
        ("&#27;[2J", "\ufffd[2J"),
        ("&#155;31m", "\ufffd31m"),
        ("a&#12;b", "a␌b"),
        ("[a&#x202e;b](http://x)", "ab"),
        ("`&#x202e;`", "&#x202e;"),
        ("![a&rlm;b](http://x)", "ab"),
        ("&lt;b&gt; &amp; &auml;", "<b> & ä"),
    ],
)
def test_an_entity_acts_no_more_than_the_character(source: str, text: str) -> None:
    assert shown(source) == text


@pytest.mark.parametrize("deep", [1, DEEPEST // 2, DEEPEST, 40, 200])
def test_however_deep_it_is_nested_no_word_is_lost(deep: int) -> None:
    items = "\n".join(f"{'  ' * i}- item{i}" for i in range(deep))
    for source in (items, "> " * deep + "deep\n" + "> " * deep + "deeper", "- " * deep + "deep"):
        tokens = parser().parse(source)
        assert max(token.level for token in tokens) <= DEEPEST + 1
        for word in source.replace(">", " ").replace("- ", " ").split():
            assert word in shown(source)


def test_what_is_too_deep_keeps_its_lines_and_their_indentation() -> None:
    deep = "> " * DEEPEST
    text = shown(f"{deep}a\n{deep}  - b\n{deep}    c")
    assert text == "a\n\xa0\xa0- b\n\xa0\xa0\xa0\xa0c"
