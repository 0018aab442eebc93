"""How long a voice takes over what it says, learned from the audio that it has made."""

from typing import Final, NamedTuple

__all__ = ["Cost", "Tempo"]

# How far a voice may be from what is expected of it: its speed by a third or so, its pauses by
# half, the silence around an utterance by a tenth of a second; and an utterance from the mean of
# its own voice by 0.3 s. The fit weighs what is expected accordingly.
_SPREAD: Final = (0.3, 0.5, 0.2)
_NOISE_S: Final = 0.3
_FORGET: Final = 0.85
"""What the past still counts after each utterance: speed may be changed."""
_FASTEST, _SLOWEST = 0.2, 5.0
_LIKELY: Final = (0.3, 4.0)  # lengths of audio, as multiples of what is expected


class Cost(NamedTuple):
    """What text costs aloud, seconds at the usual speed of its language."""

    sound: float
    pause: float

    def __add__(self, other: tuple[float, ...]) -> "Cost":  # type: ignore[override]
        return Cost(self.sound + other[0], self.pause + other[1])


class Tempo:
    """A voice's own speed, its pauses, and the silence around each of its utterances.

    An utterance lasts `sound` times one factor, and `pause` times another, and a constant. The
    three are fitted to all utterances so far (least squares with a prior, the latest count most).

    Args:
        around_s: silence around an utterance, seconds, before anything is known.
    """

    __slots__ = ("_by", "_expected", "_sums", "around_s", "pause", "sound")

    def __init__(self, around_s: float = 0.35) -> None:
        self.sound = self.pause = 1.0
        self.around_s = around_s
        self._expected = (1.0, 1.0, around_s)
        self._sums = [[0.0] * 3 for _ in range(3)]
        self._by = [0.0] * 3

    def seconds(self, cost: Cost) -> float:
        """How long the voice takes over it, without the silence around."""
        return self.sound * cost.sound + self.pause * cost.pause

    def learn(self, cost: Cost, seconds: float) -> None:
        """An utterance that costs so much, its last pause left out, has taken so long."""
        if not _LIKELY[0] < seconds / max(self.seconds(cost), 1e-9) < _LIKELY[1]:
            return  # the audio was broken off, or is not of this text
        parts = (*cost, 1.0)
        for i, row in enumerate(self._sums):
            for j in range(3):
                row[j] = _FORGET * row[j] + parts[i] * parts[j]
            self._by[i] = _FORGET * self._by[i] + parts[i] * seconds
        prior = [(_NOISE_S / spread) ** 2 for spread in _SPREAD]
        sound, pause, around_s = _solve(
            [
                [value + prior[i] * (i == j) for j, value in enumerate(row)]
                for i, row in enumerate(self._sums)
            ],
            [by + prior[i] * self._expected[i] for i, by in enumerate(self._by)],
        )
        self.sound = min(_SLOWEST, max(_FASTEST, sound))
        self.pause = min(_SLOWEST, max(0.0, pause))
        self.around_s = min(1.0, max(0.0, around_s))


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Three linear equations, the matrix symmetric and positive."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(3):
        for j in range(i + 1, 3):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [b - factor * a for a, b in zip(rows[i], rows[j], strict=True)]
    solution = [0.0, 0.0, 0.0]
    for i in (2, 1, 0):
        known = sum(rows[i][j] * solution[j] for j in range(i + 1, 3))
        solution[i] = (rows[i][3] - known) / rows[i][i]
    return solution
