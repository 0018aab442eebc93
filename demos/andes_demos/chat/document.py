"""Markdown that grows word by word, however long it gets.

A terminal of Textual's pays for every widget at each change of the layout, and a block of
Markdown is a widget. So a document is a row of sections, of which the last alone is live.
One that is finished is updated once more as a whole and then left alone; and far from what
the person sees, it is folded: its blocks are removed and its height stays. 10,000 words are
then as quick as ten. Of what comes all at once ("reveal all", or a conversation that is opened)
only the end is drawn; the rest is folded from the start.

Text is added with `Markdown.append`, which draws the last block again and no other, as
`Markdown.get_stream` does; but a stream of that kind joins all that waits, and after "reveal
all" that would be a thousand blocks in one go, and no key until they are there.
"""

import asyncio
import re
from typing import Final

from markdown_it.token import Token
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Markdown

from andes_client.terminal_text import displayable
from andes_demos.chat.blocks import GrowingMarkdown, Paragraph
from andes_demos.chat.parser import parser

__all__ = ["Document", "Section", "finished_part", "in_sections"]

_SECTION: Final = 600  # characters from which on a section ends with its block
_AT_ONCE: Final = 120  # characters added in one go, so that keys get their turn between
_TOO_MUCH: Final = 4 * _SECTION  # characters waiting from which on only the end is drawn
_MOUNTED_AT_ONCE: Final = 10  # folded sections, for the same reason
_UNHURRIED_S: Final = 0.03  # what drawing may take without a rest after it

_LINE_END: Final = re.compile(r"\r\n|\r|\n")  # as Markdown has it


def finished_part(source: str) -> int:
    """How many characters of it are blocks that nothing which follows can change.

    All but the last block: Markdown is decided block by block.
    """
    return max(_block_starts(source), default=0)


def in_sections(source: str) -> list[str]:
    """`source` in parts, each long enough and made of whole blocks; the last may be neither."""
    cuts = [0]
    for start in _block_starts(source):
        if start - cuts[-1] > _SECTION:
            cuts.append(start)
    return [source[a:b] for a, b in zip(cuts, [*cuts[1:], len(source)], strict=True)]


def _block_starts(source: str) -> list[int]:
    """Where the blocks begin that are in no other block, in characters."""
    tokens: list[Token] = []
    # Not what is in the blocks, which takes three times as long.
    parser().block.parse(_LINE_END.sub("\n", source), parser(), {}, tokens)
    lines = [0, *(end.end() for end in _LINE_END.finditer(source))]
    return [lines[token.map[0]] for token in tokens if token.level == 0 and token.map]


class Section(Vertical):
    """A part of a document: its Markdown, or while it is folded nothing of the same height.

    Args:
        source: its text so far.
        height: lines it will have, by estimate, if it begins folded; else None.
    """

    DEFAULT_CSS = "Section { height: auto; } Section Markdown { height: auto; margin: 0; }"

    def __init__(self, source: str = "", height: int | None = None) -> None:
        super().__init__()
        self.source = source
        self.folded = height is not None
        self.unfolding = False
        if height is not None:
            self.styles.height = height

    def compose(self) -> ComposeResult:
        if not self.folded:
            yield self._markdown()

    async def append(self, text: str) -> None:
        """Add to it; it is not folded."""
        self.source += text
        for markdown in self.query(Markdown):  # none, if the screen is gone
            await markdown.append(displayable(text))

    async def finish(self, source: str) -> None:
        """Draw it as a whole, once; from now on it may be folded."""
        self.source = source
        for markdown in self.query(Markdown):
            await markdown.update(displayable(source))

    def fold(self) -> None:
        """Keep the place and remove the rest."""
        if self.folded or not self.outer_size.height:
            return
        self.folded = True
        self.styles.height = self.outer_size.height
        self.query(Markdown).remove()

    def unfold(self) -> None:
        """Draw it again."""
        if self.folded and not self.unfolding:
            self.unfolding = True
            self.run_worker(self._unfold())

    async def _unfold(self) -> None:
        await self.mount(self._markdown())
        self.styles.height = "auto"
        self.folded = self.unfolding = False

    def _markdown(self) -> Markdown:
        source = displayable(self.source)
        return GrowingMarkdown(source, parser_factory=parser, open_links=False)


