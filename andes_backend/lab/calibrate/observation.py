"""One measured time, what it is the time of, and what a profile says it should have been."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Literal

from andes_backend.profile import Profile

__all__ = ["KINDS", "Kind", "Observation", "medians", "predicted_s"]

Kind = Literal["prefill", "decode", "mixed"]
"""Which experiment a time comes from; see `design`."""

KINDS: tuple[Kind, ...] = ("prefill", "decode", "mixed")


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured time.

    Of a prefill it is the time to first token of a prompt on an idle server; of a decode
    the time of a step; of a mixed one the time of a step that also computed a prompt.
    """

    kind: Kind
    prompt_tokens: int
    """Tokens of the prompt; 0 for a decode."""
    sequences: int
    """Requests that got one token each; 0 for a prefill."""
    context_tokens: int
    """What these had in the KV cache, in all."""
    seconds: float
    spread: float = 0.0
    """From the least to the greatest of its repetitions, as a fraction of the median."""

    def __str__(self) -> str:
        prompt = f"a prompt of {self.prompt_tokens:,} tokens"
        batch = f"{self.sequences} sequences with {self.context_tokens:,} tokens of context"
        if self.kind == "prefill":
            return prompt
        return batch if self.kind == "decode" else f"{prompt} beside {batch}"


def predicted_s(profile: Profile, observation: Observation) -> float:
    """What a profile says the time should be, seconds."""
    if observation.kind == "prefill":
        size, whole = profile.max_step_tokens, observation.prompt_tokens
        chunks = [(min(size, whole - done), done) for done in range(0, whole, size)]
        return profile.outside_s + sum(profile.step_s([chunk], 0, 0) for chunk in chunks)
    prompts = [observation.prompt_tokens] if observation.kind == "mixed" else []
    return profile.step_s(prompts, observation.sequences, observation.context_tokens)


def medians(repeated: Iterable[tuple[Hashable, Observation]]) -> tuple[Observation, ...]:
    """Repetitions of an experiment as one: the median time, the mean context.

    Args:
        repeated: (which experiment, what was measured) in any order. Measurements of an
            experiment that turned out with other numbers of sequences stay apart.
    """
    groups: dict[Hashable, list[Observation]] = {}
    for experiment, found in repeated:
        key = (experiment, found.kind, found.prompt_tokens, found.sequences)
        groups.setdefault(key, []).append(found)
    return tuple(_median(group) for group in groups.values())


def _median(group: Sequence[Observation]) -> Observation:
    times = [one.seconds for one in group]
    return replace(
        group[0],
        context_tokens=round(fmean(one.context_tokens for one in group)),
        seconds=median(times),
        spread=(max(times) - min(times)) / median(times),
    )
