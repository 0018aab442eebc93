"""Markdown that grows: the same text at the end, however long, and little of it drawn."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from andes_demos.chat.document import Document, Section, finished_part
from andes_demos.chat.offline import GUIDE
from andes_demos.chat.sample import long_answer
from textual.widget import Widget
from textual.widgets import Markdown

from andes_client.terminal_text import displayable
from tests.demos.chat_room import Room, chatting, screen_text, serving, still

pytestmark = pytest.mark.asyncio


def sections(room: Room) -> list[Section]:
    return list(room.answers[-1].query(Section))


@pytest.mark.parametrize(
    ("source", "rest"),
    [
        ("", ""),
        ("one", "one"),
        ("one\n\ntwo", "two"),
        ("# one\ntwo", "two"),
        ("one\n\n- a\n- b\n\n  c", "- a\n- b\n\n  c"),
        ("one\n\n```\na\n\nb", "```\na\n\nb"),
        ("one\n\n| a |\n|", "| a |\n|"),
        ("one\n\n", "one\n\n"),
        ("漢字\u2028x\x0by\n\ntwo", "two"),
    ],
)
async def test_all_but_the_last_block_is_finished(source: str, rest: str) -> None:
    assert source[finished_part(source) :] == rest


async def test_nothing_that_controls_a_terminal_is_displayed() -> None:
    text = "".join(map(chr, range(0x20))) + "\x7f\x9b31m\x85\u2028a漢👩🏽‍🚀"
    shown = displayable(text)
    assert len(shown) == len(text)
    assert not re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028]", shown)
    assert shown.endswith("a漢👩🏽‍🚀")


@pytest.mark.slow
async def test_ten_thousand_words_are_the_servers_to_the_byte(tmp_path: Path) -> None:
    text = long_answer(10_000)
    assert len(text.split()) >= 10_000
    with serving(text) as served:
        async with chatting(served.url, tmp_path, size=(100, 40)) as room:
            await room.ask()
            await room.press("f5")
            await room.until(lambda: len(room.shown) > 20_000)
            await room.type("meanwhile")  # keys get their turn
            assert room.prompt.text == "meanwhile"
            await room.end()
            assert room.shown == text
            assert room.session.said()[-1].text == text
            assert "".join(section.source for section in sections(room)) == text
            drawn = [section for section in sections(room) if section.query(Markdown)]
            assert len(drawn) < 12 < len(sections(room))
            await room.press("f7")
            assert room.app.clipboard == text.split("```python\n")[-1].split("```")[0]


@pytest.mark.slow
async def test_a_table_and_code_grow_as_what_they_are(tmp_path: Path) -> None:
    text = long_answer(300)
    with serving(text) as served:
        async with chatting(served.url, tmp_path, size=(80, 500)) as room:
            await room.hear()
            await room.until(lambda: not any(section.folded for section in sections(room)))
            for kind, mark in (("MarkdownTable", "\n|---"), ("MarkdownFence", "```python")):
                drawn = sum(len(section.query(kind)) for section in sections(room))
                assert drawn == text.count(mark)


GROWING = """\
Intro that is long enough to need a second line in a narrow terminal, and then a third one.

- one item that grows over the end of its line and goes on in the next one
- two
  - nested item
  - another
- three

  with a second paragraph

1. first **bold**
2. second
10. tenth

> quoted
> twice

> - quoted item that grows over the end of its line and goes on
>   - nested in it
>     1. and deeper
>     2. with another
> - another
>
> > twice quoted
> > in two lines
> >
> > - with an item

- item with code

  ```python
  x = 1
  y = 2
  ```

  and a word after it
- item with a table

  | a | b |
  |---|---|
  | 1 | 2 |

  > and a quotation
- a
  - b
    - deep
    - down

| a | b |
|---|---|
| 1 | 2 |
| 3 | 4 |

Setext
======

