"""How long does a step of this engine take? Learned from the steps while the engine runs."""

from dataclasses import astuple, dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LatencyModel", "StepTimes"]


@dataclass(frozen=True, slots=True)
class StepTimes:
    """What a step costs, in seconds; a sum of four parts, each 0 or more."""

    base: float
    """Any step."""
    per_sequence: float
    """For each request that gets one more token."""
    per_context_token: float
    """For each token that these requests have in the KV cache."""
    per_prompt_token: float
    """For each token of a prompt, or of a response that is computed again."""

    def step_s(self, sequences: float, context_tokens: float, prompt_tokens: float = 0.0) -> float:
        """Seconds for a step.

        Args:
            sequences: requests that get one more token each.
            context_tokens: what these have in the KV cache, in all.
            prompt_tokens: tokens of prompts computed in the step.
        """
        return (
            self.base
            + self.per_sequence * sequences
            + self.per_context_token * context_tokens
            + self.per_prompt_token * prompt_tokens
        )


_ASSUMED: Final = StepTimes(0.03, 2e-4, 3e-7, 2e-4)  # a GPU between small and large
_TRUST: Final = 1.0  # steps that the assumed times weigh as much as
_MEMORY: Final = 2000.0  # steps after which a past one counts 1/e
_RENEW: Final = 25  # steps between two fits
_SETTLED: Final = 200  # steps after which one that takes far too long is an accident
_FAR: Final = 3.0  # times what was expected


class LatencyModel:
    """Least squares over the recent steps, with no part below 0.

    `times` starts with a guess that a few dozen steps overrule. A step that took several
    times what was expected (a pause of the process, say) counts as no more than `_FAR` times
    that, so that it does not spoil the rest.
    """

    def __init__(self) -> None:
        self.times = _ASSUMED
        """The best present estimate."""
        self.learned = False
        """Whether it is more than a guess."""
        guess = np.array(astuple(_ASSUMED))
        # In units of the guess all four unknowns are near 1, and the sums well conditioned.
        self._unit = guess
        self._squares = np.eye(4) * _TRUST * guess[0] ** 2
        self._products = np.full(4, _TRUST * guess[0] ** 2)
        self._new: list[tuple[float, float, int, int, int]] = []  # seconds, 1, and the numbers
        self._folded = 0
        self._settled = False

    def observe(
        self, seconds: float, sequences: int, context_tokens: int, prompt_tokens: int
    ) -> None:
        """Learn how long a step took.

        Args:
            seconds: above 0; the engine was busy with nothing else meanwhile.
            sequences: requests that got one more token each.
            context_tokens: what these had in the KV cache, in all.
            prompt_tokens: tokens of prompts that were computed.
        """
        self._new.append((seconds, 1.0, sequences, context_tokens, prompt_tokens))
        if len(self._new) == _RENEW:
            self._take_in(np.array(self._new))
            self._new.clear()

    def _take_in(self, steps: NDArray[np.float64]) -> None:
        """Learn from steps, rows of (seconds, 1, sequences, context, prompts)."""
        seconds, x = steps[:, 0], steps[:, 1:] * self._unit
        if self._settled:
            expected = steps[:, 1:] @ np.array(astuple(self.times))
            seconds = np.minimum(seconds, _FAR * expected)
        keep = (1.0 - 1.0 / _MEMORY) ** len(steps)
        self._squares = self._squares * keep + x.T @ x
        self._products = self._products * keep + x.T @ seconds
        self._folded += len(steps)
        self._settled = self._folded >= _SETTLED
        self.learned = True
        base, sequence, context, prompt = (self._fit() * self._unit).tolist()
        self.times = StepTimes(base, sequence, context, prompt)

    def _fit(self) -> NDArray[np.float64]:
        """The non-negative least squares solution, shape (4,), exact.

        With four unknowns every choice of those that are 0 can be tried.
        """
        best, best_error = np.zeros(4), np.inf
        for size in range(4, 0, -1):
            for chosen in map(list, combinations(range(4), size)):
                part = np.linalg.solve(
                    self._squares[np.ix_(chosen, chosen)], self._products[chosen]
                )
                if (part < 0).any():
                    continue
                error = -part @ self._products[chosen]  # at the optimum, but for a constant
                if error < best_error:
                    best, best_error = np.zeros(4), error
                    best[chosen] = part
            if best_error < np.inf and size == 4:
                break  # no bound is in the way
        return best
