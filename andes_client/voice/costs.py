"""What words cost somebody who listens, in tokens, for the paced buffer."""

from collections.abc import Callable

from andes_client.expectation import TOKENS_PER_WORD, Speaking
from andes_client.voice.aloud import aloud
from andes_client.voice.figures import usual_wpm

__all__ = ["word_cost"]


def word_cost(expectation: Speaking, language_code: str) -> Callable[[str], float]:
    """Tokens of a word with its pause, such that `expectation.tds` is the mean on plain text.

    Args:
        expectation: whose tokens they are.
        language_code: ISO 639-1 code of the text.

    Raises:
        ValueError: the language is not known.
    """
    voice = aloud(language_code)
    # Tokens in a second at the usual speed. Who has given no speed hears that of the text.
    usual = usual_wpm(language_code) / 60 * TOKENS_PER_WORD
    tokens = expectation.tds if expectation.usual else usual

    def cost(word: str) -> float:
        return tokens * (voice.sound(word) + voice.pause(word))

    return cost
