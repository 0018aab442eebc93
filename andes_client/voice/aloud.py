"""What a word costs aloud."""

import functools

from andes_client.languages import language

__all__ = ["Aloud", "aloud"]


class Aloud:
    """Costs of words in one language."""

    def sound(self, word: str) -> float:
        """Seconds of sound."""
        return 0.065 * sum(map(str.isalnum, word)) + 0.05 * any(map(str.isalnum, word))

    def pause(self, word: str) -> float:
        """Seconds of silence after it."""
        end = word.rstrip()[-1:]
        return 0.6 if end in ".!?" and end else 0.25 if end in ",;:" and end else 0.0


@functools.cache
def aloud(language_code: str) -> Aloud:
    """The costs of a language."""
    language(language_code)
    return Aloud()