```
code
  more
```
End."""


@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 3, 7])
async def test_however_it_came_it_looks_as_if_it_had_come_at_once(
    tmp_path: Path, piece: int
) -> None:
    async with chatting("http://a:1", tmp_path, size=(50, 140)) as room:
        await room.screen.query("#welcome").remove()
        looks = []
        for pieces in ([GROWING], re.findall(f"(?s).{{1,{piece}}}", GROWING)):
            document = await new_document(room)
            for text in pieces:
                await document.query_one(Section).append(text)
            looks.append((await still(room)).splitlines())
            await document.remove()
        assert looks[0] == looks[1]
        assert "End." in "".join(looks[0])


@pytest.mark.slow
async def test_where_a_section_ends_is_not_to_be_seen(tmp_path: Path) -> None:
    text = GUIDE + GROWING
    async with chatting("http://a:1", tmp_path, size=(80, 200)) as room:
        await room.screen.query("#welcome").remove()
        looks = []
        for piece in (len(text), 190):
            document = await new_document(room)
            if piece == len(text):
                await document.query_one(Section).append(text)
            else:
                for start in range(0, len(text), piece):
                    document.write(text[start : start + piece])
                    await document.finish()
                assert len(document.query(Section)) > 3
            looks.append((await still(room)).splitlines())
            await document.remove()
        assert looks[0] == looks[1]


async def test_what_is_nested_deeply_is_drawn_as_it_grows(tmp_path: Path) -> None:
    """It took seconds for each word, and no key was heard meanwhile."""
    text = "".join(f"{'  ' * (n % 5)}- item{n} of a list\n" for n in range(30))
    text += "\n" + "".join(f"{'> ' * (n % 9 + 1)}line{n} of it\n>\n" for n in range(20))
    async with chatting("http://a:1", tmp_path, size=(80, 200)) as room:
        document = await new_document(room)
        made = 0
        mount = Widget.mount

        def counted(self: Widget, *widgets: Widget, **options: Any) -> Any:
            nonlocal made
            made += len(widgets)
            return mount(self, *widgets, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Widget, "mount", counted)
            for piece in re.findall(r"(?s).{1,10}", text):
                await document.query(Section).last().append(piece)
        seen = await still(room)
        assert all(f"item{n} " in seen for n in range(30))
        assert all(f"line{n} " in seen for n in range(20))
        # Of the text before a word, next to nothing is made again for it.
        assert made < 2 * len(text.splitlines())


async def new_document(room: Room, text: str = "") -> Document:
    document = Document(text)
    await room.screen.query_one("#said").mount(document)
    await room.until(lambda: document.query("Section Markdown"))
    return document


@pytest.mark.slow
async def test_scrolling_up_draws_what_is_seen_and_folds_the_tail(tmp_path: Path) -> None:
    text = long_answer(2000)
    with serving(text) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            first, *_, last = sections(room)
            await room.until(lambda: first.folded)
            await room.press("ctrl+home")
            await room.until(lambda: not first.folded and "Part 1" in screen_text(room.app))
            assert not last.folded  # the one that is live is never folded
            await room.press("ctrl+end")
            await room.until(lambda: first.folded)


@pytest.mark.slow
async def test_a_saved_answer_is_drawn_where_it_is_seen(tmp_path: Path) -> None:
    text = long_answer(2000)
    with serving(text) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear("long")
        async with chatting(served.url, tmp_path) as room:
            await room.press("ctrl+o", "enter")
            await room.until(lambda: room.app.screen.query("Answer"))
            await room.until(lambda: "".join(s.source for s in sections(room)) == text)
            await room.until(lambda: room.transcript.holds_tail)
            await room.until(lambda: sum(not s.folded for s in sections(room)) >= 1)
            assert sections(room)[0].folded
            await room.press("ctrl+home")
            await room.until(lambda: "Part 1" in screen_text(room.app))


async def test_what_follows_waits_for_what_is_being_drawn(tmp_path: Path) -> None:
    with serving() as served:
        async with chatting(served.url, tmp_path) as room:
            document = Document()
            await room.transcript.mount(document)
            for number in range(100):
                document.write(f"word{number} ")
            await asyncio.wait_for(document.finish(), 30)
            (section,) = document.query(Section)
            assert section.source == document.text


async def test_what_comes_all_at_once_is_folded_but_for_its_end(tmp_path: Path) -> None:
    text = long_answer(10_000)
    async with chatting("http://a:1", tmp_path) as room:
        document = await new_document(room)
        document.write(text[:700])
        document.write(text[700:])
        document.write("\n\nThe end.")
        await asyncio.wait_for(document.finish(), 30)
        assert "".join(section.source for section in document.query(Section)) == document.text
        drawn = [section for section in document.query(Section) if not section.folded]
        assert len(drawn) < 12 < len(document.query(Section))
        await room.until(lambda: "The end." in screen_text(room.app))


@pytest.mark.slow
async def test_a_block_without_an_end_is_drawn_however_much_comes(tmp_path: Path) -> None:
    text = "```\n" + "a line of code\n\n" * 300
    async with chatting("http://a:1", tmp_path) as room:
        document = await new_document(room)
        document.write(text)
        await asyncio.wait_for(document.finish(), 30)
        (section,) = document.query(Section)
        assert section.source == text
        await room.until(lambda: "a line of code" in screen_text(room.app))


@pytest.mark.slow
async def test_scrolling_up_through_what_was_folded_misses_no_line(tmp_path: Path) -> None:
    text = "\n\n".join(f"{n}: {'word ' * (n % 40)}\n- item\n\n# A" for n in range(30))
    with serving(text) as served:
        async with chatting(served.url, tmp_path, size=(60, 40)) as room:
            await room.ask()
            await room.press("f5")
            await room.end()
            seen: list[int] = []
            while not seen or seen[0] != 0:
                await room.press("pageup")
                screen = await still(room)
                page = [int(n) for n in re.findall(r"(?m)^\s*(\d+):", screen)]
                assert page == list(range(page[0], page[-1] + 1))
                assert not seen or page[-1] >= seen[0] - 1  # it adjoins the one before
                seen = page


WORDS, PARAGRAPHS = "Some words. " * 40, "A paragraph of some words.\n\n" * 120


@pytest.mark.parametrize("text", [WORDS, PARAGRAPHS], ids=["words", "paragraphs"])
async def test_an_answer_may_be_removed_while_it_is_drawn(tmp_path: Path, text: str) -> None:
    """As Ctrl+R does, and another conversation; what fails in a worker would end the chat."""
    async with chatting("http://a:1", tmp_path) as room:
        for turns in range(40):
            document = await new_document(room)
            document.write(text)
            document.run_worker(document.finish())
            await remove_after(document, turns)
        await room.pilot.pause()
        assert room.app.is_running


async def test_a_saved_answer_may_be_removed_while_it_is_unfolded(tmp_path: Path) -> None:
    async with chatting("http://a:1", tmp_path) as room:
        for turns in range(20):
            document = await new_document(room, PARAGRAPHS)
            for section in document.query(Section):
                section.unfold()
            await remove_after(document, turns)
        await room.pilot.pause()
        assert room.app.is_running


async def remove_after(document: Document, turns: int) -> None:
    """So many turns of the event loop later."""
    for _ in range(turns):
        await asyncio.sleep(0)
    await document.remove()
