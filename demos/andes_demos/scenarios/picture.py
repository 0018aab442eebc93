"""The screen as an SVG that any browser shows, without fetching a font."""

import re
from typing import Final

__all__ = ["WORTH_A_PICTURE", "clean"]

WORTH_A_PICTURE: Final = 0.6
"""The share of the words that has been read on the paced sides when a picture is taken."""


def clean(svg: str) -> str:
    """What Textual exports, in whatever monospaced font its viewer has: none is fetched."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
