"""What words cost somebody who listens, in tokens, for the paced buffer."""

from collections.abc import Callable
from typing import Final

import regex

from andes_client.expectation import TOKENS_PER_WORD, Speaking
from andes_client.speech_rates import figures, usual_wpm
from andes_client.voice.aloud import aloud

__all__ = ["word_cost"]

# What a blank line adds to the pause before it, seconds: as espeak-ng says the texts of
# benchmarks/speech_texts.
_PARAGRAPH_S: Final = 0.25
# The mark of an item or of a heading, after a line break.
_ITEM: Final = regex.compile(r"[\r\n]\s{0,8}+(?:[-*+•#]{1,6}|\d{1,3}[.)])\Z")


def word_cost(expectation: Speaking, language_code: str) -> Callable[[str], float]:
    """Tokens of a word with its pause, such that `expectation.tds` is the mean on plain text.

    Args:
        expectation: whose tokens they are.
        language_code: ISO 639-1 code of the text.

    Raises:
        ValueError: the language is not known.
    """
    voice, end_of_line = aloud(language_code), figures(language_code).sentence
    # Tokens in a second at the usual speed. Who has given no speed hears that of the text.
    usual = usual_wpm(language_code) / 60 * TOKENS_PER_WORD
    tokens = expectation.tds if expectation.usual else usual

    def cost(word: str) -> float:
        pause = voice.pause(word)
        if word.startswith(("\r", "\n")):
            # The line before it has been shown: what silence the break brings comes only now. A
            # line before an item seldom ends with a mark that has brought it already.
            pause = end_of_line if _ITEM.search(word[:80]) else pause
            pause += _PARAGRAPH_S if "\n\n" in word and not word.isspace() else 0.0
        return tokens * (voice.sound(word) + pause)

    return cost