class Document(Vertical):
    """An answer, drawn as Markdown while it comes.

    Args:
        text: what there is already; drawn when it comes near what is seen.
        width: of the screen until this has one, to estimate how many lines that has.
    """

    DEFAULT_CSS = "Document { height: auto; }"

    def __init__(self, text: str = "", width: int = 80) -> None:
        super().__init__()
        self.text = text
        """All that has been written, drawn or not."""
        self._width = width
        self._waiting: list[str] = []
        self._came = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def compose(self) -> ComposeResult:
        *finished, rest = in_sections(self.text)
        yield from map(self._folded, finished)
        yield Section(rest)

    def on_mount(self) -> None:
        self.run_worker(self._draw_all())

    def write(self, text: str) -> None:
        """Add to the end; it is drawn as soon as what came before has been."""
        self.text += text
        self._waiting.append(text)
        self._idle.clear()
        self._came.set()

    async def finish(self) -> None:
        """Wait until all is drawn, and draw the end once more as a whole."""
        await self._idle.wait()
        for live in self._sections()[-1:]:  # none, if the screen is gone
            await live.finish(live.source)

    def settle(self) -> None:
        """Have the last paragraph laid out as it is; called now and then."""
        for section in self._sections()[-1:]:
            for paragraph in list(section.query(Paragraph))[-1:]:
                paragraph.settle()

    def look(self, top: float, bottom: float) -> None:
        """Fold what is not between these lines of the screen, and unfold what is.

        One after the other, for keys to get their turn: the layout that follows looks again.
        """
        near: list[Section] = []
        for section in self._sections()[:-1]:
            region = section.region
            if region.bottom > top and region.y < bottom:
                near.append(section)
            else:
                section.fold()
        if not any(section.unfolding for section in near):
            for section in [section for section in near if section.folded][:1]:
                section.unfold()

    def section_at(self, line: int) -> Section | None:
        """The first of which something is at or below this line of the screen."""
        return next((one for one in self._sections() if one.region.bottom > line), None)

    def _sections(self) -> list[Section]:
        return [child for child in self.children if isinstance(child, Section)]

    def _folded(self, source: str) -> Section:
        width = max(20, self.size.width or self._width)
        height = sum(1 + len(line) // width for line in source.split("\n"))
        return Section(source, height)

    async def _draw_all(self) -> None:
        try:
            await self._draw_what_comes()
        except Exception:
            # Whoever removes a document takes its sections first, and this last: what fails for
            # that reason would end the whole program.
            if self._sections() and self.is_attached:
                raise

    async def _draw_what_comes(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._came.wait()
            self._came.clear()
            while waiting := "".join(self._waiting):
                if len(waiting) > _TOO_MUCH:
                    self._waiting.clear()
                    waiting = await self._pass_over(waiting) + "".join(self._waiting)
                self._waiting = [waiting[_AT_ONCE:]] if len(waiting) > _AT_ONCE else []
                began = loop.time()
                await self._draw(waiting[:_AT_ONCE])
                took = loop.time() - began
                await asyncio.sleep(took if took > _UNHURRIED_S else 0.0)
            self._idle.set()

    async def _pass_over(self, text: str) -> str:
        """Add all but its end, folded; returns the end."""
        live = self._sections()[-1]
        parts = in_sections(live.source + text)
        if len(parts) < 3:  # long blocks
            return text
        first, *others, end = parts
        with self.app.batch_update():
            await live.finish(first)
            await self.mount(*map(self._folded, others[:_MOUNTED_AT_ONCE]))
        for begin in range(_MOUNTED_AT_ONCE, len(others), _MOUNTED_AT_ONCE):
            await asyncio.sleep(0)
            await self.mount(*map(self._folded, others[begin : begin + _MOUNTED_AT_ONCE]))
        await self.mount(Section())
        return end

    async def _draw(self, text: str) -> None:
        live = self._sections()[-1]
        await live.append(text)
        if len(live.source) > _SECTION and "\n" in text:
            cut = finished_part(live.source)
            if cut:
                finished, rest = live.source[:cut], live.source[cut:]
                with self.app.batch_update():
                    await live.finish(finished)
                    # Begun empty: only what is appended may grow in the middle of a block.
                    following = Section()
                    await self.mount(following)
                    await following.append(rest)
