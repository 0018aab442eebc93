"""One side of a scenario in words: its text as its reader sees it, and its figures."""

import io
from typing import Final

from rich.console import Console
from rich.text import Text

from andes_demos.scenarios.measures import Side

__all__ = ["doing", "figures", "page"]

_WIDE, _WIDEST = 44, 51  # cells that the figures take with more words, and with all
_WELL, _LONG_S, _FLOOD = 0.9, 3.0, 2.0  # QoE; a silence; times the reader's speed
_BUFFER_S: Final = 20.0  # as long as the bar of the buffer
_BAR: Final = 10
_CAUGHT_UP_S: Final = 0.5  # who has less ahead of them than this is at the last word
_PAPER: Final = Console(file=io.StringIO(), width=80)


def page(side: Side, now: float, colour: str, *, width: int, height: int) -> Text:
    """The text: read, the word that is being read, and what is ahead of the reader.

    Args:
        side: whose.
        now: seconds since submission.
        colour: of what is not read yet.
        width, height: cells; of a longer text the end is in view.
    """
    if not side.words:
        what = "nothing came" if side.ended else f"waiting for the first word … {now:.0f} s"
        return Text(what, "dim italic")
    ahead_s, starts = side.reader.ahead_s(now), side.starts
    read = len(starts) if ahead_s < _CAUGHT_UP_S else side.reader.words_read
    here = starts[min(max(0, read - 1), len(starts) - 1)]
    ahead = starts[read] if read < len(starts) else len(side.text)
    word = side.text[here:ahead].rstrip()
    is_through = side.ended and not ahead_s
    text = Text.assemble(
        side.text[:here],
        (word, "" if is_through else f"bold reverse {colour}"),
        (side.text[here + len(word) :], colour),
    )
    lines = list(text.wrap(_PAPER, max(1, width)))[-max(1, height) :]
    return Text("\n").join(lines)


def doing(side: Side, now: float) -> str:
    """What is to be seen of it now, in a word or two."""
    if side.ended:
        return "all shown"
    if not side.words:
        return "silent"
    silence = side.silence(now)
    return f"silent for {silence:.1f} s" if silence >= 1 else f"{side.speed(now)} words/s"


def figures(
    side: Side, now: float, colour: str, *, alarm: str, where: str, ahead_s: float, width: int
) -> Text:
    """QoE, longest silence, fastest speed, and how much the reader has ahead of them.

    Args:
        side: whose.
        now: seconds since submission.
        colour: of the bar.
        alarm: the colour of what the reader suffers from.
        where: the text is that the reader has not got to, in a word.
        ahead_s: how long they are busy with it, seconds.
        width: cells.

    Returns:
        Two lines; with shorter words where it is narrow.
    """
    qoe, longest, reads = side.reader.qoe(now), side.longest_silence(now), side.reader.speed
    is_wide = width >= _WIDE
    unit = " words/s" if width >= _WIDEST else "/s"
    return Text.assemble(
        ("QoE ", "dim"),
        _figure(f"{qoe:.2f}" if side.words else "–", alarm if side.words and qoe < _WELL else ""),
        (" longest silence " if is_wide else " silence ", "dim"),
        _figure(f"{longest:.1f} s", alarm if longest >= _LONG_S else ""),
        " " if is_wide else "\n",
        ("fastest " if is_wide else "max ", "dim"),
        _figure(f"{side.fastest}{unit}", alarm if side.fastest >= _FLOOD * reads else ""),
        "\n" if is_wide else " ",
        (f"{where} ", "dim"),
        (_bar(ahead_s), colour) if is_wide else "",
        (f" {ahead_s:.1f} s of reading" if is_wide else f"{ahead_s:.1f} s", "bold"),
    )


def _figure(text: str, alarm: str) -> tuple[str, str]:
    return text, f"bold {alarm}".strip()


def _bar(seconds: float) -> str:
    filled = min(_BAR, round(seconds / _BUFFER_S * _BAR))
    return "█" * filled + "░" * (_BAR - filled)
