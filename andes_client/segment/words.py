"""Words, in any script."""

from collections.abc import Callable
from typing import Final

import regex

from andes_client.segment.cost import words_of
from andes_client.segment.pieces import Pieces
from andes_client.segment.scripts import (
    CLUSTER,
    ESCAPE,
    ESCAPES,
    GAP,
    SPACELESS,
    SYLLABIC,
    begins_anew,
    without_escapes,
)
from andes_client.segment.unit import Unit

__all__ = ["Words"]

_RUN: Final = 24
"""Characters without white space that are waited for; the end of an address is, too."""

# A run is an address by what stands in its first 24 characters, however much has come of it.
_IS_ADDRESS: Final = (
    r"(?=\S{0,21}?://|\S{0,20}?www\.|\S{0,17}?mailto:|[^\s@]{1,22}@\w"
    r"|(?=[^\s/]{3,23}/)[\p{Ps}\p{Pi}\"'<]{0,3}[\w-]+(?:\.[\w-]+)*\.[a-z]{2,12}/)"
)
_ESCAPE: Final = rf"(?=[{ESCAPES}]){ESCAPE}"
# Characters of the commonest scripts before another one, or a space, need no further look.
_LETTER: Final = r"!-~\u00c0-\u024f\u0370-\u0481\u048a-\u052f"
_IDEOGRAPH: Final = r"\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff"
_NO_SPACE: Final = (
    rf"[{_LETTER}](?=[ {_LETTER}])|(?![\s\u200b\u1361{SPACELESS}{SYLLABIC}]){CLUSTER}"
)
# No-break spaces belong to the word if they hold a sign to it ("Quoi ?", "« Oui"), or digits to
# each other; at the end of what has come, they may. One that carries a mark is no space.
_SIGN: Final = rf"(?![\p{{Ps}}\p{{Pi}}\u1361{SPACELESS}{SYLLABIC}])[\p{{P}}\p{{Sc}}\u00b0]"
_NO_BREAK: Final = (
    r"[\u00a0\u2009\u202f](?![\p{GCB=EX}\p{GCB=SM}\u200d])"
    rf"(?:(?=\Z|(?:{_SIGN}){{1,3}}+(?:[\s\u200b]|\Z))"
    r"|(?<=[\p{Ps}\p{Pi}].)|(?<=\d.)(?=\d))"
)


def _any(address: str = "", escape: str = "") -> "regex.Pattern[str]":
    """The pieces of a text in any script, with what begins an address and an escape sequence."""
    run = rf"(?:{escape}{_NO_SPACE}|{_NO_BREAK})"
    whole = rf"{address}{run}{{1,2000}}+|" if address else ""
    return regex.compile(
        rf"{GAP}{{0,8}}+(?:"
        r"(?:(?=[\p{Ps}\p{Pi}])\X){0,3}+"
        rf"(?:[{_IDEOGRAPH}](?=[{_IDEOGRAPH}])"
        rf"|(?=[{SPACELESS}])\X(?:(?=\p{{M}})\X){{0,4}}+"
        rf"|(?:(?=[{SYLLABIC}])(?!\p{{P}})\X){{1,16}}+)"
        r"(?:(?=\p{P})\X){0,3}+"
        rf"|(?:{whole}{run}{{1,{_RUN}}}+)(?:(?=\u1361)\X){{0,2}}+)"
        rf"|{GAP}{{1,32}}+|{CLUSTER}"
    )


_BEGINS_ESCAPE: Final = regex.compile(rf"[{ESCAPES}]")


