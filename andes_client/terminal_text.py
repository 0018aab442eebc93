"""Text that a program did not write itself, made fit for a terminal, a file or a clipboard.

What servers, files and other people wrote may hold characters that do not show but act: escape
sequences move the cursor, set titles and write to the clipboard, and bidirectional controls
show a line in another order than the one in which it is copied. Whatever a command prints and
did not write itself goes through `displayable`; what it hands on, through `plain`.
"""

import re
from typing import Final

__all__ = ["displayable", "line", "plain"]

# Unicode's Bidi_Control: marks, embeddings, overrides and isolates. They do not show.
_BIDI: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SURROGATES: Final = range(0xD800, 0xE000)  # halves of characters, which no encoding takes
_C0: Final = [code for code in range(0x20) if chr(code) not in "\t\n\r"]
_C1: Final = range(0x7F, 0xA0)  # and DEL

_PICTURES: Final[dict[int, int | str | None]] = {
    **{code: 0x2400 + code for code in _C0},
    **dict.fromkeys(_C1, 0xFFFD),
    # Python takes these for the ends of lines, and Markdown and terminals do not.
    **dict.fromkeys((0x85, 0x2028, 0x2029), " "),
    **dict.fromkeys(_SURROGATES, 0xFFFD),
    **dict.fromkeys(_BIDI),
}
_GONE: Final[dict[int, int | None]] = {
    **dict.fromkeys([*_C0, *_C1, *_BIDI]),
    **dict.fromkeys(_SURROGATES, 0xFFFD),
}
_LINE_END: Final = re.compile(r"\r\n?")


def displayable(text: str) -> str:
    """`text` to be looked at: nothing in it acts, and what would have is seen.

    Control characters but tab and line end give way to pictures of them (U+2400 and on), or
    to U+FFFD where there is none; so do halves of surrogate pairs. Bidirectional controls are
    left out. It may be done piece by piece.
    """
    return text.translate(_PICTURES)


def line(text: str) -> str:
    """`displayable` text in one line: for messages, titles and lists."""
    return displayable(" ".join(text.split()))


def plain(text: str) -> str:
    """`text` to be copied, exported or edited: without control characters but tab and `\\n`.

    They are left out, bidirectional ones too; every line ends in `\\n`.
    """
    return _LINE_END.sub("\n", text).translate(_GONE)
