"""A long answer with everything in it that Markdown has, for tests and measurements."""

import random
from typing import Final

__all__ = ["long_answer"]

_WORDS: Final = ("river", "past", "willow", "while", "Mole", "and", "Rat", "of", "boats", "in")


def long_answer(words: int, seed: int = 1) -> str:
    """Markdown of at least so many words: headings, lists, code, tables, CJK, emoji.

    Args:
        words: how many, counted between white space.
        seed: the same gives the same text.
    """
    rng = random.Random(seed)
    parts: list[str] = []
    count = 0
    while count < words:
        parts += _part(rng, len(parts) // 6 + 1)
        count = sum(len(part.split()) for part in parts)
    return "\n\n".join(parts) + "\n"


def _part(rng: random.Random, number: int) -> list[str]:
    def prose(words: int) -> str:
        return " ".join(rng.choice(_WORDS) for _ in range(words)).capitalize() + "."

    code = [f"depth_{i} = sound({i}, 'reach {i}')  # {prose(4)}" for i in range(20)]
    rows = [f"| reach {i} | {i * 7} | {prose(4)} |" for i in range(15)]
    return [
        f"## Part {number}",
        prose(60),
        "\n".join(f"- {prose(10)}" for _ in range(5)),
        "\n".join(["```python", *code, "```"]),
        "\n".join(["| name | depth | what |", "|---|---|---|", *rows]),
        "河は流れ、モグラは聞いた。柳の下で。日本語の文 🚀👩🏽‍🚀 with **bold** and `code` "
        + prose(30),
    ]
