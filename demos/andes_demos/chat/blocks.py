"""Blocks of Markdown that grow by a word without a new layout of the whole screen.

Textual draws the last block of a document again for each word. Its paragraphs ask for a new
layout each time, also when they are as high as before; its lists are removed and made again.
Whatever is not one of the plain cases here goes Textual's own way.
"""

from typing import Any

from textual.content import Content
from textual.widgets import Markdown
from textual.widgets._markdown import (  # documented, but exported nowhere else
    MarkdownBulletList,
    MarkdownListItem,
    MarkdownOrderedList,
    MarkdownParagraph,
)
from textual.widgets.markdown import MarkdownBlock

__all__ = ["BulletList", "GrowingMarkdown", "OrderedList", "Paragraph"]


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


class BulletList(MarkdownBulletList):
    """A list, of which the last item alone is touched."""

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not _grow(self, block):
            await super()._update_from_block(block)


class OrderedList(MarkdownOrderedList):
    """A numbered list, of which the last item alone is touched."""

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not _grow(self, block):
            await super()._update_from_block(block)


class GrowingMarkdown(Markdown):
    """Textual's Markdown, made of these blocks."""

    BLOCKS: dict[str, type[MarkdownBlock]] = {  # noqa: RUF012, as in Markdown
        **Markdown.BLOCKS,
        "paragraph_open": Paragraph,
        "bullet_list_open": BulletList,
        "ordered_list_open": OrderedList,
    }


def _grow(old: MarkdownBlock, new: MarkdownBlock) -> bool:
    """Whether it was enough to update the paragraph in which `old` ends."""
    pair = _last_paragraphs(old, new)
    if pair is None:
        return False
    shown, grown = pair
    shown.set_content(grown._content)
    shown._copy_context(grown)
    return True


def _last_paragraphs(old: MarkdownBlock, new: MarkdownBlock) -> tuple[Paragraph, Paragraph] | None:
    """The paragraphs in which both end, if all before them is the same in both."""
    if isinstance(old, Paragraph) and isinstance(new, Paragraph):
        return old, new
    if type(new) is not type(old) or not isinstance(old, BulletList | OrderedList):
        return None
    items = [item for item in new._blocks if isinstance(item, MarkdownListItem)]
    if not items or len(items) != len(old.children):
        return None
    # An item is a row: its bullet, and a column with its blocks.
    column = old.children[-1].children[-1]
    blocks = [block for block in column.children if isinstance(block, MarkdownBlock)]
    if not blocks or len(blocks) != len(items[-1]._blocks):
        return None
    return _last_paragraphs(blocks[-1], items[-1]._blocks[-1])
