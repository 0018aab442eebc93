"""Show Markdown only in pieces that look the same whatever follows.

While text streams, `**bo` is two stars and a half word, and a moment later it is bold;
`[a](http://exa` is half an address; the line above a `-` is a heading until the list item has
its first word. The guard lets text go where what follows can no longer change how it looks.

    inline      what stands in a line: emphasis, code, links, addresses, tags, maths
    blocks      lines: quotes, lists, headings, fences, tables, definitions
    guard       the segmenter: which units may be shown, and what they cost
"""

from andes_client.markdown.guard import MarkdownGuard

__all__ = ["MarkdownGuard"]
