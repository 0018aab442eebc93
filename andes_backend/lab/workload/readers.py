"""How fast readers take the text in: people who read, people who listen, programs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.random import Generator

from andes_backend.lab.workload.specs import Spec, parse
from andes_client.expectation import SPEAKING_TDS, Expectation, reading

__all__ = ["Mix", "Readers", "Reading", "Speaking", "readers_of"]

# An age within each bracket of the paper's reading population, and the bracket's share.
_AGES: Final = ((21, 0.280), (35, 0.519), (50, 0.112), (60, 0.056), (70, 0.033))

# Those who listen: the mean is the paper's. For the spread around it we take how the speed of
# reading aloud differs between the languages of IReST (andes_client.languages), each as likely as
# any other; the paper's own shares of languages are not among our sources.
_LANGUAGES: Final = (
    "ar", "de", "en", "es", "fi", "fr", "he", "it", "ja",
    "nl", "pl", "pt", "ru", "sl", "sv", "tr", "zh",
)  # fmt: skip


@dataclass(frozen=True)
class Readers(Spec, ABC):
    """A population of readers; `str(readers)` is its name on the command line.

    Reading: tokens/s by age, from 3.79 (65 and over) to 5.1 (18 to 24), mean 4.5, with the
    shares of Andes (arXiv 2404.16283). Speaking, for text that is spoken: mean 3.3 tokens/s
    as in the paper, from 2.5 to 4.1, spread as the speed of speech is between 17 languages.
    A program takes any text at once: its tokens/s are infinite.
    """

    @property
    @abstractmethod
    def shares(self) -> tuple[float, float]:
        """The shares of people who listen and of programs; all others read."""

    def draw(self, rng: Generator, count: int, ttft: float = 1.0) -> list[Expectation]:
        """Draw readers.

        What a reader would be as a person who reads, as one who listens, and who is which is
        drawn from three streams, so mixes with the same seed differ no more than they must.

        Args:
            rng: a stream of its own.
            count: how many; a longer draw begins with the shorter one.
            ttft: the time to first token that each of them expects, seconds.
        """
        listening, programs = self.shares
        for_listening, for_kinds = rng.spawn(2)
        readers = _reading(rng, count, ttft)
        listeners = _listening(for_listening, count, ttft)
        program = Expectation.program(ttft)
        return [
            program if kind < programs else listener if kind < programs + listening else reader
            for kind, reader, listener in zip(
                for_kinds.random(count).tolist(), readers, listeners, strict=True
            )
        ]

    def check_share(self, name: str) -> None:
        """Refuse a parameter that is not a share.

        Raises:
            WorkloadError: it is not 0 to 1.
        """
        if not 0 <= getattr(self, name) <= 1:
            self.refuse(name, "a share, 0 to 1")


@dataclass(frozen=True)
class Reading(Readers):
    """People who read, and a share of programs.

    Raises:
        WorkloadError: `programs` is not a share.
    """

    programs: float = 0.0
    """Share of programs, 0 to 1."""
    spec_name: ClassVar[str] = "reading"

    def __post_init__(self) -> None:
        self.check_share("programs")

    @property
    def shares(self) -> tuple[float, float]:
        return 0.0, self.programs


@dataclass(frozen=True)
class Speaking(Readers):
    """People who listen while the text is spoken, and a share of programs.

    Raises:
        WorkloadError: `programs` is not a share.
    """

    programs: float = 0.0
    """Share of programs, 0 to 1."""
    spec_name: ClassVar[str] = "speaking"

    def __post_init__(self) -> None:
        self.check_share("programs")

    @property
    def shares(self) -> tuple[float, float]:
        return 1.0 - self.programs, self.programs


@dataclass(frozen=True)
class Mix(Readers):
    """People who read, a share of people who listen, and a share of programs.

    Raises:
        WorkloadError: a share is out of range, or both are more than 1 together.
    """

    speaking: float = 0.0
    """Share of people who listen, 0 to 1."""
    programs: float = 0.0
    """Share of programs, 0 to 1."""
    spec_name: ClassVar[str] = "mix"

    def __post_init__(self) -> None:
        self.check_share("speaking")
        self.check_share("programs")
        if self.speaking + self.programs > 1 + 1e-9:  # shares such as 0.1 are not exact
            self.refuse("programs", f"at most what speaking={self.speaking!r} leaves of 1")

    @property
    def shares(self) -> tuple[float, float]:
        return self.speaking, self.programs


_KINDS: Final[tuple[type[Readers], ...]] = (Reading, Speaking, Mix)


def readers_of(text: str) -> Readers:
    """The readers of a text.

    Args:
        text: `reading`, `speaking`, either with a share of programs (`reading:programs=0.2`),
            or `mix:speaking=0.3,programs=0.1`, the rest of whom read.

    Raises:
        WorkloadError: it names none, or a share is wrong; the message says which.
    """
    return parse(text, "readers", _KINDS)


def _reading(rng: Generator, count: int, ttft: float) -> list[Expectation]:
    by_age = [reading(age=age, ttft=ttft) for age, _ in _AGES]
    limits = np.cumsum([share for _, share in _AGES])[:-1]
    return [by_age[i] for i in np.searchsorted(limits, rng.random(count), side="right")]


def _listening(rng: Generator, count: int, ttft: float) -> list[Expectation]:
    speeds = [reading(language=language).tds for language in _LANGUAGES]
    to_mean = SPEAKING_TDS * len(speeds) / sum(speeds)
    by_language = [Expectation(ttft, speed * to_mean) for speed in speeds]
    return [by_language[i] for i in (rng.random(count) * len(speeds)).astype(np.int64)]
