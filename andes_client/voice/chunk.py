"""A piece of text for a voice: what is shown of it, and what is said, word by word."""

from collections.abc import Iterable
from dataclasses import dataclass

from andes_client.segment import Words

__all__ = ["Chunk", "Word"]


@dataclass(frozen=True, slots=True)
class Word:
    """What is shown at once, and the part of the chunk's spoken text that goes with it."""

    text: str
    """As it came, with the white space and the marks that belong to it."""
    begin: int
    """Where its part of `Chunk.spoken` begins."""
    end: int
    """Where that ends: at `begin`, if nothing is said of it (a mark of Markdown, a line break)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a voice says in one go.

    Args:
        words: what is shown; their texts joined are the text of the stream, nothing left out.
        spoken: what a voice is to say: without Markdown, a link by its words.
    """

    words: tuple[Word, ...]
    spoken: str

    @classmethod
    def plain(cls, text: str, language: str = "en") -> "Chunk":
        """A chunk that is said as it is written.

        Args:
            text: any text; it may be empty.
            language: ISO 639-1 code.

        Raises:
            ValueError: the language is not known.
        """
        splitter = Words(language)
        return cls.of(unit.text for unit in [*splitter.decode(text), *splitter.flush()])

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Chunk":
        """A chunk of these words, which are said as they are written."""
        words, at = [], 0
        for text in texts:
            words.append(Word(text, at, at + len(text)))
            at += len(text)
        return cls(tuple(words), "".join(word.text for word in words))

    @property
    def text(self) -> str:
        """As it came."""
        return "".join(word.text for word in self.words)
