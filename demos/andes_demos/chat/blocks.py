"""Blocks of Markdown that grow by a word without a new layout of the whole screen.

Textual draws the last block of a document again for each word. Its paragraphs ask for a new
layout each time, also when they are as high as before; its lists and quotations are removed and
made again, with all that is in them.
Whatever is not one of the plain cases here goes Textual's own way.
"""

from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Markdown
from textual.widgets._markdown import (  # documented, but exported nowhere else
    MarkdownBlockQuote,
    MarkdownBullet,
    MarkdownBulletList,
    MarkdownFence,
    MarkdownListItem,
    MarkdownOrderedList,
    MarkdownParagraph,
)
from textual.widgets.markdown import MarkdownBlock

__all__ = ["BulletList", "GrowingMarkdown", "OrderedList", "Paragraph", "Quotation"]


class Paragraph(MarkdownParagraph):
    """A paragraph; a new layout only when it has one more line."""

    def set_content(self, content: Content) -> None:
        """Show that."""
        self._content = content
        self.update(content, layout=not self._fits())

    def settle(self) -> None:
        """Ask for a new layout if the text does not fit, should the last one have missed it.

        Textual's may do so when a word follows the moment at which the block is made.
        """
        if not self._fits():
            self.refresh(layout=True)

    def _fits(self) -> bool:
        width, height = self.content_size
        rules: Any = self.styles  # which is such a mapping, although not by its type
        return bool(width) and self._content.get_height(rules, width) == height


class Quotation(MarkdownBlockQuote):
    """A quotation, of which the last block alone is touched."""

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not await _grow(self, block):
            await super()._update_from_block(block)


class BulletList(MarkdownBulletList):
    """A list, of which the last item alone is touched."""

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not await _grow(self, block):
            await super()._update_from_block(block)


class OrderedList(MarkdownOrderedList):
    """A numbered list, of which the last item alone is touched."""

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not await _grow(self, block):
            await super()._update_from_block(block)


class GrowingMarkdown(Markdown):
    """Textual's Markdown, made of these blocks."""

    BLOCKS: dict[str, type[MarkdownBlock]] = {  # noqa: RUF012, as in Markdown
        **Markdown.BLOCKS,
        "paragraph_open": Paragraph,
        "blockquote_open": Quotation,
        "bullet_list_open": BulletList,
        "ordered_list_open": OrderedList,
    }


async def _grow(old: MarkdownBlock, new: MarkdownBlock) -> bool:
    """Make `new` of a block on the screen, at whose end something has been added.

    Whether that could be done; if not, nothing has been touched.
    """
    if type(old) is not type(new):
        return False
    if isinstance(old, Paragraph):
        old.set_content(new._content)
        old._copy_context(new)
        return True
    if isinstance(old, MarkdownFence):
        await old._update_from_block(new)
        return True
    if isinstance(old, Quotation):
        return await _grow_end(old, new._blocks)
    return isinstance(old, BulletList | OrderedList) and await _grow_list(old, new)


async def _grow_list(old: MarkdownBlock, new: MarkdownBlock) -> bool:
    items = [item for item in new._blocks if isinstance(item, MarkdownListItem)]
    blocks = list(new._blocks)
    rows = list(new.compose())  # an item is a row: its bullet, and a column with its blocks
    new._blocks[:] = blocks  # which it forgets when it is composed
    shown = list(old.children)
    # Numbers are set flush right, so a longer one moves them all.
    if not 0 < len(shown) <= len(rows) or _bullet(shown[0]) != _bullet(rows[0]):
        return False
    if not await _grow_end(shown[-1].children[-1], items[len(shown) - 1]._blocks):
        return False
    if len(rows) > len(shown):
        await old.mount(*rows[len(shown) :])
    return True


def _bullet(row: Widget) -> str:
    children = [*row.children, *row._pending_children]
    return next((child.symbol for child in children if isinstance(child, MarkdownBullet)), "")


async def _grow_end(parent: Widget, blocks: list[MarkdownBlock]) -> bool:
    """The same for the last of the blocks that are in another one, and those that follow it."""
    shown = [child for child in parent.children if isinstance(child, MarkdownBlock)]
    if not 0 < len(shown) <= len(blocks):
        return False
    following = blocks[len(shown) :]
    if not await _grow(shown[-1], blocks[len(shown) - 1]):
        await shown[-1].remove()
        following = blocks[len(shown) - 1 :]
    if following:
        await parent.mount(*following)
    return True