class Words(Pieces):
    """Words; white space goes with the word that follows, punctuation with its word.

    So a unit ends with its last letter or its punctuation, and a line break is shown with
    the word that it brings in. Where a script sets no spaces between words (Chinese,
    Japanese, Thai, ...), each character with its marks is a unit, in Tibetan each syllable.
    Longer runs than 24 characters without white space (base64, say) are cut there, so that
    nobody waits for their end; an address is one unit, if it has no more than 2,000. A run
    costs three words at most, and escape sequences of a terminal nothing.

    Half of a word's cost is fixed and half goes with its letters against the mean of the
    language, so long words take longer and a text of mean words takes its nominal time. A
    word in another script than the language's is measured by the language that writes most
    in that script.

    Args:
        language_code: ISO 639-1 code, for the mean length of a word.
        cost: tokens of reading in a piece, if it is to be measured in another way.
    """

    # Every repetition is bounded, so that no input takes more than linear time.
    _PLAIN: Final = regex.compile(rf"(?:\r\n|\s){{0,8}}+\S{{1,{_RUN}}}+|(?:\r\n|\s){{1,32}}+")
    _ASCII: Final = regex.compile(
        rf"(?:\r\n|\s){{0,8}}+(?:{_IS_ADDRESS}\S{{1,2000}}+|\S{{1,{_RUN}}}+)|(?:\r\n|\s){{1,32}}+"
    )
    _ANY: Final = _any()
    _ALL: Final = _any(rf"(?=(?:{_ESCAPE}){{0,4}}+{_IS_ADDRESS})", rf"{_ESCAPE}|")
    _ADDRESS: Final = regex.compile(rf"{GAP}{{0,8}}+{_IS_ADDRESS}")

    def __init__(
        self, language_code: str = "en", *, cost: Callable[[str], float] | None = None
    ) -> None:
        super().__init__()
        self._refused = 0
        cached = words_of(language_code)
        self._whole: Callable[[str], Unit] = cached
        self._uncached: Callable[[str], Unit] = cached.__wrapped__
        if cost is not None:
            self._whole = self._uncached = lambda piece: Unit(piece, cost(piece))

    def split(self, text: str) -> list[str]:
        may_hold_address = len(text) > _RUN and (
            "/" in text or "@" in text or "www." in text or "mailto:" in text
        )
        if text.isascii() and "\x1b" not in text:
            return (self._ASCII if may_hold_address else self._PLAIN).findall(text)
        if may_hold_address or (not text.isprintable() and _BEGINS_ESCAPE.search(text)):
            return self._ALL.findall(text)
        return self._ANY.findall(text)

    def whole(self, piece: str) -> Unit:
        # What is long will hardly come again.
        return self._whole(piece) if len(piece) <= 64 else self._uncached(piece)

    def cost(self, piece: str) -> float:
        return self.whole(piece).cost

    def fragment(self) -> Unit | None:
        # Half an address leads elsewhere. Each refusal is a quarter of a second that a reader
        # waits (`patience`), and they are not to wait for more than one.
        if self._refused < 3 and self._ADDRESS.match(without_escapes(self._pending)):
            self._refused += 1
            return None
        self._refused = 0
        return super().fragment()

    def decode(self, text: str) -> list[Unit]:
        # As most text comes: a few letters at a time, of words that are not long.
        if text and len(text) + len(self._pending) < _RUN and not self._begun:
            *complete, self._pending = self.split(self._pending + text)
            return list(map(self._whole, complete))
        return super().decode(text)

    def _decode(self, text: str) -> list[Unit]:
        *complete, self._pending = self._bounded(self._pending + text)
        if not complete:
            return []
        if not self._begun and max(map(len, complete)) < _RUN:
            return list(map(self._whole, complete))
        following = [*complete[1:], self._pending]
        return [self._in_run(*each) for each in zip(complete, following, strict=True)]

    def _in_run(self, piece: str, following: str) -> Unit:
        """A piece of a run without white space that may have begun before, and may go on."""
        begun = self._begun
        unit = self._unit(piece)
        if len(piece) >= _RUN and piece[-1] != "\u1361" and not begins_anew(following):
            self._begun = (begun + piece if unit.continues else piece)[: 4 * _RUN]
        return unit
